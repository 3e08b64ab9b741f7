//! STATE messages: reading them, sending them on with an id and a count, and the file that a source
//! gets its states back in (§1.3, §3.4).

use bytes::Bytes;
use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::json::scan::{Members, ScanError};
use crossdock_core::stream::StreamId;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value, json};

use super::envelope::{Kind, scan};

/// The counts that travel with a state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Records since the previous state of the same lane.
    pub record_count: Option<u64>,
    /// Of these, how many were refused.
    pub rejected_record_count: Option<u64>,
}

/// A state. The line is kept, since it may hold properties that are not known here.
#[derive(Clone, Debug)]
pub struct StateMessage {
    /// What it covers.
    pub lane: Lane,
    /// Its form.
    pub kind: StateKind,
    /// `stream_state`, the `global` object, or `data`; `null` where absent.
    pub state: Json,
    /// The number that was attached on the way to the destination.
    pub id: Option<i64>,
    /// The source's counts.
    pub source: Stats,
    /// The destination's counts.
    pub destination: Stats,
    /// The line, with its line end.
    pub line: Bytes,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    stream: Option<StreamPart<'a>>,
    #[serde(borrow)]
    global: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    id: Option<Number>,
    #[serde(rename = "sourceStats")]
    source: Option<WireStats>,
    #[serde(rename = "destinationStats")]
    destination: Option<WireStats>,
}

#[derive(Deserialize)]
struct StreamPart<'a> {
    stream_descriptor: StreamId,
    #[serde(borrow)]
    stream_state: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireStats {
    #[serde(rename = "recordCount")]
    records: Option<Number>,
    #[serde(rename = "rejectedRecordCount")]
    rejected: Option<Number>,
}

/// A count, also where it is printed as a float (§6, 6).
pub(crate) fn count(number: &Number) -> Option<u64> {
    if let Some(count) = number.as_u64() {
        return Some(count);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked: a whole number within the exactly representable ones"
    )]
    (float.fract() == 0.0 && (0.0..9.0e15).contains(&float)).then_some(float as u64)
}

fn stats(wire: Option<WireStats>) -> Stats {
    wire.map_or_else(Stats::default, |wire| Stats {
        record_count: wire.records.as_ref().and_then(count),
        rejected_record_count: wire.rejected.as_ref().and_then(count),
    })
}

impl StateMessage {
    /// Reads the payload of the STATE message `line`. The error is a phrase for people.
    pub(crate) fn parse(line: &Bytes, payload: &[u8]) -> Result<Self, String> {
        let wire: Wire<'_> = serde_json::from_slice(payload).map_err(|e| e.to_string())?;
        let json = |raw: Option<&RawValue>| {
            raw.map_or_else(Json::null, |raw| {
                Json::from_scanned(line.slice_ref(raw.get().as_bytes()))
            })
        };
        let kind = match wire.kind.as_deref() {
            Some("STREAM") => StateKind::Stream,
            Some("GLOBAL") => StateKind::Global,
            Some("LEGACY") => StateKind::Legacy,
            Some(_) => return Err("its type is not STREAM, GLOBAL or LEGACY".into()),
            // Absent means LEGACY, unless it plainly is another one that forgot to say so.
            None if wire.data.is_none() && wire.stream.is_some() => StateKind::Stream,
            None if wire.data.is_none() && wire.global.is_some() => StateKind::Global,
            None => StateKind::Legacy,
        };
        let (lane, state) = match kind {
            StateKind::Stream => {
                let stream = wire.stream.ok_or("it has no `stream`")?;
                (
                    Lane::Stream(stream.stream_descriptor),
                    json(stream.stream_state),
                )
            }
            StateKind::Global => {
                wire.global.ok_or("it has no `global`")?;
                (Lane::Global, json(wire.global))
            }
            StateKind::Legacy | StateKind::Position => (Lane::Global, json(wire.data)),
        };
        Ok(Self {
            lane,
            kind,
            state,
            id: wire.id.as_ref().and_then(Number::as_i64),
            source: stats(wire.source),
            destination: stats(wire.destination),
            line: line.clone(),
        })
    }

    /// The checkpoint that it stands for.
    #[must_use]
    pub fn checkpoint(self) -> Checkpoint {
        Checkpoint {
            lane: self.lane,
            kind: self.kind,
            state: self.state,
            source_count: self.source.record_count,
            wire: Some(self.line),
            awaited: false,
        }
    }
}

/// What is added to a state on its way to the destination.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stamp<'a> {
    /// Its number.
    pub id: i64,
    /// Records since the previous state of the lane, written where the source did not count.
    pub record_count: u64,
    /// The stream's name at the destination, where it differs.
    pub stream: Option<&'a StreamId>,
}

/// Writes the STATE line for `checkpoint`, with a line end, to `out`: the source's own line if
/// there is one, unknown properties included.
pub fn write_state(checkpoint: &Checkpoint, stamp: &Stamp<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    if let Some(line) = &checkpoint.wire
        && restate(line, stamp, out).is_ok()
    {
        return;
    }
    out.truncate(start);
    let state = &checkpoint.state;
    let body = match (checkpoint.kind, &checkpoint.lane) {
        (StateKind::Position, Lane::Global) => format!(
            r#""type":"GLOBAL","global":{{"shared_state":{{"position":{state}}},"stream_states":[]}}"#
        ),
        (StateKind::Global, _) => format!(r#""type":"GLOBAL","global":{state}"#),
        (StateKind::Legacy, _) | (StateKind::Stream, Lane::Global) => {
            format!(r#""type":"LEGACY","data":{state}"#)
        }
        (kind, Lane::Stream(stream)) => {
            let descriptor = json!(stamp.stream.unwrap_or(stream));
            let state = match kind {
                _ if state.is_null() => String::new(),
                StateKind::Position => format!(r#","stream_state":{{"position":{state}}}"#),
                _ => format!(r#","stream_state":{state}"#),
            };
            format!(r#""type":"STREAM","stream":{{"stream_descriptor":{descriptor}{state}}}"#)
        }
    };
    let count = checkpoint.source_count.unwrap_or(stamp.record_count);
    let id = stamp.id;
    let line = format!(
        r#"{{"type":"STATE","state":{{{body},"id":{id},"sourceStats":{{"recordCount":{count}}}}}}}"#
    );
    out.extend_from_slice(line.as_bytes());
    out.push(b'\n');
}

/// Copies an object's members to `out`, each value through `edit`, then `more` and the brace.
fn copy_members(
    text: &[u8],
    out: &mut Vec<u8>,
    mut edit: impl FnMut(&[u8], &[u8], &mut Vec<u8>) -> Result<bool, ScanError>,
) -> Result<(), ScanError> {
    let mut members = Members::new(text, 0)?;
    out.push(b'{');
    while let Some(member) = members.next()? {
        let before = out.len();
        if before > 0 && out[before - 1] != b'{' {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(member.raw_key(text));
        out.extend_from_slice(b"\":");
        if !edit(member.raw_key(text), member.value(text), out)? {
            out.truncate(before);
        }
    }
    Ok(())
}

fn restate(line: &[u8], stamp: &Stamp<'_>, out: &mut Vec<u8>) -> Result<(), ScanError> {
    if scan(line)?.kind != Some(Kind::State) {
        return Err(ScanError {
            at: 0,
            expected: "a STATE line",
        });
    }
    let keep = |value: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(value);
        Ok(true)
    };
    copy_members(line, out, |key, value, out| {
        if key != b"state" {
            return keep(value, out);
        }
        let mut counted = false;
        copy_members(value, out, |key, value, out| match (key, stamp.stream) {
            (b"id", _) => Ok(false),
            (b"sourceStats", _) => {
                let stats = serde_json::from_slice::<Option<Value>>(value)
                    .ok()
                    .flatten();
                counted = stats.is_some_and(|s| s.get("recordCount").is_some_and(Value::is_number));
                if counted { keep(value, out) } else { Ok(false) }
            }
            (b"stream", Some(target)) if value != b"null" => {
                copy_members(value, out, |key, value, out| {
                    if key == b"stream_descriptor" {
                        out.extend_from_slice(json!(target).to_string().as_bytes());
                        Ok(true)
                    } else {
                        keep(value, out)
                    }
                })?;
                out.push(b'}');
                Ok(true)
            }
            _ => keep(value, out),
        })?;
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        out.extend_from_slice(format!("\"id\":{}", stamp.id).as_bytes());
        if !counted {
            let count = stamp.record_count;
            out.extend_from_slice(
                format!(",\"sourceStats\":{{\"recordCount\":{count}}}").as_bytes(),
            );
        }
        out.push(b'}');
        Ok(true)
    })?;
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// Writes the STATE line that a destination echoes, with a line end, to `out`: `line` as it came, unknown
/// properties included, with the destination's counts since its previous state (§3.4, §1.3).
///
/// # Errors
/// `line` is not a STATE line; nothing of use is in `out` then.
pub fn echo_state(line: &[u8], counts: Stats, out: &mut Vec<u8>) -> Result<(), ScanError> {
    if scan(line)?.kind != Some(Kind::State) {
        return Err(ScanError {
            at: 0,
            expected: "a STATE line",
        });
    }
    let keep = |value: &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(value);
        Ok(true)
    };
    copy_members(line, out, |key, value, out| {
        if key != b"state" {
            return keep(value, out);
        }
        copy_members(value, out, |key, value, out| match key {
            b"destinationStats" => Ok(false),
            _ => keep(value, out),
        })?;
        let mut stats = serde_json::Map::new();
        if let Some(count) = counts.record_count {
            stats.insert("recordCount".to_owned(), count.into());
        }
        if let Some(count) = counts.rejected_record_count {
            stats.insert("rejectedRecordCount".to_owned(), count.into());
        }
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        out.extend_from_slice(b"\"destinationStats\":");
        out.extend_from_slice(Value::Object(stats).to_string().as_bytes());
        out.push(b'}');
        Ok(true)
    })?;
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// The content of the `--state` file: an array of states, or the bare object of a LEGACY one.
/// `None` if there is no state to give.
pub fn input_file(states: &[LaneState]) -> Result<Option<Vec<u8>>> {
    let invalid = |message: &str| Error::new(&code::STATE_INVALID, message);
    let mut streams = Vec::new();
    let mut global = None;
    let mut legacy = None;
    for state in states.iter().filter(|s| !s.state.is_null()) {
        match (state.kind, &state.lane) {
            (StateKind::Stream, Lane::Stream(stream)) => streams.push(format!(
                r#"{{"type":"STREAM","stream":{{"stream_descriptor":{},"stream_state":{}}}}}"#,
                json!(stream),
                state.state
            )),
            (StateKind::Global, _) => {
                global = Some(format!(r#"[{{"type":"GLOBAL","global":{}}}]"#, state.state));
            }
            (StateKind::Legacy, _) => legacy = Some(state.state.to_string()),
            (StateKind::Position, _) | (StateKind::Stream, Lane::Global) => {
                return Err(invalid("the stored state is not one of an Airbyte source")
                    .with("lane", &state.lane)
                    .hint("reset the pipeline's state if its source was replaced"));
            }
        }
    }
    let forms = usize::from(!streams.is_empty())
        + usize::from(global.is_some())
        + usize::from(legacy.is_some());
    if forms > 1 {
        return Err(invalid("the stored states are of more than one type")
            .hint("reset the pipeline's state, or import one type only"));
    }
    let file = global
        .or(legacy)
        .or_else(|| (!streams.is_empty()).then(|| format!("[{}]", streams.join(","))));
    Ok(file.map(String::into_bytes))
}

#[cfg(test)]
#[path = "state/tests.rs"]
mod tests;
