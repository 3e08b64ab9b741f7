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

/// The state without the part of `stream`, everything else as it was; `None` if it has no such
/// part.
pub fn without(state: &str, stream: &StreamId) -> Result<Option<String>> {
    let all = parts(state)?;
    let kept: Vec<&RawValue> = all
        .iter()
        .filter(|(id, _)| id != stream)
        .map(|(_, part)| *part)
        .collect();
    if kept.len() == all.len() {
        return Ok(None);
    }
    let mut object = members(state).ok_or_else(|| invalid("a GLOBAL state is not an object"))?;
    let kept = serde_json::value::to_raw_value(&kept).map_err(|e| {
        invalid("a GLOBAL state cannot be written without one of its streams").caused_by(e)
    })?;
    object.insert("stream_states".to_owned(), &kept);
    serde_json::to_string(&object).map(Some).map_err(|e| {
        invalid("a GLOBAL state cannot be written without one of its streams").caused_by(e)
    })
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
