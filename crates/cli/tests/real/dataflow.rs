//! DataFlow's protocol (§1): strangers that were written from its published page alone, run by Crossdock, and
//! our connectors, run by a stranger's processor.
//!
//! `stranger/` and the program `dataflow-stranger` know neither our code nor our SDK. `scripted.py` says
//! whatever a test wants said.

mod host;
mod kill;
mod matrix;
pub(crate) mod served;
mod sink_rules;
mod source_rules;

use std::path::Path;

use serde_json::{Value, json};

use crate::lab::{Lab, program};

/// The path of a file of these tests.
pub(crate) fn own(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/dataflow");
    folder.join(name).to_str().unwrap().to_owned()
}

/// The reference to a stranger in Python.
fn python(name: &str) -> String {
    format!(
        "dataflow:exec:python3 {}",
        own(&format!("stranger/{name}.py"))
    )
}

/// The reference to the stranger in Go, which reads with the default scanner: lines of 64 KiB.
fn go() -> Option<String> {
    let folder = program("CROSSDOCK_TEST_CONDUIT")?;
    Some(format!("dataflow:exec:{folder}/dataflow-stranger"))
}

/// What the sink in Python wrote.
pub(crate) fn written(lab: &Lab, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(lab.path(name)).unwrap_or_default();
    // A sink that was killed leaves half a line; the next one goes on after it.
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The payloads of those messages.
pub(crate) fn payloads(messages: &[Value]) -> Vec<Value> {
    messages
        .iter()
        .map(|message| serde_json::from_str(message["data"].as_str().unwrap()).unwrap())
        .collect()
}

/// The ids of payloads.
fn ids(payloads: &[Value]) -> Vec<u64> {
    payloads
        .iter()
        .map(|payload| payload["id"].as_u64().unwrap())
        .collect()
}

/// No second attempt: a failure is what is looked at.
fn once() -> Value {
    json!({"settings": {
        "retries": {"complete_failures": 1, "partial_failures": 1}, "grace": "4s"}})
}

/// The scripted connector.
fn scripted() -> String {
    format!("dataflow:exec:python3 {}", own("scripted.py"))
}

fn message(id: u64) -> Value {
    json!({"type": "message", "data": format!("{{\"id\":{id}}}"), "metadata": {},
        "timestamp": "2026-01-15T10:30:00Z"})
}

fn done() -> Value {
    json!({"type": "done"})
}

/// The commands that a scripted connector got.
fn commands(lab: &Lab) -> Vec<Value> {
    written(lab, "commands")
}
