//! Conduit's real connectors, built with Go, run by Crossdock: both versions of the protocol, both
//! roles, beside connectors of other kinds.

mod chaos;
mod dead_letter;
mod kill;
mod mixed;
mod postgres;
pub(crate) mod served;
mod standalone;
mod version;
mod wild;

use serde_json::{Value, json};

use crate::lab::{Lab, program};

/// The reference to the program of this name in the folder of Conduit's programs.
fn peer(name: &str) -> Option<String> {
    let folder = program("CROSSDOCK_TEST_CONDUIT")?;
    Some(format!("conduit:exec:{folder}/{name}"))
}

/// Ends for sources that have none, and no second attempt.
fn until_idle() -> Value {
    json!({"settings": {
        "until_idle": "1s",
        "retries": {"complete_failures": 1, "partial_failures": 1}}})
}

/// `count` structured records of the generator. Batches are left off: with them the generator's SDK now
/// and then loses its reading in `Open`, under Conduit as well (docs/conduit.md).
fn generated(count: u64) -> Value {
    json!({
        "format.type": "structured", "format.options.id": "int", "format.options.name": "string",
        "format.options.at": "time", "recordCount": count, "operations": "create"})
}

/// The records that the file destination wrote.
pub(crate) fn records(lab: &Lab, name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(lab.path(name)).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The position of a record as text.
fn position(record: &Value) -> String {
    let decoded = decoded(record["position"].as_str().unwrap());
    String::from_utf8(decoded).unwrap()
}

fn decoded(base64: &str) -> Vec<u8> {
    let symbols = base64
        .bytes()
        .filter(|byte| *byte != b'=')
        .map(|byte| match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        });
    let symbols: Vec<u32> = symbols.map(u32::from).collect();
    let groups = symbols.chunks(4).flat_map(|group| {
        let bits = (0..4).fold(0, |bits, at| {
            bits << 6 | group.get(at).copied().unwrap_or(0)
        });
        bits.to_be_bytes()[1..]
            .iter()
            .take(group.len() - 1)
            .copied()
            .collect::<Vec<_>>()
    });
    groups.collect()
}
