use crossdock_core::batch::{Operation, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::stream::StreamId;

use super::RecordFormat;

/// One record.
fn rows(operation: Operation, metadata: &str, before: &str, after: &str) -> Rows {
    let mut buffer = Vec::new();
    let mut add = |text: &str| {
        let start = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        match text {
            "" => Span::NONE,
            _ => Span::new(start, buffer.len()).unwrap(),
        }
    };
    let mut rows = RowsBuilder::default();
    rows.push(RowSpans {
        metadata: add(metadata),
        before: add(before),
        after: add(after),
        operation,
        emitted_at: 7,
        ..RowSpans::default()
    });
    rows.finish(buffer.into(), None)
}

fn written(format: &RecordFormat, rows: &Rows) -> Result<String, String> {
    let mut out = Vec::new();
    format.write(&mut out, (rows, 0), &StreamId::new("s"), "1/2/0")?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn templates_see_the_whole_record() {
    let rows = rows(
        Operation::Update,
        "",
        "",
        r#"{"id":9007199254740993,"name":"Ada"}"#,
    );
    let check = |text: &str, expected: Result<&str, &str>| {
        let format = RecordFormat::template(text).unwrap();
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(written(&format, &rows), expected, "{text}");
    };
    check(
        r#"{{.Payload.After.id}},{{.Payload.After.name | upper}}"#,
        Ok("9007199254740993,ADA"),
    );
    check("{{.Position}} {{.Operation}}", Ok("1/2/0 update"));
    check(
        r#"{{index .Metadata "opencdc.collection"}} {{index .Metadata "opencdc.readAt"}}"#,
        Ok("s 7000000"),
    );
    check("{{.Payload.After.age}}", Err("there is no `age`"));
    check("{{.Metadata.age}}", Err("there is no `age`"));
    assert!(RecordFormat::template("{{.Payload").is_err());
}

#[test]
fn changes_have_debeziums_form() {
    let check = |options: &str, rows: &Rows, expected: &[&str]| {
        let format = RecordFormat::debezium_json(options).unwrap();
        let text = written(&format, rows).unwrap();
        for part in expected {
            assert!(text.contains(part), "{part} in {text}");
        }
        text
    };
    let opencdc = r#"{"opencdc.readAt":"1700000000123456789"}"#;
    let after = r#"{"a":1,"b":9007199254740993,"c":true,"d":["x"],"e":{"f":null},"g":[]}"#;
    let text = check(
        "debezium.schema.name=orders",
        &rows(Operation::Snapshot, opencdc, "", after),
        &[
            &format!(
                r#""payload":{{"before":null,"after":{after},"source":{opencdc},"op":"r","ts_ms":1700000000123,"transaction":null}}"#
            ),
            r#"{"type":"double","field":"a"},{"type":"int64","field":"b"},{"type":"boolean","field":"c"}"#,
            r#"{"type":"array","optional":true,"items":{"type":"string"},"field":"d"}"#,
            r#"{"type":"struct","optional":true,"fields":[{"type":"string","optional":true,"field":"f"}],"field":"e"}"#,
            r#"{"type":"array","optional":true,"items":{"type":"string","optional":true},"field":"g"}"#,
            r#""field":"transaction"}],"name":"orders"}"#,
        ],
    );
    // One side alone gives both their schemas.
    assert_eq!(text.matches(r#"{"type":"int64","field":"b"}"#).count(), 2);

    let raw = r#"{"crossdock.raw":"after,before","opencdc.version":"v1"}"#;
    check(
        "debezium.rawData.key=raw",
        &rows(
            Operation::Delete,
            raw,
            r#"{"raw":"{\"a\":1}"}"#,
            r#"{"raw_base64":"/w=="}"#,
        ),
        &[
            r#""payload":{"before":{"a":1},"after":{"raw":"/w=="},"source":{"opencdc.version":"v1"},"op":"d","transaction":null}"#,
            r#"{"type":"bytes","optional":true,"field":"raw"}"#,
        ],
    );
    assert!(RecordFormat::debezium_json("debezium.name=x").is_err());
}
