//! How long silence is borne: a destination that keeps a state back ends the run, and a source that
//! only logs is alive.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::script::{Script, code, source, stream};

/// Records and a state, then so many log lines, one every 300 ms.
fn chatty(lines: usize) -> Value {
    let mut steps = vec![json!(["records", "a", 3]), json!(["state", "a", {"n": 3}])];
    for _ in 0..lines {
        steps.push(json!(["sleep", 0.3]));
        steps.push(json!(["log", "INFO", "still waiting for the next page"]));
    }
    source(&[stream("a")], &Value::Array(steps))
}

#[test]
fn a_state_that_is_not_returned_ends_the_run() {
    let script = Script::new();
    let more = json!({"settings": {"checkpoint_silence": "1s"}});
    let began = Instant::now();
    let envelope = script.run(chatty(13), "silent", more);
    assert_eq!(
        code(&envelope),
        "run.checkpoint_not_returned",
        "{envelope:#}"
    );
    assert!(began.elapsed() >= Duration::from_secs(1));
    assert_eq!(script.exported(), json!([]));
}

#[test]
fn log_lines_are_a_sign_of_life() {
    let script = Script::new();
    let more = json!({"settings": {"source_silence": "1s", "checkpoint_silence": "1s"}});
    script.good(chatty(10), "echo", more);
    assert!(script.exported_text().contains(r#""n":3"#));
}
