//! What is kept of a run beside its counts (Airbyte §3.14).

use serde_json::{Value, json};

use crate::script::{Script, raw, source, stream};

fn estimate(kind: &str, name: &str, rows: u64) -> Value {
    raw(
        &json!({"type": "TRACE", "trace": {"type": "ESTIMATE", "emitted_at": 1,
        "estimate": {"type": kind, "name": name, "row_estimate": rows, "byte_estimate": rows * 10}}}),
    )
}

#[test]
fn estimates_and_the_life_of_states_are_kept() {
    let steps = json!([
        estimate("STREAM", "a", 4), estimate("STREAM", "b", 3),
        ["records", "a", 2], ["state", "a", {"n": 2}],
        ["sleep", 0.2],
        ["records", "a", 2], ["state", "a", {"n": 4}],
        ["records", "b", 1], ["state", "b", {"n": 1}],
        ["records", "b", 2], ["exit", 1],
    ]);
    let script = Script::new();
    let envelope = script.run(
        source(&[stream("a"), stream("b")], &steps),
        "echo",
        json!({}),
    );
    let ran = envelope["data"]["pipelines"][0].clone();
    let kept = script.command(&["runs", "show", "1"]);
    for of in [&ran, &kept] {
        let total = &of["statistics"];
        assert_eq!(total["estimated_records"], 7, "{of:#}");
        assert_eq!(total["estimated_bytes"], 70);
        assert_eq!(total["source_states"], 3);
        assert_eq!(total["destination_states"], 3);
        let longest = total["max_seconds_between_states"].as_f64().unwrap();
        let mean = total["mean_seconds_between_states"].as_f64().unwrap();
        assert!(longest >= 0.2 && mean < longest, "{total:#}");
        assert!(
            total["max_seconds_until_committed"].is_number(),
            "{total:#}"
        );
        let a = crate::lab::stream(of, "a");
        assert_eq!(a["statistics"]["estimated_records"], 4);
        assert_eq!(a["statistics"]["source_states"], 2);
        assert_eq!(a["statistics"]["committed_bytes"], a["bytes"], "{a:#}");
        // What no state covers is emitted and not committed.
        let b = crate::lab::stream(of, "b");
        let committed = b["statistics"]["committed_bytes"].as_u64().unwrap();
        assert_eq!(committed * 3, b["bytes"].as_u64().unwrap(), "{b:#}");
        assert_eq!((&b["records"], &b["committed"]), (&json!(3), &json!(1)));
    }
}

#[test]
fn an_estimate_of_the_whole_sync_is_no_sum() {
    let script = Script::new();
    let steps = json!([estimate("SYNC", "a", 40), ["records", "a", 2], ["state", "a", {"n": 2}]]);
    let envelope = script.good(source(&[stream("a")], &steps), "echo", json!({}));
    let ran = &envelope["data"]["pipelines"][0];
    assert_eq!(ran["statistics"]["estimated_records"], 40);
    assert_eq!(
        ran["streams"][0]["statistics"]["estimated_records"],
        Value::Null
    );
}
