//! A healthy source: two streams, of which one can be read incrementally.

use crossdock_conformance::Role;
use crossdock_conformance::airbyte::{Invocation, Subject, Until};
use serde_json::{Value, json};

use super::double::{Double, Fault, error, failed, file, log};
use crate::memory::Memory;

/// The double as a subject.
pub(super) fn subject(fault: Option<Fault>) -> Subject {
    let config = json!({"count": 6, "api_key": "a-real-5ecret"});
    let memory = Memory::default();
    let double = Double {
        healthy: source,
        fault,
        memory: memory.clone(),
        loss: None,
    };
    Subject::new(Box::new(double), Role::Source, Some(config)).reaching(memory.reach())
}

const AT: u64 = 1_764_000_000_000;

pub(super) fn specification() -> Value {
    json!({"type": "SPEC", "spec": {
        "protocol_version": "0.2.0",
        "documentationUrl": "https://example.com/docs",
        "connectionSpecification": {
            "type": "object",
            "title": "Double",
            "required": ["count", "api_key"],
            "groups": [{"id": "access", "title": "Access"}],
            "properties": {
                "count": {"type": "integer", "title": "Count", "default": 6, "order": 0, "examples": [3]},
                "api_key": {"type": "string", "title": "Key", "airbyte_secret": true, "order": 1, "group": "access"},
                "mode": {"type": "object", "title": "Mode", "order": 2, "oneOf": [
                    {"type": "object", "title": "All", "properties": {"kind": {"type": "string", "const": "all"}}},
                    {"type": "object", "title": "Some", "properties": {
                        "kind": {"type": "string", "const": "some"},
                        "since": {"type": "string", "description": "A date"}}}]},
            },
        },
    }})
}

/// Why a configuration does not work.
fn refused(config: &Value) -> Option<String> {
    for name in ["count", "api_key"] {
        if config.get(name).is_none() {
            return Some(format!("`{name}` is required"));
        }
    }
    if !config["count"].is_u64() {
        return Some("`count` is not an integer".to_owned());
    }
    match config["api_key"].as_str() {
        None => Some("`api_key` is not a text".to_owned()),
        Some("a-real-5ecret") => None,
        Some(_) => Some("the key ****** is not known".to_owned()),
    }
}

pub(super) fn catalog() -> Value {
    json!({"type": "CATALOG", "catalog": {"streams": [
        {
            "name": "users",
            "json_schema": {"type": "object", "properties": {
                "id": {"type": "integer"},
                "name": {"type": ["null", "string"]},
                "at": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
            }},
            "supported_sync_modes": ["full_refresh", "incremental"],
            "source_defined_cursor": true,
            "default_cursor_field": ["id"],
            "source_defined_primary_key": [["id"]],
        },
        {
            "name": "events",
            "namespace": "log",
            "json_schema": {"type": "object", "properties": {"what": {"type": "string"}}},
            "supported_sync_modes": ["full_refresh"],
        },
    ]}})
}

fn status(descriptor: &Value, word: &str) -> Value {
    json!({"type": "TRACE", "trace": {"type": "STREAM_STATUS", "emitted_at": 1_764_000_000_000.5,
        "stream_status": {"stream_descriptor": descriptor, "status": word}}})
}

/// What a healthy source writes.
pub(super) fn source(invocation: &Invocation) -> (Vec<Value>, i32) {
    match invocation.command() {
        "spec" => return (vec![specification()], 0),
        "check" | "discover" | "read" => {}
        _ => return (Vec::new(), 2),
    }
    if invocation.words.len() == 1 {
        return (Vec::new(), 2);
    }
    let config = match file(invocation, "config") {
        Ok(config) => config,
        Err(cause) => return failed(&cause),
    };
    let refused = refused(&config);
    match (invocation.command(), refused) {
        ("check", Some(why)) => {
            let no = json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "FAILED", "message": why}});
            (vec![log("INFO", "checking"), no], 0)
        }
        ("check", None) => {
            let yes =
                json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}});
            (vec![log("INFO", "checking"), yes], 0)
        }
        (_, Some(why)) => (vec![log("FATAL", "no"), error(&why, "config_error")], 1),
        ("discover", None) => (vec![log("INFO", "discovering"), catalog()], 0),
        _ => read(invocation),
    }
}

fn read(invocation: &Invocation) -> (Vec<Value>, i32) {
    let configured = match file(invocation, "catalog") {
        Ok(catalog) => catalog,
        Err(cause) => return failed(&cause),
    };
    let states = file(invocation, "state").unwrap_or_else(|_| json!([]));
    let mut out = vec![log("INFO", "reading")];
    for stream in configured["streams"].as_array().into_iter().flatten() {
        match stream["stream"]["name"].as_str() {
            Some("users") => users(&mut out, stream["sync_mode"] == "incremental", &states),
            Some("events") => events(&mut out),
            other => {
                let descriptor = json!({"name": other});
                out.push(log("WARN", "there is no such stream"));
                out.push(status(&descriptor, "INCOMPLETE"));
            }
        }
    }
    // Whoever asks it to end gets no more.
    if let Until::Asked(lines) = invocation.until {
        out.truncate(lines + 1);
    }
    (out, 0)
}

fn users(out: &mut Vec<Value>, incremental: bool, states: &Value) {
    let descriptor = json!({"name": "users"});
    let of = states.as_array().into_iter().flatten();
    let state = of
        .rev()
        .find(|state| state["stream"]["stream_descriptor"]["name"] == "users");
    let after = state
        .and_then(|state| state["stream"]["stream_state"]["id"].as_u64())
        .unwrap_or(0);
    out.push(status(&descriptor, "STARTED"));
    out.push(
        json!({"type": "TRACE", "trace": {"type": "ESTIMATE", "emitted_at": 1.5,
        "estimate": {"name": "users", "type": "STREAM", "row_estimate": 6}}}),
    );
    out.push(status(&descriptor, "RUNNING"));
    let mut since = 0;
    let mut last = after;
    for id in after + 1..=6 {
        out.push(
            json!({"type": "RECORD", "record": {"stream": "users", "emitted_at": AT,
            "data": {"id": id, "name": format!("user {id}"), "at": "2026-01-01T00:00:00Z"}}}),
        );
        since += 1;
        last = id;
        if incremental && id % 2 == 0 {
            out.push(users_state(&descriptor, last, &mut since));
        }
    }
    if incremental && (since > 0 || after >= 6) {
        out.push(users_state(&descriptor, last, &mut since));
    }
    out.push(status(&descriptor, "COMPLETE"));
}

fn users_state(descriptor: &Value, id: u64, since: &mut u64) -> Value {
    let count = std::mem::take(since) as f64;
    json!({"type": "STATE", "state": {"type": "STREAM",
        "stream": {"stream_descriptor": descriptor, "stream_state": {"id": id}},
        "sourceStats": {"recordCount": count}}})
}

fn events(out: &mut Vec<Value>) {
    let descriptor = json!({"name": "events", "namespace": "log"});
    out.push(status(&descriptor, "STARTED"));
    out.push(status(&descriptor, "RUNNING"));
    for what in ["opened", "closed"] {
        out.push(json!({"type": "RECORD", "record": {"stream": "events", "namespace": "log",
            "emitted_at": AT, "data": {"what": what},
            "meta": {"changes": [{"field": "what", "change": "TRUNCATED", "reason": "SOURCE_FIELD_SIZE_LIMITATION"}]}}}));
    }
    out.push(
        json!({"type": "CONTROL", "control": {"type": "CONNECTOR_CONFIG", "emitted_at": AT,
        "connectorConfig": {"config": {"count": 6, "api_key": "a-new-5ecret"}}}}),
    );
    out.push(status(&descriptor, "COMPLETE"));
}
