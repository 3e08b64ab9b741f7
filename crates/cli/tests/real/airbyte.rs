//! Our connectors as connectors of Airbyte (the connector role): judged by Airbyte's own SDK, read by PyAirbyte,
//! fed by a real source through a plain pipe.

mod command;
mod direct;
mod kill;
mod pipe;
mod pyairbyte;
mod sdk;
mod sockets;
mod through;

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::lab::{Lab, exec};

/// One served connector, as a platform starts it.
pub(crate) fn connector(lab: &Lab, reference: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crossdock"));
    command
        .args([
            "connector",
            "serve",
            "--protocol",
            "airbyte",
            reference,
            "--",
        ])
        .args(words)
        .current_dir(lab.path(""))
        .stdin(Stdio::null());
    command
}

pub(crate) fn output(lab: &Lab, reference: &str, words: &[&str]) -> Output {
    connector(lab, reference, words).output().unwrap()
}

/// The same connector as a program that an engine runs.
pub(crate) fn served(reference: &str) -> String {
    let program = env!("CARGO_BIN_EXE_crossdock");
    exec(&[
        program,
        "connector",
        "serve",
        "--protocol",
        "airbyte",
        reference,
    ])
}

/// A pipeline's file, with this transport on both sides.
pub(crate) fn over(file: PathBuf, transport: &str) -> PathBuf {
    let mut pipelines: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for side in ["source", "destination"] {
        pipelines["pipelines"][0][side]["data_channel"] = json!({"transport": transport});
    }
    std::fs::write(&file, pipelines.to_string()).unwrap();
    file
}

pub(crate) fn write(lab: &Lab, name: &str, value: &Value) {
    std::fs::write(lab.path(name), value.to_string()).unwrap();
}

/// The messages on stdout; each line must be one.
pub(crate) fn messages(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect()
}

/// The bodies of the messages of a type.
pub(crate) fn bodies(messages: &[Value], kind: &str, key: &str) -> Vec<Value> {
    let of_kind = messages.iter().filter(|m| m["type"] == kind);
    of_kind.map(|m| m[key].clone()).collect()
}

/// Discovers with `config.json` and writes `catalog.json`, every stream in these modes.
pub(crate) fn configure(lab: &Lab, reference: &str, sync: &str, destination: &str) {
    let discovered = output(lab, reference, &["discover", "--config", "config.json"]);
    let catalogs = bodies(&messages(&discovered), "CATALOG", "catalog");
    let streams: Vec<Value> = catalogs[0]["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| {
            json!({
                "stream": stream, "sync_mode": sync, "destination_sync_mode": destination,
                "cursor_field": stream["default_cursor_field"],
                "primary_key": stream["source_defined_primary_key"],
            })
        })
        .collect();
    write(lab, "catalog.json", &json!({"streams": streams}));
}

pub(crate) const READ: [&str; 5] = [
    "read",
    "--config",
    "config.json",
    "--catalog",
    "catalog.json",
];
