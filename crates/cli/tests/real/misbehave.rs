//! What bad connectors get, through the whole engine: a clear error with a stable code, and nothing
//! committed is lost. The connectors are scripted (`crates/airbyte/tests/peer/connector.py`).

use std::time::Instant;

use serde_json::{Value, json};

use crate::lab::Lab;
use crate::script::{code, peer};

fn catalog() -> Value {
    let stream = json!({
        "name": "a", "json_schema": {}, "supported_sync_modes": ["full_refresh", "incremental"],
        "source_defined_cursor": true});
    let catalog = json!({"type": "CATALOG", "catalog": {"streams": [stream]}});
    json!([["raw", format!("{catalog}\n")]])
}

/// Runs `steps` into a destination of this mode and returns the lab and the envelope.
fn run(steps: &Value, mode: &str) -> (Lab, Value) {
    let lab = Lab::new();
    let source = json!({"discover": catalog(), "source": steps});
    // Longer than an interpreter needs to start on a busy machine, and far shorter than the source
    // that sleeps.
    let more = json!({"settings": {
        "retries": {"complete_failures": 1, "partial_failures": 1},
        "source_silence": "5s", "grace": "1s", "command_timeout": "20s", "finish_timeout": "3s"}});
    let peer = peer();
    let file = lab.pipeline((&peer, source), (&peer, json!({"destination": mode})), more);
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    (lab, envelope)
}

/// Ten records and a state that is committed, then what goes wrong.
fn after_a_state(wrong: &[Value]) -> Value {
    let mut steps = vec![
        json!(["records", "a", 10]),
        json!(["state", "a", {"n": 10}]),
    ];
    steps.extend_from_slice(wrong);
    Value::Array(steps)
}

#[test]
fn a_source_that_fails_keeps_what_was_committed() {
    let check = |wrong: &[Value], expected: &str| {
        let (lab, envelope) = run(&after_a_state(wrong), "echo");
        assert_eq!(code(&envelope), expected, "{wrong:?}: {envelope:#}");
        let state = lab.good(&["state", "export", "p"]);
        assert!(
            state.to_string().contains(r#""n":10"#),
            "{wrong:?} lost the state: {state}"
        );
    };
    check(&[json!(["exit", 0])], "ok");
    check(&[json!(["exit", 1])], "connector.exit");
    check(&[json!(["exit", 3])], "connector.out_of_memory");
    check(&[json!(["exit", 127])], "connector.no_entrypoint");
    check(&[json!(["exit", 137])], "connector.killed");
    check(&[json!(["kill", 9])], "connector.killed");
    check(&[json!(["exit", 143])], "connector.killed");
    check(
        &[
            json!(["error", "the token expired", "config_error"]),
            json!(["exit", 1]),
        ],
        "connector.failed",
    );
    check(
        &[
            json!(["error", "a broke", "system_error", "a"]),
            json!(["exit", 1]),
        ],
        "connector.stream_failed",
    );
    check(
        &[json!(["status", "a", "STARTED"]), json!(["exit", 0])],
        "connector.stream_incomplete",
    );
    check(
        &[
            json!(["raw", "{\"type\":\"RECORD\",\"record\":{\"str"]),
            json!(["exit", 0]),
        ],
        "protocol.line_truncated",
    );
    check(
        &[
            json!(["raw", "{\"type\":\"RECORD\",\"record\":{\"str"]),
            json!(["exit", 1]),
        ],
        "connector.exit",
    );
    check(
        &[json!([
            "raw",
            "{\"type\":\"RECORD\",\"record\":{\"stream\":\"a\",\"data\":{\n"
        ])],
        "protocol.record_unreadable",
    );
    check(
        &[json!([
            "raw",
            "Traceback (most recent call last):\n{\"x\":1}\n"
        ])],
        "ok",
    );
    check(&[json!(["stderr", "x".repeat(1000), 2000])], "ok");
    check(&[json!(["hold", 30])], "ok");
    check(&[json!(["sleep", 30])], "run.source_silent");
}

#[test]
fn a_source_that_says_nothing_or_only_garbage_has_failed() {
    for steps in [json!([]), json!([["raw", "hello\nworld\n"]])] {
        let (_, envelope) = run(&steps, "echo");
        assert_eq!(code(&envelope), "connector.no_answer", "{envelope:#}");
    }
}

#[test]
fn destinations_that_echo_as_they_please() {
    let check = |mode: &str, expected: &str, committed: bool| {
        let (lab, envelope) = run(&after_a_state(&[]), mode);
        // A destination that quits early is noticed at once, or at its end: who is faster?
        assert!(
            expected.split(' ').any(|e| e == code(&envelope)),
            "{mode}: {envelope:#}"
        );
        let state = lab.good(&["state", "export", "p"]);
        assert_eq!(
            state.to_string().contains(r#""n":10"#),
            committed,
            "{mode}: {state}"
        );
    };
    check("echo", "ok", true);
    check("no-ids", "ok", true);
    check("twice", "ok", true);
    check("unknown", "ok", true);
    check("reverse", "ok", true);
    check("silent", "protocol.state_not_returned", false);
    check("reject", "run.rejected_records", true);
    check("die", "connector.failed", false);
    check("quit", "connector.exit protocol.state_not_returned", false);
    check("hang", "connector.timeout", false);
}

#[test]
fn a_connector_that_is_not_there() {
    let lab = Lab::new();
    let out = ("native:null", json!({}));
    let file = lab.pipeline(
        ("airbyte:exec:./no-such-connector", json!({})),
        out,
        json!({}),
    );
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    assert_eq!(code(&envelope), "launch.not_found", "{envelope:#}");
}

#[test]
fn a_connector_that_never_answers_is_ended() {
    let lab = Lab::new();
    let source = json!({"discover": [["deaf"], ["sleep", 600]]});
    let more = json!({"settings": {"command_timeout": "1s", "grace": "500ms"}});
    let file = lab.pipeline((&peer(), source), ("native:null", json!({})), more);
    let began = Instant::now();
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    assert_eq!(code(&envelope), "connector.timeout", "{envelope:#}");
    assert!(began.elapsed().as_secs() < 60);
}

#[test]
fn a_secret_is_masked_wherever_the_connector_says_it() {
    let lab = Lab::new();
    let source = json!({
        "password": "hunter2-hunter2", "discover": catalog(),
        "source": [["log", "ERROR", "login with hunter2-hunter2 failed"],
                   ["error", "hunter2-hunter2 was refused", "config_error"], ["exit", 1]]});
    let file = lab.pipeline((&peer(), source), ("native:null", json!({})), json!({}));
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    let text = envelope.to_string();
    assert!(
        text.contains("**** was refused") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn a_new_configuration_is_kept_and_merged() {
    let lab = Lab::new();
    let rotated = json!({"password": "second-token", "discover": catalog(),
        "source": [["show", "a"], ["state", "a", {"n": 1}]]});
    let source = json!({"password": "first-token", "discover": catalog(),
        "source": [["control", rotated], ["records", "a", 1], ["state", "a", {"n": 1}]]});
    let out = (
        "native:jsonl",
        json!({"path": lab.text("lake"), "metadata_columns": false}),
    );
    let file = lab.pipeline((&peer(), source), out, json!({}));
    lab.good(&["run", file.to_str().unwrap()]);
    // The file is as it was, so the connector's own configuration counts: it now shows what it got.
    lab.good(&["run", file.to_str().unwrap()]);
    let shown = lab.folders("lake")["a"].last().unwrap().clone();
    assert_eq!(
        shown["state"][0]["stream"]["stream_state"]["n"], 1,
        "{shown}"
    );
}
