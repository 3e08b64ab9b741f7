//! Names at the destination: prefix and namespace go onto everything that the destination gets, and
//! the source and the store never see them. And the fields that were selected are all that arrives.

use serde_json::{Value, json};

use crate::script::{Script, code, raw, source, stream};

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
    let show = raw(&json!({"type": "STREAM_WAS", "n": n}));
    let status = |status: &str| {
        raw(
            &json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1,
            "stream_status": {"status": status,
                "stream_descriptor": {"name": "a", "namespace": "shop"}}}}),
        )
    };
    let state = |n| raw(&json!({"type": "STATE", "state": state(n)}));
    let steps = json!([
        show,
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
    let check = |more: Value, expected: (&str, Value)| {
        for mode in ["echo", "no-ids"] {
            let script = Script::new();
            for n in [1, 3] {
                let envelope = script.good(steps(n), mode, more.clone());
                let expected = (expected.0.to_owned(), expected.1.clone());
                assert_eq!(names(&script), [expected], "{mode}: {more}");
                assert_eq!(script.exported(), json!([state(n + 1)]), "{mode}: {more}");
                let counts = crate::lab::stream(&envelope["data"], "a");
                assert_eq!(counts["namespace"], "shop", "{counts}");
                assert_eq!(counts["committed"], 2, "{counts}");
            }
            // What the third run's source is given is told by a record.
            let mut show = source(&[announced()], &json!([["show", "a"]]));
            show["source"] = json!([["show", "b"], record(5)]);
            script.good(show, mode, more.clone());
        }
    };
    let custom = json!({"definition": "custom", "format": "${SOURCE_NAMESPACE}_raw"});
    let none = json!({"definition": "destination"});
    check(json!({}), ("a", json!("shop")));
    check(json!({"prefix": "p_"}), ("p_a", json!("shop")));
    check(
        json!({"prefix": "p_", "namespace": custom}),
        ("p_a", json!("shop_raw")),
    );
    check(
        json!({"prefix": "p_", "namespace": none}),
        ("p_a", Value::Null),
    );
    check(json!({"namespace": none}), ("a", Value::Null));
}
