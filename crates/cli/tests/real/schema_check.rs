//! Records that are not as their source announced them arrive all the same, and the run tells of them.

use serde_json::{Value, json};

use crate::lab::stream as counts;
use crate::script::{Script, raw, source};

fn announced() -> Value {
    json!({
        "name": "a", "source_defined_cursor": true,
        "json_schema": {"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string"}}},
        "supported_sync_modes": ["full_refresh", "incremental"]})
}

fn record(data: &Value) -> Value {
    raw(&json!({"type": "RECORD", "record": {"stream": "a", "data": data, "emitted_at": 1}}))
}

/// What the run told of a stream with these records.
fn told(records: &[Value], more: Value) -> (Value, usize) {
    let script = Script::new();
    let mut steps: Vec<Value> = records.iter().map(record).collect();
    steps.push(json!(["state", "a", {"n": 1}]));
    let envelope = script.good(source(&[announced()], &json!(steps)), "echo", more);
    let arrived = script.received_of("RECORD").len();
    (counts(&envelope["data"], "a")["schema"].clone(), arrived)
}

#[test]
fn what_does_not_fit_is_told_and_arrives() {
    let records = [
        json!({"n": 1, "t": "x"}),
        json!({"n": "one", "t": null}),
        json!({"n": "two", "t": 5, "extra": 1}),
        json!({"n": 4, "more": {}}),
    ];
    let (schema, arrived) = told(&records, json!({}));
    assert_eq!(arrived, 4);
    let expected = json!({
        "checked": 4, "failing": 2,
        "faults": [
            {"record": 2, "fault": "`n`: the value is not of type \"integer\""},
            {"record": 3, "fault": "`t`: the value is not of type \"string\""},
        ],
        "unexpected": ["extra", "more"],
    });
    assert_eq!(schema, expected);
    let (schema, _) = told(&records[..1], json!({}));
    assert_eq!(schema, Value::Null);
    // Fields that nobody selected are expected.
    let selected = json!({"streams": [{"name": "a", "fields": ["n"]}]});
    let (schema, _) = told(&records[3..], selected);
    assert_eq!(schema, Value::Null);
    let off = json!({"settings": {"schema_check": "off"}});
    let (schema, arrived) = told(&records, off);
    assert_eq!((schema, arrived), (Value::Null, 4));
}
