//! What a connector that misbehaves gets: an error with a name, within its deadline.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::peer;
use crate::lab::Lab;
use crate::script::code;

/// Longer than any run here may take: the deadlines are seconds.
const LONGEST: Duration = Duration::from_secs(30);

fn settings() -> Value {
    json!({"settings": {
        "until_idle": "1s", "grace": "2s", "command_timeout": "3s", "finish_timeout": "3s",
        "retries": {"complete_failures": 1, "partial_failures": 1}}})
}

fn run(source: Value, destination: Value) -> Option<Value> {
    let chaos = peer("chaos")?;
    let lab = Lab::new();
    let file = lab.pipeline((&chaos, source), (&chaos, destination), settings());
    let began = Instant::now();
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    assert!(began.elapsed() < LONGEST, "{envelope:#}");
    Some(envelope)
}

fn check(is_source: bool, method: &str, mode: &str, expected: &str, part: &str) {
    // A write goes wrong in the middle of what is sent.
    let bad = json!({(method): mode, "records": if method == "write" { 5 } else { 10 }});
    let (source, destination) = if is_source {
        (bad, json!({}))
    } else {
        (json!({}), bad)
    };
    let Some(envelope) = run(source, destination) else {
        return;
    };
    let side = if is_source { "source" } else { "destination" };
    assert_eq!(
        code(&envelope),
        expected,
        "{side} {method} {mode}: {envelope:#}"
    );
    assert!(
        envelope.to_string().contains(part),
        "{side} {method} {mode}: {envelope:#}"
    );
}

#[test]
fn errors_are_the_connectors_own_words() {
    for (is_source, methods) in [
        (true, ["configure", "created", "open", "read", "ack"]),
        (false, ["configure", "created", "open", "write", "write"]),
    ] {
        for method in methods {
            let words = format!("{method} failed as it was told to");
            let expected = if method == "write" {
                "connector.refused_record"
            } else {
                "connector.failed"
            };
            check(is_source, method, "error", expected, &words);
        }
    }
}

#[test]
fn a_panic_is_named_with_its_words() {
    for (is_source, methods) in [
        (true, &["configure", "created", "open", "read", "ack"][..]),
        (false, &["configure", "created", "open", "write"]),
    ] {
        for method in methods {
            check(
                is_source,
                method,
                "panic",
                "connector.exit",
                "panicked as it was told to",
            );
        }
    }
}

#[test]
fn one_that_does_not_answer_is_ended() {
    for method in ["configure", "created", "open"] {
        for mode in ["block", "context-done"] {
            check(true, method, mode, "connector.timeout", "did not answer");
            check(false, method, mode, "connector.timeout", "did not answer");
        }
    }
    check(
        false,
        "write",
        "block",
        "connector.timeout",
        "did not acknowledge",
    );
    // The SDK takes the end of its context for the end of all.
    check(
        false,
        "write",
        "context-done",
        "connector.timeout",
        "did not acknowledge",
    );
}

#[test]
fn a_bad_end_does_not_undo_what_is_committed() {
    for mode in ["error", "block", "panic", "context-done"] {
        for bad in [
            json!({"teardown": mode}),
            json!({"read": "block"}),
            json!({"ack": "block"}),
        ] {
            let Some(envelope) = run(bad.clone(), json!({"teardown": mode})) else {
                return;
            };
            assert_eq!(code(&envelope), "ok", "{bad} {mode}: {envelope:#}");
            let counts = &envelope["data"]["pipelines"][0]["streams"][0];
            assert_eq!(counts["committed"], 10, "{bad} {mode}: {envelope:#}");
        }
    }
}

#[test]
fn a_program_that_is_no_connector_is_told_apart() {
    let Some(_) = peer("chaos") else { return };
    let lab = Lab::new();
    let check = |words: &str, part: &str| {
        let source = format!("conduit:exec:{words}");
        let file = lab.pipeline((&source, json!({})), ("native:null", json!({})), settings());
        let envelope = lab.run(&["run", file.to_str().unwrap()]);
        assert_eq!(
            code(&envelope),
            "protocol.handshake",
            "{words}: {envelope:#}"
        );
        assert!(envelope.to_string().contains(part), "{words}: {envelope:#}");
    };
    check("echo hello", "hello");
    check("true", "exit code 0");
    check("sh -c 'echo oh >&2; exit 3'", "oh");
    check(
        "sh -c 'echo \"1|2|unix|/nowhere|grpc|\"; sleep 9'",
        "/nowhere",
    );
    check(
        "sh -c 'echo \"1|9|unix|/nowhere|grpc|\"; sleep 9'",
        "version `9`",
    );
}

#[test]
fn records_without_a_position_of_their_own_are_refused() {
    for (position, part) in [
        ("none", "without a position"),
        ("same", "two records with the position"),
    ] {
        check(true, "position", position, "protocol.position", part);
    }
}
