//! All kinds of state, from the source through a destination into the store and back: nothing of
//! them is lost, and one run has one kind.

use serde_json::{Value, json};

use crate::script::{Script, code, line, source, stream};

/// More digits than any machine number has.
const BIG: &str = "12345678901234567890123";

fn stream_state(n: u32) -> String {
    format!(
        r#"{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"a"}},"stream_state":{{"lsn":{BIG},"n":{n}}}}}}}"#
    )
}

fn global_state(n: u32) -> String {
    format!(
        r#"{{"type":"GLOBAL","global":{{"shared_state":{{"lsn":{BIG},"n":{n}}},"stream_states":[{{"stream_descriptor":{{"name":"a"}},"stream_state":{{"n":{n}}}}}]}}}}"#
    )
}

fn legacy_state(n: u32) -> String {
    format!(r#"{{"type":"LEGACY","data":{{"a":{{"lsn":{BIG},"n":{n}}}}}}}"#)
}

fn says(state: &str) -> Value {
    line(&format!(r#"{{"type":"STATE","state":{state}}}"#))
}

/// Steps that show what the source was given, and then print these states.
fn steps(states: &[&str]) -> Value {
    let mut steps = vec![json!(["show", "a"])];
    for state in states {
        steps.push(json!(["records", "a", 3]));
        steps.push(says(state));
    }
    source(&[stream("a")], &Value::Array(steps))
}

/// The state that the source of the last run was given.
fn given(script: &Script) -> Value {
    script.received_of("RECORD")[0]["data"]["state"].clone()
}

/// What a source is given of these states: a LEGACY one bare, as the sources that print it take it.
fn handed(states: &Value) -> Value {
    match &states[0]["type"] {
        kind if kind == "LEGACY" => states[0]["data"].clone(),
        _ => states.clone(),
    }
}

fn value(states: &[&str]) -> Value {
    serde_json::from_str(&format!("[{}]", states.join(","))).unwrap()
}

/// The state of a run is the next one's, whatever the destination makes of it.
fn comes_back(state: fn(u32) -> String) {
    for mode in ["echo", "no-ids"] {
        let script = Script::new();
        script.good(steps(&[&state(1), &state(2)]), mode, json!({}));
        assert_eq!(given(&script), Value::Null, "there is no state at first");
        let expected = value(&[&state(2)]);
        assert_eq!(script.exported(), expected, "{mode}");
        let text = script.exported_text();
        assert!(text.contains(&state(2)), "{mode}: {text}");

        script.good(steps(&[&state(3)]), mode, json!({}));
        assert_eq!(given(&script), handed(&expected), "{mode}");
        let record = script.log();
        let record = record.lines().nth(1).unwrap();
        assert!(record.contains(BIG), "{mode}: {record}");
        assert_eq!(script.exported(), value(&[&state(3)]), "{mode}");
    }
}

#[test]
fn a_stream_state_comes_back_to_the_source_to_the_digit() {
    comes_back(stream_state);
}

#[test]
fn a_global_state_comes_back_to_the_source_to_the_digit() {
    comes_back(global_state);
}

#[test]
fn a_legacy_state_comes_back_to_the_source_to_the_digit() {
    comes_back(legacy_state);
}

#[test]
fn a_state_without_a_type_is_a_legacy_one() {
    let script = Script::new();
    let untyped = format!(r#"{{"data":{{"lsn":{BIG}}}}}"#);
    script.good(steps(&[&untyped]), "echo", json!({}));
    let expected = format!(r#"[{{"type":"LEGACY","data":{{"lsn":{BIG}}}}}]"#);
    let text = script.exported_text();
    assert!(text.contains(&expected), "{text}");
}

#[test]
fn data_beside_a_stream_state_is_not_kept() {
    let script = Script::new();
    let both = stream_state(1).replacen('{', r#"{"data":{"old":1},"#, 1);
    script.good(steps(&[&both]), "echo", json!({}));
    assert_eq!(script.exported(), value(&[&stream_state(1)]));
}

#[test]
fn another_kind_replaces_the_earlier_one() {
    let script = Script::new();
    let kinds = [stream_state, global_state, legacy_state, stream_state];
    let mut before = Value::Null;
    for (state, n) in kinds.into_iter().zip(1..) {
        script.good(steps(&[&state(n)]), "echo", json!({}));
        assert_eq!(given(&script), before, "run {n}");
        let expected = value(&[&state(n)]);
        assert_eq!(script.exported(), expected, "run {n}");
        before = handed(&expected);
    }
}

/// Runs `first` and then `second` after a run that left a state per stream.
fn mixed(first: &str, second: &str) {
    let script = Script::new();
    script.good(steps(&[&stream_state(1)]), "echo", json!({}));
    let envelope = script.run(steps(&[first, second]), "echo", json!({}));
    assert_eq!(code(&envelope), "protocol.state_mixed", "{envelope:#}");
    // What is kept is whole: the state before the run, or the first one of it.
    let kept = script.exported();
    assert!(
        !kept.to_string().contains(r#""n":3"#) && kept.as_array().unwrap().len() == 1,
        "{kept}"
    );
}

#[test]
fn states_per_stream_and_of_the_whole_are_not_mixed_within_a_run() {
    mixed(&stream_state(2), &global_state(3));
    mixed(&stream_state(2), &legacy_state(3));
    mixed(&global_state(2), &stream_state(3));
    mixed(&legacy_state(2), &stream_state(3));
}

#[test]
fn global_and_legacy_states_are_not_mixed_within_a_run() {
    mixed(&global_state(2), &legacy_state(3));
    mixed(&legacy_state(2), &global_state(3));
}
