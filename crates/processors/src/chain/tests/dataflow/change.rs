//! `debeziumUnwrap`.

use super::*;

fn unwrapped(settings: &str, row: Row<'_>, expected: &str) {
    let found = outcome(&[wanted("debeziumUnwrap", settings)], row);
    assert_eq!(found, [expected], "{settings} {row:?}");
}

/// A change in Debezium's envelope.
fn envelope(op: &str, before: &str, after: &str) -> String {
    format!(
        r#"{{"schema":{{}},"payload":{{"op":{op},"before":{before},"after":{after},"source":{{"table":"t","lsn":9007199254740993}}}}}}"#
    )
}

#[test]
fn changes_by_cases() {
    let change = |settings: &str, op: &str, expected: &str| {
        let after = envelope(op, r#"{"id":1}"#, r#"{"id":2}"#);
        unwrapped(settings, (Operation::Create, "", "", "", &after), expected);
    };
    change(
        "{}",
        r#""c""#,
        r#"users Create {"operation":"insert"} - - {"id":2}"#,
    );
    change(
        "{}",
        r#""u""#,
        r#"users Update {"operation":"update"} - - {"id":2}"#,
    );
    change(
        "{}",
        r#""r""#,
        r#"users Snapshot {"operation":"insert"} - - {"id":2}"#,
    );
    change(
        r#"{"snapshotOperation":"insert"}"#,
        r#""r""#,
        r#"users Snapshot {"operation":"insert"} - - {"id":2}"#,
    );
    change(
        r#"{"snapshotOperation":"update"}"#,
        r#""r""#,
        r#"users Update {"operation":"update"} - - {"id":2}"#,
    );
    change(
        "{}",
        r#""d""#,
        r#"users Delete {"operation":"delete"} - {"id":1} "#,
    );
    change(
        "{}",
        r#""t""#,
        "failed: `payload.op` is `t`, none of c, u, d, r",
    );
    change(
        r#"{"addOperationFields":true}"#,
        r#""u""#,
        r#"users Update {"operation":"update"} - - {"id":2,"__op":"u","__deleted":"false"}"#,
    );
    change(
        r#"{"addOperationFields":true}"#,
        r#""d""#,
        r#"users Delete {"operation":"delete"} - {"id":1,"__op":"d","__deleted":"true"} "#,
    );
    change(
        r#"{"addSourceFields":["lsn","x","table"]}"#,
        r#""c""#,
        r#"users Create {"operation":"insert"} - - {"id":2,"source_lsn":9007199254740993,"source_table":"t"}"#,
    );
    change(
        r#"{"includeSourceInMetadata":true}"#,
        r#""c""#,
        r#"users Create {"source":{"table":"t","lsn":9007199254740993},"operation":"insert"} - - {"id":2}"#,
    );
    refused(
        "debeziumUnwrap",
        r#"{"snapshotOperation":"read"}"#,
        "the setting `snapshotOperation`: `read` is neither insert nor update",
    );
    refused(
        "debeziumUnwrap",
        r#"{"addSourceField":[]}"#,
        "the setting `addSourceField` is not known; did you mean `addSourceFields`?",
    );
}

#[test]
fn what_is_no_change_stays() {
    for after in [
        r#"{"a": 1}"#,
        r#"{"payload":{"a": 1}}"#,
        r#"{"payload":{"op":null}}"#,
        r#"{"payload":5}"#,
        r#"{"op":"c","after":{"a":1}}"#,
    ] {
        let expected = format!("users Update - - - {after}");
        unwrapped("{}", (Operation::Update, "", "", "", after), &expected);
    }
    let check = |op: &str, before: &str, after: &str, expected: &str| {
        let after = envelope(op, before, after);
        unwrapped("{}", (Operation::Create, "", "", "", &after), expected);
    };
    check(
        r#""c""#,
        "null",
        "null",
        "failed: `payload.after` is nothing, but `payload.op` is `c`",
    );
    check(
        r#""d""#,
        "null",
        "null",
        "failed: `payload.before` is nothing, but `payload.op` is `d`",
    );
    check(
        r#""u""#,
        "null",
        "[1]",
        "failed: `payload.after` is a list, but `payload.op` is `u`",
    );
}

#[test]
fn keys_come_out_too() {
    let after = envelope(r#""c""#, "null", r#"{"id":2}"#);
    let key = r#"{"schema":{},"payload":{"id":2}}"#;
    let row = (Operation::Create, "", key, "", after.as_str());
    unwrapped(
        "{}",
        row,
        r#"users Create {"operation":"insert"} {"id":2} - {"id":2}"#,
    );
}

#[test]
fn raw_changes_come_out() {
    let (metadata, after) = raw(&envelope(r#""c""#, "null", r#"{"id":2}"#));
    let row = (Operation::Create, metadata.as_str(), "", "", after.as_str());
    unwrapped(
        "{}",
        row,
        r#"users Create {"topic":"t","operation":"insert"} - - {"id":2}"#,
    );
}

#[test]
fn tombstones_by_cases() {
    let infer = r#"{"inferDeleteFromTombstone":true}"#;
    let check = |settings: &str, metadata: &str, key: &str, expected: &str| {
        unwrapped(
            settings,
            (Operation::Create, metadata, key, "", "{}"),
            expected,
        );
    };
    let object = r#"{"key":{"id":9007199254740993}}"#;
    check("{}", object, "", "filtered");
    check(infer, "", "", "filtered");
    check(
        infer,
        object,
        "",
        r#"users Delete {"key":{"id":9007199254740993},"operation":"delete"} - {"id":9007199254740993} "#,
    );
    let text = r#""key":"{\"schema\":{},\"payload\":{\"id\":1}}""#;
    let expected = format!(r#"users Delete {{{text},"operation":"delete"}} - {{"id":1}} "#);
    check(infer, &format!("{{{text}}}"), "", &expected);
    check(infer, r#"{"key":"7"}"#, "", "filtered");
    check(infer, r#"{"key":"x"}"#, "", "filtered");
    check(
        infer,
        "",
        r#"{"id":1}"#,
        r#"users Delete {"operation":"delete"} {"id":1} {"id":1} "#,
    );
    let marked = r#"{"inferDeleteFromTombstone":true,"addOperationFields":true}"#;
    check(
        marked,
        "",
        r#"{"id":1}"#,
        r#"users Delete {"operation":"delete"} {"id":1} {"id":1,"__op":"d","__deleted":"true"} "#,
    );
    for text in ["", "null", " null "] {
        let (metadata, after) = raw(text);
        unwrapped(
            "{}",
            (Operation::Create, &metadata, "", "", &after),
            "filtered",
        );
    }
    // A delete that its source knows as such.
    let row = (Operation::Delete, "", r#"{"id":1}"#, "", "");
    unwrapped("{}", row, r#"users Delete - {"id":1} - "#);
}
