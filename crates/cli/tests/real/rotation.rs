//! A connector that replaces its configuration, e.g. since a token may be used once: what comes
//! next starts with the new one, be it in the same run.

use serde_json::{Value, json};

use crate::script::{Script, catalog, code, source, stream};

/// A source that works, with the token in a record so that it can be seen.
fn works(token: &str) -> Value {
    let mut config = source(
        &[stream("a")],
        &json!([["records", "a", 2], ["state", "a", {"token": token}]]),
    );
    config["token"] = token.into();
    config
}

fn retried() -> Value {
    json!({"settings": {"retries": {
        "complete_failures": 2, "partial_failures": 2, "backoff": "10ms"}}})
}

#[test]
fn a_configuration_replaced_by_discover_is_read_with() {
    let script = Script::new();
    let mut discover = vec![json!(["control", works("second")])];
    discover.extend_from_slice(catalog(&[stream("a")]).as_array().unwrap());
    let old = json!({"token": "first", "discover": discover,
        "source": [["error", "the first token was used", "config_error"], ["exit", 1]]});
    script.good(old.clone(), "echo", json!({}));
    assert!(script.exported_text().contains(r#""token":"second""#));
    // And it is remembered.
    script.good(old, "echo", json!({}));
}

#[test]
fn another_attempt_starts_with_the_replaced_configuration() {
    let script = Script::new();
    let old = source(
        &[stream("a")],
        &json!([["control", works("second")], ["exit", 1]]),
    );
    let envelope = script.good(old, "echo", retried());
    assert!(script.exported_text().contains(r#""token":"second""#));
    assert!(
        envelope.to_string().contains(r#""attempts":2"#),
        "{envelope:#}"
    );
}

#[test]
fn a_configuration_is_kept_though_the_run_failed() {
    let script = Script::new();
    let old = source(
        &[stream("a")],
        &json!([["control", works("second")], ["exit", 1]]),
    );
    let envelope = script.run(old.clone(), "echo", json!({}));
    assert_eq!(code(&envelope), "connector.exit", "{envelope:#}");
    script.good(old, "echo", json!({}));
    assert!(script.exported_text().contains(r#""token":"second""#));
}
