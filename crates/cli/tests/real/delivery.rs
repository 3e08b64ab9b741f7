//! What a destination is told of the end, in which order it may return states, and what becomes of
//! a run whose counts do not agree.

use serde_json::{Value, json};

use crate::script::{Script, code, raw, source, stream};

fn two(steps: &Value) -> Value {
    source(&[stream("a"), stream("b")], steps)
}

fn completed(script: &Script) -> Vec<String> {
    let mut streams: Vec<_> = script
        .received_of("TRACE")
        .into_iter()
        .filter(|t| t["stream_status"]["status"] == "COMPLETE")
        .map(|t| {
            let descriptor = &t["stream_status"]["stream_descriptor"];
            descriptor["name"].as_str().unwrap().to_owned()
        })
        .collect();
    streams.sort();
    streams
}

#[test]
fn complete_is_said_once_for_every_stream_of_a_good_run() {
    let check = |wrong: &[Value], expected_code: &str, expected: &[&str]| {
        let mut steps = vec![
            json!(["status", "a", "STARTED"]),
            json!(["records", "a", 2]),
            json!(["state", "a", {"n": 2}]),
        ];
        steps.extend_from_slice(wrong);
        let script = Script::new();
        let envelope = script.run(two(&Value::Array(steps)), "echo", json!({}));
        assert!(
            expected_code.split(' ').any(|e| e == code(&envelope)),
            "{wrong:?}: {envelope:#}"
        );
        assert_eq!(completed(&script), expected, "{wrong:?}: {}", script.log());
        let last = script.received().pop().unwrap();
        if !expected.is_empty() {
            assert_eq!(last["type"], "TRACE", "they come last: {last}");
        }
        // Nothing that was returned is lost either way.
        assert!(script.exported_text().contains(r#""n":2"#));
    };
    let complete = |s: &str| json!(["status", s, "COMPLETE"]);
    let b = json!(["status", "b", "STARTED"]);
    check(
        &[complete("a"), b.clone(), complete("b")],
        "ok",
        &["a", "b"],
    );
    // The source tells of `a` and says nothing of `b`, though it ends with exit code 0.
    check(&[complete("a")], "connector.stream_incomplete", &[]);
    check(
        &[complete("a"), b.clone(), json!(["records", "b", 2])],
        "connector.stream_incomplete",
        &[],
    );
    check(
        &[complete("a"), complete("b"), json!(["exit", 1])],
        "connector.exit",
        &[],
    );
    check(
        &[
            complete("a"),
            b.clone(),
            json!(["status", "b", "INCOMPLETE"]),
        ],
        "connector.stream_incomplete connector.stream_failed",
        &[],
    );
    check(
        &[
            complete("a"),
            json!(["error", "b broke", "system_error", "b"]),
            json!(["status", "b", "INCOMPLETE"]),
            json!(["exit", 1]),
        ],
        "connector.stream_failed",
        &[],
    );
}

/// The generation goes on until it is complete: what an overwrite is to replace stays until then.
#[test]
fn an_overwrite_that_a_stream_leaves_incomplete_is_not_finalised() {
    let script = Script::new();
    let complete = |s: &str| json!(["status", s, "COMPLETE"]);
    let read = |end: &[Value]| {
        let mut steps = vec![json!(["records", "a", 2]), json!(["records", "b", 2])];
        steps.extend_from_slice(end);
        two(&Value::Array(steps))
    };
    let more = json!({"streams": [{"name": "*", "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}]});
    let envelope = script.run(read(&[complete("a")]), "echo", more.clone());
    assert_eq!(code(&envelope), "connector.stream_incomplete");
    assert_eq!(envelope["error"]["context"]["stream"], "b", "{envelope:#}");
    let b = crate::lab::stream(&envelope["data"], "b");
    assert_eq!(b["status"], "incomplete", "{b:#}");
    let shown = script.shown();
    let generations = shown["generations"].as_array().unwrap();
    assert!(
        generations.iter().all(|g| g["complete"] == false),
        "{shown:#}"
    );
    assert_eq!(completed(&script), [] as [&str; 0]);
    script.good(read(&[complete("a"), complete("b")]), "echo", more);
    assert_eq!(completed(&script), ["a", "b"]);
    let shown = script.shown();
    let generations = shown["generations"].as_array().unwrap();
    assert!(
        generations.iter().all(|g| g["complete"] == true),
        "{shown:#}"
    );
}

#[test]
fn states_returned_in_reverse_are_committed_up_to_the_last() {
    let mut steps = Vec::new();
    for n in 1..=4 {
        for stream in ["a", "b"] {
            steps.push(json!(["records", stream, 3]));
            steps.push(json!(["state", stream, {"n": n, "of": stream}]));
        }
    }
    let script = Script::new();
    let envelope = script.good(two(&Value::Array(steps)), "reverse", json!({}));
    let mut states = script.exported();
    let states = states.as_array_mut().unwrap();
    states.sort_by_key(ToString::to_string);
    let state = |name: &str| {
        json!({"type": "STREAM", "stream": {
            "stream_descriptor": {"name": name}, "stream_state": {"n": 4, "of": name}}})
    };
    assert_eq!(*states, [state("a"), state("b")]);
    for name in ["a", "b"] {
        let counts = crate::lab::stream(&envelope["data"], name);
        assert_eq!(counts["committed"], 12, "{counts}");
    }
}

/// Ten records and a state that says how many they were.
fn counted(count: f64) -> Value {
    let state = raw(&json!({"type": "STATE", "state": {"type": "STREAM",
        "stream": {"stream_descriptor": {"name": "a"}, "stream_state": {"n": 10}},
        "sourceStats": {"recordCount": count}}}));
    source(&[stream("a")], &json!([["records", "a", 10], state]))
}

#[test]
fn a_wrong_count_fails_the_run_and_loses_nothing() {
    for mode in ["echo", "no-ids"] {
        let script = Script::new();
        script.good(counted(10.0), mode, json!({}));
        for count in [7.0, 13.0, 0.0] {
            let script = Script::new();
            let envelope = script.run(counted(count), mode, json!({}));
            assert_eq!(
                code(&envelope),
                "run.count_mismatch",
                "{count}: {envelope:#}"
            );
            assert_eq!(script.received_of("RECORD").len(), 10);
            assert!(script.exported_text().contains(r#""n":10"#), "{count}");
        }
    }
}

#[test]
fn a_wrong_count_may_be_a_warning() {
    let script = Script::new();
    let more = json!({"settings": {"count_mismatch": "warn"}});
    let envelope = script.good(counted(7.0), "echo", more);
    let text = envelope["data"].to_string();
    assert!(text.contains("run.count_mismatch"), "{envelope:#}");
    assert!(script.exported_text().contains(r#""n":10"#));
}
