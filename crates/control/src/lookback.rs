//! Reading again what came late (`lookback`): the state that a source is opened with is moved back, so that it
//! brings the last part of what it brought before, and the destination keeps one row for each key. Pure.
//!
//! The store keeps the source's own state. States are opaque elsewhere; here those are known whose cursor can be
//! found for certain, and all others are refused, since a window that is not there would lose rows in silence.

mod form;
mod value;

use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use crossdock_processors::{Object, Value};

pub(crate) use form::Origin;

/// Whether a stream of the catalog has a window.
pub(crate) fn is_wanted(catalog: &ConfiguredCatalog) -> bool {
    catalog
        .streams
        .iter()
        .any(|stream| stream.lookback.is_some())
}

/// The states to open a source of this catalog with, those of streams with a window moved back. States that are
/// not among `begun` came from this run, whose window is behind them: they stay.
pub(crate) fn moved(
    states: &[LaneState],
    begun: &[LaneState],
    catalog: &ConfiguredCatalog,
    origin: Origin,
) -> Result<Vec<LaneState>> {
    if !is_wanted(catalog) {
        return Ok(states.to_vec());
    }
    let one = |state: &LaneState| {
        if state.state.is_null() || !begun.iter().any(|known| is_same(known, state)) {
            return Ok(state.clone());
        }
        back(state, catalog, origin)
    };
    states.iter().map(one).collect()
}

/// Whether they say the same, in whatever form: the store writes a state anew when a part of it is forgotten.
fn is_same(one: &LaneState, other: &LaneState) -> bool {
    let value = |state: &LaneState| Value::parse(state.state.bytes()).ok();
    one.lane == other.lane && (one.state == other.state || value(one) == value(other))
}

fn back(state: &LaneState, catalog: &ConfiguredCatalog, origin: Origin) -> Result<LaneState> {
    let streams = || {
        let streams = catalog.streams.iter();
        streams.filter(|stream| stream.lookback.is_some())
    };
    let moved = match (&state.lane, state.kind) {
        (Lane::Stream(id), _) => {
            let Some(stream) = streams().find(|stream| stream.id() == *id) else {
                return Ok(state.clone());
            };
            let mut value = parsed(&state.state)?;
            form::back(&mut value, stream, origin).map_err(|why| refused(why, id))?;
            value
        }
        (Lane::Global, StateKind::Global) => {
            let mut value = parsed(&state.state)?;
            for stream in streams() {
                let id = stream.id();
                in_global(&mut value, stream, origin).map_err(|why| refused(why, &id))?;
            }
            value
        }
        (Lane::Global, StateKind::Legacy) => {
            let mut value = parsed(&state.state)?;
            for stream in streams() {
                let id = stream.id();
                let own = match &mut value {
                    Value::Object(members) => members.get_mut(&id.name),
                    _ => None,
                };
                let own = own.ok_or_else(|| "it is one of the whole source".to_owned());
                let moved = own.and_then(|own| form::back(own, stream, origin));
                moved.map_err(|why| refused(why, &id))?;
            }
            value
        }
        (Lane::Global, _) => {
            if let Some(stream) = streams().next() {
                let why = "it is a position of the whole source".to_owned();
                return Err(refused(why, &stream.id()));
            }
            return Ok(state.clone());
        }
    };
    Ok(LaneState {
        state: Json::from_scanned(moved.to_json().into()),
        ..state.clone()
    })
}

/// The part of a global state that is a stream's. One that the source keeps for all streams is not known.
fn in_global(value: &mut Value, stream: &ConfiguredStream, origin: Origin) -> Result<(), String> {
    let Value::Object(whole) = value else {
        return Err("it is no object".to_owned());
    };
    let shared = whole.get("shared_state");
    if !shared.is_none_or(is_nothing) {
        return Err("it has a part that all streams share".to_owned());
    }
    let Some(Value::List(entries)) = whole.get_mut("stream_states") else {
        return Err("it has no states of streams".to_owned());
    };
    for entry in entries {
        if let Value::Object(entry) = entry
            && entry
                .get("stream_descriptor")
                .is_some_and(|of| describes(of, &stream.id()))
            && let Some(own) = entry.get_mut("stream_state")
        {
            form::back(own, stream, origin)?;
        }
    }
    Ok(())
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

fn describes(descriptor: &Value, id: &StreamId) -> bool {
    let text = |members: &Object, name: &str| match members.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        _ => None,
    };
    match descriptor {
        Value::Object(members) => {
            text(members, "name").as_deref() == Some(&*id.name)
                && text(members, "namespace").as_deref() == id.namespace.as_deref()
        }
        _ => false,
    }
}

fn parsed(state: &Json) -> Result<Value> {
    Value::parse(state.bytes()).map_err(|why| {
        Error::new(
            &code::STATE_INVALID,
            format!("a state cannot be read: {why}"),
        )
    })
}

fn refused(why: String, stream: &StreamId) -> Error {
    Error::new(
        &code::LOOKBACK,
        format!("the stream's state cannot be moved back: {why}"),
    )
    .with("stream", stream)
    .hint("leave `lookback` out; many sources have a setting of their own for it")
}

#[cfg(test)]
mod tests;
