//! What the platform gives: configuration, catalog and state, each a file (§1.3, §1.7, §2.1).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crossdock_core::catalog::{Catalog, ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::state_array;
use serde_json::Value;
use serde_json::value::RawValue;

/// Members of states that other sources print for streams that have none: they say nothing (§5.5).
const EMPTY_STATES: [&str; 2] = [
    "__ab_no_cursor_state_message",
    "__ab_full_refresh_sync_complete",
];

pub(super) fn text(path: &Path, what: &str) -> Result<String> {
    fs::read_to_string(path).map_err(|cause| {
        Error::new(&code::IO, format!("the {what} cannot be read"))
            .with("path", path.display())
            .caused_by(cause)
    })
}

/// What platforms add to a configuration, by its beginning (§6, 29).
const ADDED: &str = "__";

/// The configuration: a JSON object, without what platforms add to it.
pub(super) fn config(path: &Path) -> Result<Value> {
    let wrong = || {
        Error::new(
            &code::CONFIG_SYNTAX,
            "the configuration is not a JSON object",
        )
        .with("path", path.display())
    };
    // The cause would show what stands there, which may be a secret (P10).
    let value: Value = serde_json::from_str(&text(path, "configuration")?).map_err(|_| wrong())?;
    let Value::Object(mut members) = value else {
        return Err(wrong());
    };
    members.retain(|name, _| !name.starts_with(ADDED));
    Ok(Value::Object(members))
}

/// The configured catalog. A discovered one is taken for one that reads everything and appends it.
pub(super) fn catalog(path: &Path) -> Result<ConfiguredCatalog> {
    parse_catalog(&text(path, "catalog")?).map_err(|error| error.with("path", path.display()))
}

fn parse_catalog(text: &str) -> Result<ConfiguredCatalog> {
    let invalid = |cause: serde_json::Error| {
        Error::new(&code::CONFIG_SYNTAX, "the catalog is not one of Airbyte's").caused_by(cause)
    };
    let value: Value = serde_json::from_str(text).map_err(invalid)?;
    let streams = value.get("streams").and_then(Value::as_array);
    if streams.is_some_and(|streams| streams.iter().any(|s| s.get("stream").is_some())) {
        return serde_json::from_value(value).map_err(invalid);
    }
    let catalog: Catalog = serde_json::from_value(value).map_err(invalid)?;
    Ok(ConfiguredCatalog {
        streams: catalog
            .streams
            .into_iter()
            .map(ConfiguredStream::new)
            .collect(),
        ..ConfiguredCatalog::default()
    })
}

/// The states, in any of their forms; none of an empty file.
pub(super) fn state(path: &Path) -> Result<Vec<LaneState>> {
    let text = text(path, "state")?;
    parse_state(&text).map_err(|error| error.with("path", path.display()))
}

fn parse_state(text: &str) -> Result<Vec<LaneState>> {
    // Platforms write an empty object or array where there is none.
    if matches!(text.trim(), "" | "{}" | "[]" | "null") {
        return Ok(Vec::new());
    }
    let mut states = state_array::import(text)?;
    states.retain(|state| !says_nothing(&state.state));
    for state in &mut states {
        if state.kind == StateKind::Global
            && let Some(position) = position(&state.state)
        {
            state.kind = StateKind::Position;
            state.lane = Lane::Global;
            state.state = position;
        }
    }
    Ok(states)
}

fn says_nothing(state: &Json) -> bool {
    let text = state.to_string();
    if state.is_null() || text.trim() == "{}" {
        return true;
    }
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(&text) else {
        return false;
    };
    !members.is_empty()
        && members
            .keys()
            .all(|key| EMPTY_STATES.contains(&key.as_str()))
}

/// The position of a source of another protocol, which went out as the shared state of a GLOBAL one
/// ([`crate::wire::write_state`]).
fn position(state: &Json) -> Option<Json> {
    let text = state.to_string();
    let whole: BTreeMap<String, &RawValue> = serde_json::from_str(&text).ok()?;
    if whole.get("stream_states").is_some_and(|s| s.get() != "[]") {
        return None;
    }
    let shared: BTreeMap<String, &RawValue> =
        serde_json::from_str(whole.get("shared_state")?.get()).ok()?;
    if shared.len() != 1 {
        return None;
    }
    Json::parse_text(shared.get("position")?.get().to_owned()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Stamp, write_state};
    use crossdock_core::checkpoint::Checkpoint;
    use crossdock_core::stream::StreamId;

    #[test]
    fn states_come_in_many_forms() {
        let check = |text: &str, expected: &[(Lane, StateKind, &str)]| {
            let states = parse_state(text).unwrap();
            let found: Vec<_> = states
                .iter()
                .map(|s| (s.lane.clone(), s.kind, s.state.to_string()))
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(lane, kind, text)| (lane.clone(), *kind, (*text).to_owned()))
                .collect();
            assert_eq!(found, expected, "{text}");
        };
        for nothing in ["", "{}", "[]", " null\n"] {
            check(nothing, &[]);
        }
        let a = || Lane::Stream(StreamId::new("a"));
        let stream = r#"{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"x":12345678901234567890123}}}"#;
        let state = r#"{"x":12345678901234567890123}"#;
        check(stream, &[(a(), StateKind::Stream, state)]);
        check(&format!("[{stream}]"), &[(a(), StateKind::Stream, state)]);
        check(
            r#"{"x":1}"#,
            &[(Lane::Global, StateKind::Legacy, r#"{"x":1}"#)],
        );
        let empty = r#"[{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"__ab_no_cursor_state_message":true}}},
            {"type":"STREAM","stream":{"stream_descriptor":{"name":"b"},"stream_state":{}}},
            {"type":"STREAM","stream":{"stream_descriptor":{"name":"c"}}}]"#;
        check(empty, &[]);
        let global =
            r#"[{"type":"GLOBAL","global":{"shared_state":{"lsn":1},"stream_states":[]}}]"#;
        let inner = r#"{"shared_state":{"lsn":1},"stream_states":[]}"#;
        check(global, &[(Lane::Global, StateKind::Global, inner)]);
    }

    #[test]
    fn a_position_comes_back_as_it_went() {
        let sent = Json::parse_text(r#"{"at":1.10}"#).unwrap();
        let mut line = Vec::new();
        let checkpoint = Checkpoint::global(StateKind::Position, sent.clone());
        write_state(&checkpoint, &Stamp::default(), &mut line);
        let states = parse_state(std::str::from_utf8(&line).unwrap()).unwrap();
        assert_eq!(states[0].kind, StateKind::Position);
        assert_eq!(states[0].state.to_string(), sent.to_string());
    }

    #[test]
    fn a_discovered_catalog_is_taken_too() {
        let configured = parse_catalog(
            r#"{"streams":[{"stream":{"name":"a","json_schema":{},"supported_sync_modes":["full_refresh"]},
                "sync_mode":"full_refresh","destination_sync_mode":"overwrite"}]}"#,
        );
        assert!(configured.unwrap().streams[0].truncates());
        let discovered = parse_catalog(
            r#"{"streams":[{"name":"a","json_schema":{},"supported_sync_modes":["full_refresh"]}]}"#,
        );
        assert_eq!(discovered.unwrap().streams.len(), 1);
        assert!(parse_catalog("[]").is_err());
    }
}
