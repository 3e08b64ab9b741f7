//! A pipeline between two scripted connectors (`crates/airbyte/tests/peer/connector.py`): the source
//! says what its steps say, and the destination notes the catalog and the lines that it got.

use std::path::Path;

use serde_json::{Value, json};

use crate::lab::{Lab, exec};

/// The scripted connector.
pub(crate) fn peer() -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../airbyte/tests/peer/connector.py");
    exec(&["python3", script.to_str().unwrap()])
}

/// A step that prints this message as a line.
pub(crate) fn raw(message: &Value) -> Value {
    json!(["raw", format!("{message}\n")])
}

/// A step that prints this text as a line.
pub(crate) fn line(text: &str) -> Value {
    json!(["raw", format!("{text}\n")])
}

/// A stream as a source announces it, with a cursor of its own.
pub(crate) fn stream(name: &str) -> Value {
    json!({
        "name": name, "source_defined_cursor": true,
        "json_schema": {"type": "object", "properties": {
            "n": {"type": "integer"}, "secret": {"type": "string"}}},
        "supported_sync_modes": ["full_refresh", "incremental"]})
}

/// The steps that answer `discover`.
pub(crate) fn catalog(streams: &[Value]) -> Value {
    json!([raw(
        &json!({"type": "CATALOG", "catalog": {"streams": streams}})
    )])
}

/// The configuration of a source of these streams that reads by these steps.
pub(crate) fn source(streams: &[Value], steps: &Value) -> Value {
    json!({"discover": catalog(streams), "source": steps})
}

/// The code of the envelope's error, or `ok`.
pub(crate) fn code(envelope: &Value) -> &str {
    envelope["error"]["code"].as_str().unwrap_or("ok")
}

/// One pipeline, run again and again.
pub(crate) struct Script {
    lab: Lab,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self { lab: Lab::new() }
    }

    /// Runs the pipeline from this source into a destination of this mode and returns the envelope.
    /// `more` are keys of the pipeline; a failure is not tried again unless they say so.
    pub(crate) fn run(&self, source: Value, mode: &str, mut more: Value) -> Value {
        let settings = more
            .as_object_mut()
            .unwrap()
            .entry("settings")
            .or_insert_with(|| json!({}))
            .as_object_mut()
            .unwrap();
        let defaults = json!({
            "retries": {"complete_failures": 1, "partial_failures": 1}, "grace": "1s",
            "command_timeout": "20s", "finish_timeout": "5s"});
        for (key, value) in defaults.as_object().unwrap() {
            settings.entry(key).or_insert_with(|| value.clone());
        }
        let destination =
            json!({"destination": mode, "log": self.lab.text("log"), "log_catalog": true});
        let peer = peer();
        let file = self
            .lab
            .pipeline((&peer, source), (&peer, destination), more);
        self.lab.run(&["run", file.to_str().unwrap()])
    }

    /// As [`Self::run`], and it must go well.
    pub(crate) fn good(&self, source: Value, mode: &str, more: Value) -> Value {
        let envelope = self.run(source, mode, more);
        assert_eq!(envelope["ok"], true, "{envelope:#}");
        envelope
    }

    /// What the destination of the last run noted, as it was.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.lab.path("log")).unwrap()
    }

    /// The catalog that the destination of the last run was given.
    pub(crate) fn catalog(&self) -> Value {
        serde_json::from_str(self.log().lines().next().unwrap()).unwrap()
    }

    /// The messages that the destination of the last run got.
    pub(crate) fn received(&self) -> Vec<Value> {
        let log = self.log();
        log.lines()
            .skip(1)
            .map(|l| serde_json::from_str(l).unwrap())
            .collect()
    }

    /// The payloads of the received messages of a type.
    pub(crate) fn received_of(&self, kind: &str) -> Vec<Value> {
        let key = kind.to_lowercase();
        self.received()
            .into_iter()
            .filter(|m| m["type"] == kind)
            .map(|m| m[&key].clone())
            .collect()
    }

    /// What `state export` prints, envelope and all.
    pub(crate) fn exported_text(&self) -> String {
        self.lab.printed(&["state", "export", "p"])
    }

    /// The states that are committed, in the form that sources take.
    pub(crate) fn exported(&self) -> Value {
        self.lab.good(&["state", "export", "p"])
    }

    /// What `state show` says of the pipeline.
    pub(crate) fn shown(&self) -> Value {
        self.lab.good(&["state", "show", "p"])
    }

    /// The file of the last run.
    pub(crate) fn file(&self) -> String {
        self.lab.text("pipeline.yaml")
    }

    /// Runs another command and returns its envelope.
    pub(crate) fn try_command(&self, args: &[&str]) -> Value {
        self.lab.run(args)
    }

    /// Runs another command, which must go well, and returns its data.
    pub(crate) fn command(&self, args: &[&str]) -> Value {
        self.lab.good(args)
    }
}
