//! Names at the destination: prefix and namespace go onto everything that the destination gets, and
//! the source and the store never see them. And the fields that were selected are all that arrives.

use serde_json::{Value, json};

use crate::script::{Script, raw, source, stream};

fn announced() -> Value {
    let mut stream = stream("a");
    stream["namespace"] = "shop".into();
    stream
}

fn record(n: u32) -> Value {
    raw(&json!({"type": "RECORD", "record": {
        "stream": "a", "namespace": "shop", "data": {"n": n}, "emitted_at": 1}}))
}

fn state(n: u32) -> Value {
    json!({"type": "STREAM", "stream": {
        "stream_descriptor": {"name": "a", "namespace": "shop"}, "stream_state": {"n": n}}})
}

fn steps(n: u32) -> Value {
    let status = |status: &str| {
        raw(
            &json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1,
            "stream_status": {"status": status,
                "stream_descriptor": {"name": "a", "namespace": "shop"}}}}),
        )
    };
    let state = |n| raw(&json!({"type": "STATE", "state": state(n)}));
    let steps = json!([
        ["show", "a", "shop"],
        status("STARTED"),
        record(n),
        state(n),
        record(n + 1),
        state(n + 1),
        status("COMPLETE")
    ]);
    source(&[announced()], &steps)
}

/// Every name and namespace that the destination was given, each once.
fn names(script: &Script) -> Vec<(String, Value)> {
    let mut names = Vec::new();
    let mut note = |name: &Value, namespace: &Value| {
        let pair = (name.as_str().unwrap().to_owned(), namespace.clone());
        if !names.contains(&pair) {
            names.push(pair);
        }
    };
    for stream in script.catalog()["streams"].as_array().unwrap() {
        note(&stream["stream"]["name"], &stream["stream"]["namespace"]);
    }
    for record in script.received_of("RECORD") {
        note(&record["stream"], &record["namespace"]);
    }
    let states = script.received_of("STATE");
    assert_eq!(states.len(), 2, "{states:?}");
    for state in states {
        let descriptor = &state["stream"]["stream_descriptor"];
        note(&descriptor["name"], &descriptor["namespace"]);
    }
    let traces = script.received_of("TRACE");
    assert!(!traces.is_empty(), "the destination is told of the end");
    for trace in traces {
        let descriptor = &trace["stream_status"]["stream_descriptor"];
        note(&descriptor["name"], &descriptor["namespace"]);
    }
    names
}

#[test]
fn the_destination_has_its_names_and_the_source_its_own() {
    let check = |modes: &[&str], more: Value, expected: (&str, Value)| {
        for mode in modes {
            let script = Script::new();
            let mut before = Value::Null;
            for n in [1, 3] {
                let envelope = script.good(steps(n), mode, more.clone());
                let expected = (expected.0.to_owned(), expected.1.clone());
                assert_eq!(names(&script), [expected], "{mode}: {more}");
                assert_eq!(script.exported(), json!([state(n + 1)]), "{mode}: {more}");
                // What the source was given: its own names.
                let given = &script.received_of("RECORD")[0]["data"];
                assert_eq!(given["state"], before, "{mode}: {more}");
                let asked = &given["catalog"]["streams"][0]["stream"];
                assert_eq!(
                    (&asked["name"], &asked["namespace"]),
                    (&json!("a"), &json!("shop"))
                );
                before = json!([state(n + 1)]);
                let counts = crate::lab::stream(&envelope["data"], "a");
                assert_eq!(counts["namespace"], "shop", "{counts}");
                assert_eq!(counts["committed"], 3, "{counts}");
            }
        }
    };
    let custom = json!({"definition": "custom", "format": "${SOURCE_NAMESPACE}_raw"});
    let none = json!({"definition": "destination"});
    check(&["echo"], json!({}), ("a", json!("shop")));
    check(
        &["echo", "no-ids"],
        json!({"prefix": "p_", "namespace": custom}),
        ("p_a", json!("shop_raw")),
    );
    check(
        &["no-ids"],
        json!({"prefix": "p_", "namespace": none}),
        ("p_a", Value::Null),
    );
    check(&["echo"], json!({"namespace": none}), ("a", Value::Null));
}

#[test]
fn a_global_state_is_passed_on_as_it_is() {
    let script = Script::new();
    let state = json!({"type": "GLOBAL", "global": {"shared_state": {"lsn": 1}, "stream_states": [
        {"stream_descriptor": {"name": "a", "namespace": "shop"}, "stream_state": {"n": 1}}]}});
    let message = raw(&json!({"type": "STATE", "state": state}));
    let steps = source(&[announced()], &json!([record(1), message]));
    script.good(steps, "no-ids", json!({"prefix": "p_"}));
    assert_eq!(script.exported(), json!([state]));
}

#[test]
fn only_selected_fields_arrive() {
    let record = raw(
        &json!({"type": "RECORD", "record": {"stream": "a", "emitted_at": 1,
        "data": {"secret": "hidden", "n": 1, "unannounced": "hidden"}}}),
    );
    let steps = source(&[stream("a")], &json!([record, ["state", "a", {"n": 1}]]));
    for (name, stream_name) in [("a", "a"), ("p_a", "a")] {
        let script = Script::new();
        let prefix = name.trim_end_matches(stream_name);
        let more = json!({"prefix": prefix, "streams": [{"name": "a", "fields": ["n"]}]});
        script.good(steps.clone(), "echo", more);
        let records = script.received_of("RECORD");
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["stream"], name);
        assert_eq!(records[0]["data"], json!({"n": 1}));
        assert!(!script.log().contains("hidden"), "{}", script.log());
        let schema = &script.catalog()["streams"][0]["stream"]["json_schema"]["properties"];
        assert_eq!(*schema, json!({"n": {"type": "integer"}}));
    }
}
