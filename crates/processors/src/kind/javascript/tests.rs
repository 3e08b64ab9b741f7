use crossdock_core::batch::{RowSpans, RowsBuilder, Span};
use crossdock_core::stream::StreamId;

use super::*;

fn record(after: &str) -> Record {
    let metadata = r#"{"opencdc.version":"v1","crossdock.raw":"key"}"#;
    let mut buffer = Vec::new();
    let mut add = |text: &str| {
        let start = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        Span::new(start, buffer.len()).unwrap()
    };
    let row = RowSpans {
        after: add(after),
        key: add(r#"{"raw":"kü"}"#),
        metadata: add(metadata),
        ..RowSpans::default()
    };
    let mut rows = RowsBuilder::default();
    rows.push(row);
    Record::read(&StreamId::new("s"), &rows.finish(buffer.into(), None), 0).unwrap()
}

/// What `process`, with this body, makes of a record: its operation, metadata, key and value.
fn run(body: &str, after: &str) -> Result<String, String> {
    let script = format!("function process(rec) {{ {body} }}");
    let mut processor = JavaScript::new(&script)?;
    match processor.process(record(after)) {
        Outcome::One(mut record) => {
            let metadata = Value::Object(record.metadata.clone()).to_json();
            let (key, after) = (record.key.value()?, record.after.value()?);
            let operation = operation_name(record.operation);
            Ok(format!(
                "{operation} {metadata} {} {}",
                key.to_text(),
                after.to_json()
            ))
        }
        Outcome::Filtered => Ok("filtered".into()),
        Outcome::Many(_) => Ok("many".into()),
        Outcome::Failed(why) => Err(why),
        Outcome::Needs(..) => unreachable!(),
    }
}

#[test]
fn scripts_by_cases() {
    let check = |body: &str, after: &str, expected: &str| {
        assert_eq!(run(body, after).as_deref(), Ok(expected), "{body}");
    };
    let same = |after: &str| format!(r#"create {{"opencdc.version":"v1"}} kü {after}"#);
    let odd = r#"{"a":9007199254740993,"b":12.50,"c":[1,null,true,{"d":"x"}],"e":1e2}"#;
    check("return rec;", odd, &same(odd));
    check(
        "rec.Payload.After.f = rec.Payload.After.a + 1n; return rec;",
        r#"{"a":9007199254740993}"#,
        &same(r#"{"a":9007199254740993,"f":9007199254740994}"#),
    );
    check(
        "rec.Payload.After.b *= 2; return rec;",
        r#"{"b":1.25}"#,
        &same(r#"{"b":2.5}"#),
    );
    check(
        "delete rec.Payload.After.b; return rec;",
        r#"{"b":1,"c":2}"#,
        &same(r#"{"c":2}"#),
    );
    check("return null;", "{}", "filtered");
    check("if (rec.Payload.After.x) return rec;", "{}", "filtered");
    check(
        "rec.Metadata.m = 'x'; rec.Operation = 'delete'; rec.Key = RawData('new ' + String.fromCharCode(...rec.Key.slice(0, 1))); return rec;",
        "{}",
        r#"delete {"opencdc.version":"v1","m":"x"} new k {}"#,
    );
    check(
        "const r = new Record(); r.Operation = 'update'; r.Payload.After = StructuredData(); r.Payload.After.id = 5; logger.Info().Str('a', 'b').Msg('made'); return r;",
        "{}",
        r#"update {} <nil> {"id":5}"#,
    );
}

#[test]
fn what_is_wrong_is_told() {
    let check = |body: &str, expected: &str| {
        let wrong = run(body, "{}").unwrap_err();
        assert!(wrong.contains(expected), "{wrong}");
    };
    check("throw new Error('too bad');", "too bad");
    check("throw 'a text';", "a text");
    check(
        "return rec.Nothing.x;",
        "cannot read property 'x' of undefined",
    );
    check("return 5;", "neither a record nor null");
    check(
        "rec.Payload.After = 5; return rec;",
        "a number cannot be a key or a payload",
    );
    check("rec.Operation = 'x'; return rec;", "`x` is no operation");
    check(
        "rec.Payload.After.x = 0/0; return rec;",
        "no number that a record can have",
    );
    check(
        "rec.Payload.After.x = rec.Payload.After; return rec;",
        "nested more than",
    );
    check(
        "const a = []; while (true) a.push('x'.repeat(1000000) + a.length); ",
        "",
    );
    assert!(
        JavaScript::new("function x() {}")
            .err()
            .unwrap()
            .contains("no function `process`")
    );
    assert!(JavaScript::new("function (").err().unwrap().contains("("));
}

#[test]
fn an_endless_script_is_ended() {
    let script = "function process(rec) { while (true) {} }";
    let processor = JavaScript::new(script).unwrap();
    // Not the ten seconds that a record has.
    let soon = Arc::clone(&processor.deadline);
    let done = processor.context.with(|ctx| {
        *soon.lock().unwrap() = Some(Instant::now());
        caught(&ctx, ctx.eval::<(), _>("process({})"))
    });
    assert!(done.unwrap_err().contains("interrupted"));
}
