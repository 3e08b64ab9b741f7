//! States in the form that Airbyte sources take with `--state`: a JSON array of state messages
//! (Airbyte §1.3). Pure functions on text; the states themselves are never parsed, so that their
//! numbers keep all digits.

pub mod global;
mod read;
mod shape;

use crate::checkpoint::{Lane, LaneState, StateKind};
use crate::{Json, StreamId};
use bytes::Bytes;

pub use read::import;

/// The array of these states: `[{"type":"STREAM","stream":{"stream_descriptor":…,"stream_state":…}}]`,
/// `[{"type":"GLOBAL","global":…}]`, `[{"type":"LEGACY","data":…}]`, and, which is our own,
/// `[{"type":"POSITION","position":…}]`. [`import`] takes all of them back.
#[must_use]
pub fn export(states: &[LaneState]) -> Json {
    let mut array = vec![b'['];
    for (i, state) in states.iter().enumerate() {
        if i > 0 {
            array.push(b',');
        }
        write(&mut array, state);
    }
    array.push(b']');
    Json::from_scanned(Bytes::from(array))
}

fn write(array: &mut Vec<u8>, state: &LaneState) {
    let text = state.state.bytes();
    match state.kind {
        StateKind::Stream => {
            array.extend(br#"{"type":"STREAM","stream":{"#);
            write_descriptor(array, &state.lane);
            array.extend(br#""stream_state":"#);
            array.extend(text);
            array.push(b'}');
        }
        StateKind::Global => {
            array.extend(br#"{"type":"GLOBAL","global":"#);
            array.extend(text);
        }
        StateKind::Legacy => {
            array.extend(br#"{"type":"LEGACY","data":"#);
            array.extend(text);
        }
        StateKind::Position => {
            array.extend(br#"{"type":"POSITION","#);
            write_descriptor(array, &state.lane);
            array.extend(br#""position":"#);
            array.extend(text);
        }
    }
    array.push(b'}');
}

/// The descriptor of a stream's lane, with a comma; nothing for the whole source.
fn write_descriptor(array: &mut Vec<u8>, lane: &Lane) {
    let Lane::Stream(StreamId { name, namespace }) = lane else {
        return;
    };
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    array.extend(br#""stream_descriptor":{"name":"#);
    array.extend(quoted(name).bytes());
    if let Some(namespace) = namespace {
        array.extend(br#","namespace":"#);
        array.extend(quoted(namespace).bytes());
    }
    array.extend(b"},");
}

#[cfg(test)]
mod tests;
