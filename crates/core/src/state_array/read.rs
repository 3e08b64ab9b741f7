//! Reading states that a person brings: from us, from Airbyte, from a connector's output.

use crate::checkpoint::{Lane, LaneState, StateKind};
use crate::{Error, Json, Result, StreamId, code};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::global;
use super::shape::{Members, compact, items, members};

/// What a state message may hold (Airbyte §1.3). An object without `type` is a message if it has
/// nothing else; otherwise it is the state of an old source itself.
const MESSAGE_KEYS: &[&str] = &[
    "type",
    "stream",
    "global",
    "data",
    "position",
    "sourceStats",
    "destinationStats",
    "id",
    "partition_id",
];

/// The states in `text`: an array of state messages, one message, or several one after the other
/// (JSON Lines), each bare or as the `state` of a `STATE` message; or the bare object of a source
/// of the time before states had types, which becomes LEGACY.
///
/// Fails with `store.import_invalid` where `text` is none of these, holds a stream twice, or mixes
/// states per stream with a state of the whole source.
pub fn import(text: &str) -> Result<Vec<LaneState>> {
    let mut states: Vec<LaneState> = Vec::new();
    for (i, message) in messages(text)?.into_iter().enumerate() {
        let state = state(message.get()).map_err(|e| e.with("message", i + 1))?;
        if let Some(first) = states.first()
            && first.kind != state.kind
        {
            let message = "states per stream and states of the whole source are mixed";
            return Err(invalid(message).with("message", i + 1));
        }
        if states.iter().any(|other| other.lane == state.lane) {
            let message = "the same stream stands there twice";
            let error = invalid(message)
                .with("stream", &state.lane)
                .with("message", i + 1);
            return Err(error.hint("keep the one that counts"));
        }
        states.push(state);
    }
    Ok(states)
}

/// All messages, arrays opened.
fn messages(text: &str) -> Result<Vec<&RawValue>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut found = Vec::new();
    let mut values = 0;
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|e| invalid("the text is not JSON").caused_by(e))?;
        values += 1;
        match items(value.get()) {
            Some(items) => found.extend(items),
            None => found.push(value),
        }
    }
    if values == 0 {
        return Err(invalid("there is nothing in the text"));
    }
    Ok(found)
}

fn state(text: &str) -> Result<LaneState> {
    let Some(object) = members(text) else {
        return Err(invalid("a state message is not a JSON object"));
    };
    let Some(named) = object.get("type").and_then(|t| as_text(t)) else {
        return untyped(text, &object);
    };
    match named.as_str() {
        "STATE" => match object.get("state").and_then(|inner| members(inner.get())) {
            // Opened once only: a state in a state in a state is not a message of anybody's.
            Some(inner)
                if inner.get("type").and_then(|t| as_text(t)).as_deref() == Some("STATE") =>
            {
                Err(invalid("a STATE message holds another one"))
            }
            Some(_) => state(required(&object, "state")?.get()),
            None => Err(invalid("a STATE message has no `state`")),
        },
        "STREAM" => stream(&object),
        "GLOBAL" => whole(StateKind::Global, required(&object, "global")?),
        "LEGACY" => whole(StateKind::Legacy, required(&object, "data")?),
        "POSITION" => position(&object),
        other => Err(invalid("a message is of a type that is not a state's").with("type", other)),
    }
}

/// A message without a type. Airbyte §1.3: then it is LEGACY; but what can be told apart is, since
/// to take a typed state for the old form would start its source from the beginning.
fn untyped(text: &str, object: &Members<'_>) -> Result<LaneState> {
    let has = |key: &str| object.contains_key(key);
    if has("stream_descriptor") {
        return stream_part(text);
    }
    if has("shared_state") || has("stream_states") {
        return whole_text(StateKind::Global, text);
    }
    if [
        "streamDescriptor",
        "streamState",
        "globalState",
        "stateType",
    ]
    .into_iter()
    .any(has)
    {
        return Err(invalid("this is the form of Airbyte's API, not of its connectors")
            .hint("pass an array of `{\"type\":\"STREAM\",\"stream\":{\"stream_descriptor\":…,\"stream_state\":…}}`"));
    }
    if !object
        .keys()
        .all(|key| MESSAGE_KEYS.contains(&key.as_str()))
        || object.is_empty()
    {
        return whole_text(StateKind::Legacy, text);
    }
    if has("stream") {
        return stream(object);
    }
    if let Some(global) = object.get("global") {
        return whole(StateKind::Global, global);
    }
    if has("position") {
        return position(object);
    }
    match object.get("data") {
        Some(data) => whole(StateKind::Legacy, data),
        None => whole_text(StateKind::Legacy, text),
    }
}

fn stream(object: &Members<'_>) -> Result<LaneState> {
    stream_part(required(object, "stream")?.get())
}

fn stream_part(text: &str) -> Result<LaneState> {
    let object = members(text).ok_or_else(|| invalid("`stream` is not an object"))?;
    Ok(LaneState {
        lane: Lane::Stream(descriptor(required(&object, "stream_descriptor")?)?),
        kind: StateKind::Stream,
        // Airbyte §1.3: absent and null both mean "from the beginning".
        state: match object.get("stream_state") {
            Some(state) => json(state.get()),
            None => Json::null(),
        },
    })
}

fn position(object: &Members<'_>) -> Result<LaneState> {
    let lane = match object.get("stream_descriptor") {
        Some(raw) => Lane::Stream(descriptor(raw)?),
        None => Lane::Global,
    };
    Ok(LaneState {
        lane,
        kind: StateKind::Position,
        state: json(required(object, "position")?.get()),
    })
}

fn whole(kind: StateKind, state: &RawValue) -> Result<LaneState> {
    whole_text(kind, state.get())
}

fn whole_text(kind: StateKind, text: &str) -> Result<LaneState> {
    if kind == StateKind::Global {
        global::validate(text).map_err(|e| invalid("a GLOBAL state is malformed").caused_by(e))?;
    }
    Ok(LaneState {
        lane: Lane::Global,
        kind,
        state: json(text),
    })
}

fn descriptor(raw: &RawValue) -> Result<StreamId> {
    serde_json::from_str(raw.get())
        .map_err(|e| invalid("a `stream_descriptor` does not name a stream").caused_by(e))
}

fn required<'a>(object: &Members<'a>, key: &'static str) -> Result<&'a RawValue> {
    object
        .get(key)
        .copied()
        .ok_or_else(|| invalid("a state message lacks a member").with("member", key))
}

fn as_text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn json(text: &str) -> Json {
    Json::from_scanned(Bytes::from(compact(text)))
}

fn invalid(message: &'static str) -> Error {
    Error::new(&code::STATE_IMPORT, message)
}
