//! Lanes, streams, states and numbers as the tables hold them. These forms are the file format:
//! they do not follow from how the types of `core` happen to be serialised (P12).

use bytes::Bytes;
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::{Error, Json, Result, StreamId, code};

use super::fault::Fault;

/// The lane's text: a JSON array of none, name, or name and namespace.
pub(super) fn key(lane: &Lane) -> String {
    match lane {
        Lane::Global => "[]".to_owned(),
        Lane::Stream(stream) => stream_key(stream),
    }
}

/// The text of the stream's lane.
pub(super) fn stream_key(stream: &StreamId) -> String {
    let name = serde_json::Value::from(&*stream.name);
    match &stream.namespace {
        None => format!("[{name}]"),
        Some(namespace) => format!("[{name},{}]", serde_json::Value::from(&**namespace)),
    }
}

/// The lane of a text that [`key`] gave.
pub(super) fn parse(key: &str) -> Result<Lane, Fault> {
    let parts: Vec<String> =
        serde_json::from_str(key).map_err(|_| Fault::unreadable("lane", key))?;
    match <[String; 2]>::try_from(parts) {
        Ok([name, namespace]) => Ok(Lane::Stream(StreamId::with_namespace(namespace, name))),
        Err(parts) => match <[String; 1]>::try_from(parts) {
            Ok([name]) => Ok(Lane::Stream(StreamId::new(name))),
            Err(parts) if parts.is_empty() => Ok(Lane::Global),
            Err(_) => Err(Fault::unreadable("lane", key)),
        },
    }
}

/// The stream of a text that [`stream_key`] gave.
pub(super) fn parse_stream(key: &str) -> Result<StreamId, Fault> {
    match parse(key)? {
        Lane::Stream(stream) => Ok(stream),
        Lane::Global => Err(Fault::unreadable("stream", key)),
    }
}

/// The kind's name.
pub(super) fn kind_name(kind: StateKind) -> &'static str {
    match kind {
        StateKind::Stream => "stream",
        StateKind::Global => "global",
        StateKind::Legacy => "legacy",
        StateKind::Position => "position",
    }
}

/// The kind of a name.
pub(super) fn parse_kind(name: &str) -> Result<StateKind, Fault> {
    match name {
        "stream" => Ok(StateKind::Stream),
        "global" => Ok(StateKind::Global),
        "legacy" => Ok(StateKind::Legacy),
        "position" => Ok(StateKind::Position),
        _ => Err(Fault::unreadable("kind of state", name)),
    }
}

/// A state from its columns.
pub(super) fn state(lane: Lane, kind: &str, text: String) -> Result<LaneState, Fault> {
    Ok(LaneState {
        lane,
        kind: parse_kind(kind)?,
        state: Json::from_scanned(Bytes::from(text)),
    })
}

/// The state's text, every digit of it.
pub(super) fn state_text(state: &LaneState) -> Result<&str> {
    std::str::from_utf8(state.state.bytes()).map_err(|e| {
        Error::new(&code::STATE_INVALID, "a state is not UTF-8 text")
            .with("lane", &state.lane)
            .caused_by(e)
    })
}

/// A count as SQLite holds it. None gets near the limit; one that did would stay below the truth,
/// which for a mark means that less counts as committed.
pub(super) fn to_sql(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count from its column.
pub(super) fn to_count(stored: i64) -> Result<u64, Fault> {
    u64::try_from(stored).map_err(|_| Fault::unreadable("count", &stored.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fixed_and_read_back() {
        fn check(lane: Lane, expected: &str) {
            assert_eq!(key(&lane), expected);
            assert_eq!(parse(expected).unwrap(), lane);
        }
        check(Lane::Global, "[]");
        check(Lane::Stream(StreamId::new("users")), r#"["users"]"#);
        check(Lane::Stream(StreamId::new("")), r#"[""]"#);
        check(
            Lane::Stream(StreamId::with_namespace("", "u")),
            r#"["u",""]"#,
        );
        check(
            Lane::Stream(StreamId::with_namespace("a\"b,", "ü\0\n")),
            "[\"ü\\u0000\\n\",\"a\\\"b,\"]",
        );
    }

    #[test]
    fn foreign_keys_and_kinds_are_refused() {
        for text in ["", "{}", "[1]", r#"["a","b","c"]"#, "[\"a\"", "null"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse_stream("[]").is_err());
        assert!(parse_kind("STREAM").is_err());
        for kind in [
            StateKind::Stream,
            StateKind::Global,
            StateKind::Legacy,
            StateKind::Position,
        ] {
            assert_eq!(parse_kind(kind_name(kind)).unwrap(), kind);
        }
    }
}
