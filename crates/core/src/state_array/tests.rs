use super::global::Rest;
use super::*;
use crate::code;

fn stream(name: &str, namespace: Option<&str>, state: &str) -> LaneState {
    let stream = match namespace {
        Some(namespace) => StreamId::with_namespace(namespace, name),
        None => StreamId::new(name),
    };
    LaneState {
        lane: Lane::Stream(stream),
        kind: StateKind::Stream,
        state: Json::parse_text(state.to_owned()).unwrap(),
    }
}

fn whole(kind: StateKind, state: &str) -> LaneState {
    LaneState {
        lane: Lane::Global,
        kind,
        state: Json::parse_text(state.to_owned()).unwrap(),
    }
}

const DIGITS: &str = r#"{"lsn":123456789012345678901234567890,"x":1.10,"y":1E400}"#;

#[test]
fn what_is_exported_is_imported_again() {
    fn check(states: &[LaneState], expected: &str) {
        let array = export(states);
        assert_eq!(array.to_string(), expected);
        assert_eq!(import(expected).unwrap(), states);
    }
    check(&[], "[]");
    check(
        &[
            stream("users", None, DIGITS),
            stream("u\"2", Some("public"), "null"),
        ],
        &format!(
            r#"[{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"users"}},"stream_state":{DIGITS}}}}},{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"u\"2","namespace":"public"}},"stream_state":null}}}}]"#
        ),
    );
    let parts = r#"{"shared_state":{"cdc":"0/1"},"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{}}]}"#;
    check(
        &[whole(StateKind::Global, parts)],
        &format!(r#"[{{"type":"GLOBAL","global":{parts}}}]"#),
    );
    check(
        &[whole(StateKind::Legacy, r#"{"a":{"c":"2"}}"#)],
        r#"[{"type":"LEGACY","data":{"a":{"c":"2"}}}]"#,
    );
    check(
        &[whole(StateKind::Position, r#""AAE=""#)],
        r#"[{"type":"POSITION","position":"AAE="}]"#,
    );
    let mut lane = stream("t", Some("s"), "7");
    lane.kind = StateKind::Position;
    check(
        &[lane],
        r#"[{"type":"POSITION","stream_descriptor":{"name":"t","namespace":"s"},"position":7}]"#,
    );
}

#[test]
fn every_form_is_taken() {
    fn check(text: &str, expected: &[LaneState]) {
        assert_eq!(import(text).unwrap(), expected, "{text}");
    }
    let users = [stream("users", None, r#"{"c":1}"#)];
    let message = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"c":1}}}"#;
    check(message, &users);
    check(&format!("\u{feff}\n[ {message} ]\n"), &users);
    check(&format!(r#"{{"type":"STATE","state":{message}}}"#), &users);
    check(
        &format!(r#"[{{"type":"STATE","state":{message}}}]"#),
        &users,
    );
    // A null namespace is none; other members are left out; white space goes, in strings it stays.
    check(
        r#"{"type":"STREAM","id":4,"sourceStats":{"recordCount":2.0},"data":{},
            "stream":{"stream_descriptor":{"name":"users","namespace":null},
                      "stream_state":{ "c" :
                        "a \" b" }}}"#,
        &[stream("users", None, r#"{"c":"a \" b"}"#)],
    );
    check(
        r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"}}}"#,
        &[stream("users", None, "null")],
    );
    // One per line.
    let two = [
        stream("users", None, r#"{"c":1}"#),
        stream("users", Some("n"), "{}"),
    ];
    let second = r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users","namespace":"n"},"stream_state":{}}}}"#;
    check(&format!("{message}\n{second}\n"), &two);
    // Without a type.
    check(
        r#"{"stream_descriptor":{"name":"users"},"stream_state":{"c":1}}"#,
        &users,
    );
    check(
        r#"{"stream":{"stream_descriptor":{"name":"users"},"stream_state":{"c":1}}}"#,
        &users,
    );
    let global = r#"{"shared_state":{},"stream_states":[]}"#;
    check(global, &[whole(StateKind::Global, global)]);
    check(
        &format!(r#"{{"global":{global}}}"#),
        &[whole(StateKind::Global, global)],
    );
    // The form of the time before types.
    for legacy in [
        "{}",
        r#"{"users":{"c":1}}"#,
        r#"{"data":1,"cursor":2}"#,
        r#"{"type":5}"#,
    ] {
        check(legacy, &[whole(StateKind::Legacy, legacy)]);
    }
    check(
        r#"{"data":{"c":1}}"#,
        &[whole(StateKind::Legacy, r#"{"c":1}"#)],
    );
    check(
        r#"{"type":"STATE","state":{"data":{"c":1}}}"#,
        &[whole(StateKind::Legacy, r#"{"c":1}"#)],
    );
    check("[]", &[]);
}

#[test]
fn everything_else_is_refused_with_a_reason() {
    fn check(text: &str, reason: &str) {
        let error = import(text).unwrap_err();
        assert_eq!(error.code(), &code::STATE_IMPORT, "{text}");
        assert!(error.message().contains(reason), "{text}: {error:?}");
    }
    check("", "nothing");
    check("  \n", "nothing");
    check("{", "not JSON");
    check("{} x", "not JSON");
    check("null", "not a JSON object");
    check("[1]", "not a JSON object");
    check("[[]]", "not a JSON object");
    check(r#"{"type":"RECORD","record":{}}"#, "not a state's");
    check(r#"{"type":"stream"}"#, "not a state's");
    check(r#"{"type":"STATE"}"#, "no `state`");
    check(
        r#"{"type":"STATE","state":{"type":"STATE","state":{}}}"#,
        "another one",
    );
    check(r#"{"type":"STREAM"}"#, "lacks a member");
    check(r#"{"type":"STREAM","stream":7}"#, "not an object");
    check(
        r#"{"type":"STREAM","stream":{"stream_state":{}}}"#,
        "lacks a member",
    );
    check(
        r#"{"type":"STREAM","stream":{"stream_descriptor":{}}}"#,
        "does not name a stream",
    );
    check(r#"{"type":"LEGACY"}"#, "lacks a member");
    check(r#"{"type":"GLOBAL","global":3}"#, "malformed");
    check(
        r#"{"type":"GLOBAL","global":{"stream_states":{}}}"#,
        "malformed",
    );
    check(
        r#"{"type":"GLOBAL","global":{"stream_states":[{}]}}"#,
        "malformed",
    );
    check(
        r#"[{"streamDescriptor":{"name":"a"},"streamState":{}}]"#,
        "Airbyte's API",
    );
    let a = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"}}}"#;
    check(&format!("[{a},{a}]"), "twice");
    check(
        &format!(r#"[{a},{{"type":"LEGACY","data":{{}}}}]"#),
        "mixed",
    );
    check(r#"{"a":1}{"b":2}"#, "twice");
}

#[test]
fn deep_nesting_is_no_way_to_crash() {
    let deep = "[".repeat(200_000);
    assert!(import(&deep).is_err());
    let state = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    // Kept as text, so depth costs nothing (P11).
    assert_eq!(import(&state).unwrap()[0].state.bytes(), state.as_bytes());
}

#[test]
fn parts_of_a_global_state_are_taken_out() {
    let a = r#"{"stream_descriptor":{"name":"a"},"stream_state":{"c":1.0}}"#;
    let x = r#"{"stream_descriptor":{"name":"a","namespace":"x"},"stream_state":null,"id":3}"#;
    let state = |parts: &str| {
        format!(
            r#"{{"shared_state":{{"n":12345678901234567890123}},"stream_states":[{parts}],"z":1}}"#
        )
    };
    let check = |streams: &[StreamId], expected: Rest| {
        let streams: Vec<_> = streams.iter().collect();
        let whole = state(&format!("{a},{x}"));
        assert_eq!(global::without(&whole, &streams).unwrap(), expected);
    };
    let (plain, spaced) = (StreamId::new("a"), StreamId::with_namespace("x", "a"));
    check(std::slice::from_ref(&plain), Rest::Less(state(x)));
    check(std::slice::from_ref(&spaced), Rest::Less(state(a)));
    check(&[StreamId::new("b")], Rest::Same);
    // What they shared goes with the last of them (§3.9).
    check(&[spaced, plain.clone()], Rest::Nothing);
    assert!(global::without("[]", &[&plain]).is_err());
    for whole in [r#"{"shared_state":1}"#, r#"{"stream_states":null}"#] {
        assert_eq!(global::without(whole, &[&plain]).unwrap(), Rest::Same);
        assert!(!global::has_parts(whole).unwrap());
    }
}
