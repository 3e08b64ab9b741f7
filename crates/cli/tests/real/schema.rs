//! Changes of the source's schema between two runs (Airbyte §3.12): what flows, what is left out, and what waits for
//! a person.

use serde_json::{Value, json};

use crate::script::{Script, code};

fn stream(name: &str, fields: &[&str]) -> Value {
    let fields: serde_json::Map<String, Value> = fields
        .iter()
        .map(|f| ((*f).to_owned(), json!({"type": "string"})))
        .collect();
    json!({"name": name, "json_schema": {"type": "object", "properties": fields},
        "supported_sync_modes": ["full_refresh", "incremental"]})
}

/// A source of these streams. It shows what it was given, and sends every field whatever it was told of.
fn source(streams: &[Value]) -> Value {
    let record = |stream: &Value| {
        let data: serde_json::Map<String, Value> = stream["json_schema"]["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(|key| (key.clone(), json!("x")))
            .collect();
        crate::script::raw(
            &json!({"type": "RECORD", "record": {"stream": stream["name"],
            "data": data, "emitted_at": 1}}),
        )
    };
    let mut steps: Vec<Value> = streams.iter().map(record).collect();
    steps.extend(
        streams
            .iter()
            .map(|stream| json!(["state", stream["name"], {"n": 1}])),
    );
    json!({"discover": crate::script::catalog(streams), "source": steps})
}

/// Every stream, by `at`, under this policy.
fn policy(settings: Value) -> Value {
    json!({"streams": [{"name": "*", "sync_mode": "incremental", "cursor_field": "at"}], "settings": settings})
}

fn fields(script: &Script, stream: &str) -> Vec<String> {
    let catalog = script.catalog();
    let streams = catalog["streams"].as_array().unwrap();
    let Some(found) = streams.iter().find(|s| s["stream"]["name"] == stream) else {
        return Vec::new();
    };
    let properties = found["stream"]["json_schema"]["properties"]
        .as_object()
        .unwrap();
    properties.keys().cloned().collect()
}

fn sent(script: &Script, stream: &str) -> Vec<String> {
    let records = script.received_of("RECORD");
    let record = records.iter().find(|r| r["stream"] == stream);
    record.map_or_else(Vec::new, |r| {
        r["data"].as_object().unwrap().keys().cloned().collect()
    })
}

#[test]
fn new_fields_and_streams_flow_or_are_left_out() {
    let before = source(&[stream("a", &["at", "n"])]);
    let now = source(&[stream("a", &["at", "n", "new"]), stream("b", &["at"])]);
    let (old, new) = (vec!["at", "n"], vec!["at", "n", "new"]);
    for (settings, a, b) in [
        (json!({}), &new, true),
        (json!({"schema_changes": "propagate_fully"}), &new, true),
        (json!({"schema_changes": "propagate_columns"}), &new, false),
        (json!({"schema_changes": "ignore"}), &old, false),
    ] {
        let script = Script::new();
        script.good(before.clone(), "echo", policy(settings.clone()));
        for run in 1..=2 {
            script.good(now.clone(), "echo", policy(settings.clone()));
            assert_eq!(fields(&script, "a"), *a, "{settings}: run {run}");
            assert_eq!(sent(&script, "a"), *a, "{settings}: run {run}");
            assert_eq!(fields(&script, "b").is_empty(), !b, "{settings}: run {run}");
            assert_eq!(sent(&script, "b").is_empty(), !b, "{settings}: run {run}");
        }
        if !b {
            // What is left out can be taken after all.
            script.command(&["accept", "p"]);
            script.good(now.clone(), "echo", policy(settings.clone()));
            assert_eq!(
                (fields(&script, "a"), sent(&script, "b")),
                (
                    new.iter().map(ToString::to_string).collect(),
                    vec!["at".to_owned()]
                )
            );
        }
    }
}

#[test]
fn a_change_pauses_the_pipeline_until_it_is_accepted_or_gone() {
    let before = source(&[stream("a", &["at", "n"])]);
    let now = source(&[stream("a", &["at", "n", "new"])]);
    let pause = policy(json!({"schema_changes": "pause"}));
    let script = Script::new();
    script.good(before.clone(), "echo", pause.clone());
    let log = script.log();
    for _ in 0..2 {
        let envelope = script.run(now.clone(), "echo", pause.clone());
        assert_eq!(code(&envelope), "run.schema_changed", "{envelope:#}");
        assert_eq!(envelope["error"]["context"]["change"], "a: + new: string");
        assert!(
            envelope["error"]["hint"]
                .as_str()
                .unwrap()
                .contains("crossdock accept p")
        );
    }
    assert_eq!(script.log(), log, "something was moved");
    let plan = script.command(&["plan", &script.file()]);
    assert_eq!(plan["pipelines"][0]["paused"], true, "{plan:#}");
    // The source takes it back.
    script.good(before, "echo", pause.clone());
    let envelope = script.try_command(&["accept", "p"]);
    assert_eq!(code(&envelope), "store.nothing_to_accept");
    script.run(now.clone(), "echo", pause.clone());
    let taken = script.command(&["accept", "p"]);
    assert_eq!(
        taken["changes"][0]["fields"][0]["field"], "new",
        "{taken:#}"
    );
    script.good(now, "echo", pause);
    assert_eq!(fields(&script, "a"), ["at", "n", "new"]);
    // Where it had come to is as it was.
    assert_eq!(
        script.exported()[0]["stream"]["stream_state"],
        json!({"n": 1})
    );
}

#[test]
fn a_cursor_that_is_gone_pauses_and_needs_another_in_the_file() {
    let script = Script::new();
    let now = source(&[stream("a", &["n", "seen"])]);
    script.good(
        source(&[stream("a", &["at", "n"])]),
        "echo",
        policy(json!({})),
    );
    let envelope = script.run(now.clone(), "echo", policy(json!({})));
    assert_eq!(code(&envelope), "run.schema_changed", "{envelope:#}");
    assert!(
        envelope["error"]
            .to_string()
            .contains("a: - at: string, its cursor"),
        "{envelope:#}"
    );
    let taken = script.command(&["accept", "p"]);
    assert!(
        taken["advice"][0]
            .as_str()
            .unwrap()
            .contains("`cursor_field`"),
        "{taken:#}"
    );
    let envelope = script.run(now.clone(), "echo", policy(json!({})));
    assert_eq!(code(&envelope), "catalog.unknown_field", "{envelope:#}");
    let more =
        json!({"streams": [{"name": "a", "sync_mode": "incremental", "cursor_field": "seen"}]});
    script.good(now, "echo", more);
}

#[test]
fn a_stream_with_new_fields_is_read_anew_if_that_is_wanted() {
    for (settings, generations) in [
        (json!({}), [0, 0]),
        (json!({"backfill": true}), [1, 0]),
        (json!({"backfill": true, "refresh": "truncate"}), [1, 1]),
    ] {
        let script = Script::new();
        let b = stream("b", &["at"]);
        script.good(
            source(&[stream("a", &["at"]), b.clone()]),
            "echo",
            policy(settings.clone()),
        );
        let now = source(&[stream("a", &["at", "new"]), b]);
        script.good(now.clone(), "echo", policy(settings.clone()));
        let ids = |at: usize| {
            let stream = script.catalog()["streams"][at].clone();
            [
                stream["generation_id"].as_i64().unwrap(),
                stream["minimum_generation_id"].as_i64().unwrap(),
            ]
        };
        assert_eq!((ids(0), ids(1)), (generations, [0, 0]), "{settings}");
        // Once.
        script.good(now, "echo", policy(settings.clone()));
        assert_eq!(ids(0), [generations[0], 0], "{settings}");
    }
}
