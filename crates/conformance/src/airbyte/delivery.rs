//! What a destination is given: streams, records and states of the battery's own.

use serde_json::{Map, Value, json};

use super::subject::Subject;
use super::{Exchange, Invocation};
use crate::{Outcome, broken};
use std::sync::Arc;

/// The stream that the battery writes.
pub(super) const STREAM: &str = "crossdock_conformance";
/// Another one beside it.
pub(super) const OTHER: &str = "crossdock_conformance_other";

/// A stream with fields of every type, in a configured catalog.
pub(super) fn configured(name: &str) -> Value {
    let nullable = |of: &str| json!({"type": ["null", of]});
    json!({
        "stream": {
            "name": name,
            "json_schema": {"type": "object", "properties": {
                "id": {"type": "integer"},
                "name": nullable("string"),
                "amount": nullable("number"),
                "flag": nullable("boolean"),
                "at": {"type": ["null", "string"], "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
                "day": {"type": ["null", "string"], "format": "date"},
                "tags": {"type": ["null", "array"], "items": {"type": "string"}},
                "nested": {"type": ["null", "object"], "properties": {"deep": {"type": "string"}}},
            }},
            "supported_sync_modes": ["full_refresh", "incremental"],
            "source_defined_cursor": true,
            "default_cursor_field": ["id"],
            "source_defined_primary_key": [["id"]],
        },
        "sync_mode": "incremental",
        "cursor_field": ["id"],
        "primary_key": [["id"]],
        "destination_sync_mode": "append",
        "generation_id": 1,
        "minimum_generation_id": 0,
        "sync_id": 1,
    })
}

/// A delivery: the configured streams, and the lines on stdin.
pub(super) struct Delivery {
    streams: Vec<Value>,
    lines: Vec<String>,
}

impl Delivery {
    /// To the stream of the battery.
    pub(super) fn new() -> Self {
        Self::of(vec![configured(STREAM)])
    }

    /// To these configured streams.
    pub(super) fn of(streams: Vec<Value>) -> Self {
        Self {
            streams,
            lines: Vec::new(),
        }
    }

    /// A message more.
    pub(super) fn message(mut self, message: &Value) -> Self {
        self.lines.push(message.to_string());
        self
    }

    /// A line more, whatever it is.
    pub(super) fn line(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// A record of the battery's stream with this data.
    pub(super) fn record(self, data: &Value) -> Self {
        self.message(&record(STREAM, data))
    }

    /// So many plain records.
    pub(super) fn records(mut self, ids: std::ops::Range<u64>) -> Self {
        for id in ids {
            self = self.record(&json!({"id": id, "name": format!("row {id}")}));
        }
        self
    }

    /// A state of the battery's stream.
    pub(super) fn state(self, at: u64) -> Self {
        self.message(&state(STREAM, at))
    }

    /// The end of every stream.
    pub(super) fn complete(mut self) -> Self {
        for stream in self.streams.clone() {
            self = self.message(&status(
                stream["stream"]["name"].as_str().unwrap_or_default(),
                "COMPLETE",
            ));
        }
        self
    }

    /// Only the first lines.
    pub(super) fn cut(mut self, lines: usize) -> Self {
        self.lines.truncate(lines);
        self
    }

    /// The states that are on the way, as messages say them.
    pub(super) fn states(&self) -> Vec<Value> {
        let parsed = self
            .lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let states = parsed.filter(|message| message["type"] == "STATE");
        states.map(|message| message["state"].clone()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// The use of the connector that it is.
    pub(super) fn invocation(&self, it: &Subject) -> Outcome<Invocation> {
        let catalog = json!({"streams": self.streams});
        let write = it.with_config("write")?.file("catalog", &catalog);
        Ok(write.input(self.lines.iter().map(String::as_str)))
    }

    /// Delivers it.
    pub(super) async fn exchange(&self, it: &Subject) -> Outcome<Arc<Exchange>> {
        it.exchange(self.invocation(it)?).await
    }

    /// Delivers it; it must be taken without an error, and its last state be echoed.
    pub(super) async fn taken(&self, it: &Subject) -> Outcome<Arc<Exchange>> {
        let exchange = self.exchange(it).await?;
        if let Some(error) = exchange.error() {
            let seen = format!("an error: {}", error.text("/error/message"));
            return broken(seen, exchange.shown(Some(error.line)));
        }
        if !exchange.succeeded() {
            return broken(exchange.ended(), exchange.shown(None));
        }
        if let Some(last) = self.states().last()
            && !exchange.of("STATE").any(|echo| same(&echo.body, last))
        {
            return broken("the last state is not echoed", exchange.shown(None));
        }
        Ok(exchange)
    }
}

/// A record.
pub(super) fn record(stream: &str, data: &Value) -> Value {
    json!({"type": "RECORD", "record": {"stream": stream, "data": data, "emitted_at": 1_764_000_000_000_u64}})
}

/// A state of one stream.
pub(super) fn state(stream: &str, at: u64) -> Value {
    json!({"type": "STATE", "state": {"type": "STREAM",
        "stream": {"stream_descriptor": {"name": stream}, "stream_state": {"at": at, "of": "the battery"}},
        "sourceStats": {"recordCount": 2}}})
}

/// A status of a stream.
pub(super) fn status(stream: &str, word: &str) -> Value {
    json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1_764_000_000_000.0,
        "stream_status": {"stream_descriptor": {"name": stream}, "status": word}}})
}

/// Whether an echo is that of a state: what it says of its place is the same.
pub(super) fn same(echo: &Value, state: &Value) -> bool {
    ["stream", "global", "data"]
        .iter()
        .all(|key| without_nulls(&echo[*key]) == without_nulls(&state[*key]))
}

/// Some destinations write null where nothing was; that says the same.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let there = members.iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                there
                    .map(|(k, v)| (k.clone(), without_nulls(v)))
                    .collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}
