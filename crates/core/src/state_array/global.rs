//! Looking into a GLOBAL state: whose parts it has, and taking one out (Airbyte §1.3).

use crate::{Error, Result, StreamId, code};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::shape::{items, members};

/// One element of `stream_states`.
#[derive(Deserialize)]
struct Part {
    stream_descriptor: StreamId,
}

/// Fails unless the text is an object whose `stream_states`, if any, name their streams.
pub fn validate(state: &str) -> Result<()> {
    parts(state).map(|_| ())
}

/// What is left of a state.
#[derive(Debug, PartialEq, Eq)]
pub enum Rest {
    /// It had no part of them.
    Same,
    /// The other parts, and everything else as it was.
    Less(String),
    /// It had parts, and all of them are gone: what the streams shared is of no use to any.
    Nothing,
}

/// The state without the parts of `streams`.
///
/// # Errors
/// `store.import_invalid` if it is no GLOBAL state.
pub fn without(state: &str, streams: &[&StreamId]) -> Result<Rest> {
    let all = parts(state)?;
    let kept: Vec<&RawValue> = all
        .iter()
        .filter(|(id, _)| !streams.contains(&id))
        .map(|(_, part)| *part)
        .collect();
    if kept.len() == all.len() {
        return Ok(Rest::Same);
    }
    if kept.is_empty() {
        return Ok(Rest::Nothing);
    }
    let mut object = members(state).ok_or_else(|| invalid("a GLOBAL state is not an object"))?;
    let kept = serde_json::value::to_raw_value(&kept).map_err(|e| {
        invalid("a GLOBAL state cannot be written without one of its streams").caused_by(e)
    })?;
    object.insert("stream_states".to_owned(), &kept);
    serde_json::to_string(&object).map(Rest::Less).map_err(|e| {
        invalid("a GLOBAL state cannot be written without one of its streams").caused_by(e)
    })
}

/// Whether it has parts of streams at all. One without covers every stream in one piece.
pub fn has_parts(state: &str) -> Result<bool> {
    Ok(!parts(state)?.is_empty())
}

fn parts(state: &str) -> Result<Vec<(StreamId, &RawValue)>> {
    let object = members(state).ok_or_else(|| invalid("a GLOBAL state is not an object"))?;
    let Some(list) = object.get("stream_states") else {
        return Ok(Vec::new());
    };
    if list.get() == "null" {
        return Ok(Vec::new());
    }
    let list = items(list.get())
        .ok_or_else(|| invalid("the `stream_states` of a GLOBAL state are not an array"))?;
    let part = |part: &'_ RawValue| -> Result<StreamId> {
        let Part { stream_descriptor } = serde_json::from_str(part.get()).map_err(|e| {
            invalid("one of the `stream_states` of a GLOBAL state does not name its stream")
                .caused_by(e)
        })?;
        Ok(stream_descriptor)
    };
    list.into_iter().map(|raw| Ok((part(raw)?, raw))).collect()
}

fn invalid(message: &'static str) -> Error {
    Error::new(&code::STATE_INVALID, message)
}
