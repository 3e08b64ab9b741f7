//! A healthy destination: what it is given is stored at once, so each state is echoed when it comes.

use std::collections::BTreeMap;

use crossdock_conformance::Role;
use crossdock_conformance::airbyte::{Invocation, Subject};
use serde_json::{Value, json};

use super::double::{Double, Fault, Loss, error, failed, file, log};
use crate::memory::{Memory, Row};

/// The double as a subject.
pub(super) fn subject(fault: Option<Fault>) -> Subject {
    losing(fault, None)
}

/// The double as a subject that loses some of what it was given.
pub(super) fn losing(fault: Option<Fault>, loss: Option<Loss>) -> Subject {
    let config = json!({"count": 6, "api_key": "a-real-5ecret"});
    let memory = Memory::default();
    let double = Double {
        healthy: destination,
        fault,
        memory: memory.clone(),
        loss,
    };
    Subject::new(Box::new(double), Role::Destination, Some(config)).reaching(memory.reach())
}

/// What a healthy destination makes of the system: rows of a generation below the minimum go, a key has one row.
pub(super) fn store(invocation: &Invocation, rows: &mut Vec<Row>) {
    let catalog = file(invocation, "catalog").unwrap_or_default();
    let streams = catalog["streams"].as_array().cloned().unwrap_or_default();
    let name = |stream: &Value| {
        stream["stream"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    for stream in streams
        .iter()
        .filter(|stream| stream["minimum_generation_id"] != 0)
    {
        rows.retain(|(table, _)| *table != name(stream));
    }
    let input = String::from_utf8_lossy(invocation.input.as_deref().unwrap_or_default());
    let messages = input
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    for message in messages.filter(|message| message["type"] == "RECORD") {
        let record = &message["record"];
        let table = record["stream"].as_str().unwrap_or_default().to_owned();
        let Some(stream) = streams.iter().find(|stream| name(stream) == table) else {
            continue;
        };
        if stream["destination_sync_mode"] == "append_dedup" {
            rows.retain(|(of, row)| *of != table || row["id"] != record["data"]["id"]);
        }
        rows.push((table, record["data"].clone()));
    }
}

/// What a healthy destination writes.
pub(super) fn destination(invocation: &Invocation) -> (Vec<Value>, i32) {
    match invocation.command() {
        "spec" => {
            let mut spec = super::source::specification();
            spec["spec"]["supported_destination_sync_modes"] =
                json!(["append", "overwrite", "append_dedup"]);
            return (vec![spec], 0);
        }
        "write" => {}
        "read" | "discover" => return (Vec::new(), 2),
        _ => return super::source::source(invocation),
    }
    let config = match file(invocation, "config") {
        Ok(config) => config,
        Err(cause) => return failed(&cause),
    };
    if config.get("api_key").is_none() {
        return (vec![error("`api_key` is required", "config_error")], 1);
    }
    match file(invocation, "catalog") {
        Ok(catalog) => write(&catalog, invocation.input.as_deref().unwrap_or_default()),
        Err(_) => (Vec::new(), 2),
    }
}

fn write(catalog: &Value, input: &[u8]) -> (Vec<Value>, i32) {
    let streams = catalog["streams"].as_array().cloned().unwrap_or_default();
    let knows = |name: &Value| {
        streams
            .iter()
            .any(|stream| stream["stream"]["name"] == *name)
    };
    let mut since: BTreeMap<String, u64> = BTreeMap::new();
    let mut out = vec![log("INFO", "writing")];
    for line in String::from_utf8_lossy(input).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            out.push(log("INFO", "a line that is not JSON"));
            continue;
        };
        let record = &message["record"];
        match message["type"].as_str() {
            Some("RECORD") if !knows(&record["stream"]) => {
                out.push(error("a stream that is not in the catalog", "system_error"));
                return (out, 1);
            }
            Some("RECORD") if !record["data"].is_object() => {
                out.push(error("a record without data", "system_error"));
                return (out, 1);
            }
            Some("RECORD") => *since.entry(record["stream"].to_string()).or_default() += 1,
            Some("STATE") => {
                let mut echo = message.clone();
                let name = echo["state"]["stream"]["stream_descriptor"]["name"].to_string();
                let count = since.remove(&name).unwrap_or_default();
                echo["state"]["destinationStats"] = json!({"recordCount": count as f64});
                out.push(echo);
            }
            _ => {}
        }
    }
    (out, 0)
}
