//! The STATE line that a destination echoes (§3.4), over sockets with what a bookkeeper wants (§4.7).

use std::collections::HashMap;

use crossdock_core::json::scan::{Members, ScanError, unquote};
use crossdock_core::stream::StreamId;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use super::envelope::{Kind, scan};
use super::state::{StateMessage, Stats, copy_members, count};

/// What is committed of a stream since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that were refused.
    pub rejected: u64,
}

impl Totals {
    fn write(self, out: &mut Vec<u8>) {
        let text = format!(
            "\"committedRecordsCount\":{},\"committedBytesCount\":{},\"rejectedRecordsCount\":{}",
            self.records, self.bytes, self.rejected
        );
        comma(out);
        out.extend_from_slice(text.as_bytes());
    }
}

/// The sums that a destination tells a bookkeeper with a state (§4.7), by stream; none that does not tell any.
#[must_use]
pub fn committed(state: &StateMessage) -> Vec<(StreamId, Totals)> {
    #[derive(Deserialize)]
    struct Line {
        state: State,
    }
    #[derive(Deserialize)]
    struct State {
        stream: Option<Part>,
        global: Option<Global>,
        #[serde(flatten)]
        sums: Sums,
    }
    #[derive(Deserialize)]
    struct Global {
        #[serde(default)]
        stream_states: Vec<Part>,
    }
    #[derive(Deserialize)]
    struct Part {
        stream_descriptor: StreamId,
        #[serde(flatten)]
        sums: Sums,
    }
    #[derive(Deserialize)]
    struct Sums {
        #[serde(rename = "committedRecordsCount")]
        records: Option<Number>,
        #[serde(rename = "committedBytesCount")]
        bytes: Option<Number>,
        #[serde(rename = "rejectedRecordsCount")]
        rejected: Option<Number>,
    }
    impl Sums {
        fn totals(&self) -> Option<Totals> {
            let known = |sum: &Option<Number>| sum.as_ref().and_then(count);
            Some(Totals {
                records: known(&self.records)?,
                bytes: known(&self.bytes).unwrap_or(0),
                rejected: known(&self.rejected).unwrap_or(0),
            })
        }
    }
    let Ok(Line { state }) = serde_json::from_slice::<Line>(&state.line) else {
        return Vec::new();
    };
    let of_stream = state.stream.zip(state.sums.totals());
    let of_stream = of_stream.map(|(stream, totals)| (stream.stream_descriptor, totals));
    let parts = state
        .global
        .map_or_else(Vec::new, |global| global.stream_states);
    let of_parts = parts
        .into_iter()
        .filter_map(|part| Some((part.sums.totals()?, part.stream_descriptor)))
        .map(|(totals, stream)| (stream, totals));
    of_stream.into_iter().chain(of_parts).collect()
}

/// Before another member.
fn comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

const OWN: [&[u8]; 4] = [
    b"destinationStats",
    b"committedRecordsCount",
    b"committedBytesCount",
    b"rejectedRecordsCount",
];

fn keep(value: &[u8], out: &mut Vec<u8>) -> Result<bool, ScanError> {
    out.extend_from_slice(value);
    Ok(true)
}

/// Writes the STATE line that a destination echoes, with a line end, to `out`: `line` as it came, unknown
/// properties included, with the destination's counts since its previous state (§3.4, §1.3). `totals`: those of the
/// streams since the start, for a bookkeeper.
///
/// # Errors
/// `line` is not a STATE line; nothing of use is in `out` then.
pub fn echo_state(
    line: &[u8],
    counts: Stats,
    totals: Option<&HashMap<StreamId, Totals>>,
    out: &mut Vec<u8>,
) -> Result<(), ScanError> {
    if scan(line)?.kind != Some(Kind::State) {
        return Err(ScanError {
            at: 0,
            expected: "a STATE line",
        });
    }
    copy_members(line, out, |key, value, out| {
        if key == b"state" {
            state(value, counts, totals, out)?;
            return Ok(true);
        }
        keep(value, out)
    })?;
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn state(
    text: &[u8],
    counts: Stats,
    totals: Option<&HashMap<StreamId, Totals>>,
    out: &mut Vec<u8>,
) -> Result<(), ScanError> {
    let mut of_stream = None;
    copy_members(text, out, |key, value, out| match (key, totals) {
        _ if OWN.contains(&key) => Ok(false),
        (b"stream", Some(totals)) => {
            of_stream = described(value)?.map(|id| totals.get(&id).copied().unwrap_or_default());
            keep(value, out)
        }
        (b"global", Some(totals)) => {
            global(value, totals, out)?;
            Ok(true)
        }
        _ => keep(value, out),
    })?;
    let mut stats = Map::new();
    let parts = [
        ("recordCount", counts.record_count),
        ("rejectedRecordCount", counts.rejected_record_count),
    ];
    for (name, count) in parts {
        if let Some(count) = count {
            stats.insert(name.to_owned(), count.into());
        }
    }
    comma(out);
    out.extend_from_slice(b"\"destinationStats\":");
    out.extend_from_slice(Value::Object(stats).to_string().as_bytes());
    if let Some(totals) = of_stream {
        totals.write(out);
    }
    out.push(b'}');
    Ok(())
}

/// A GLOBAL state, each of whose parts has the counts of its stream.
fn global(
    text: &[u8],
    totals: &HashMap<StreamId, Totals>,
    out: &mut Vec<u8>,
) -> Result<(), ScanError> {
    copy_members(text, out, |key, value, out| {
        let parts = serde_json::from_slice::<Vec<&RawValue>>(value);
        let (b"stream_states", Ok(parts)) = (key, parts) else {
            return keep(value, out);
        };
        out.push(b'[');
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let part = part.get().as_bytes();
            let Some(id) = described(part)? else {
                out.extend_from_slice(part);
                continue;
            };
            copy_members(part, out, |key, value, out| {
                if OWN.contains(&key) {
                    Ok(false)
                } else {
                    keep(value, out)
                }
            })?;
            totals.get(&id).copied().unwrap_or_default().write(out);
            out.push(b'}');
        }
        out.push(b']');
        Ok(true)
    })?;
    out.push(b'}');
    Ok(())
}

/// Whose state it is.
fn described(text: &[u8]) -> Result<Option<StreamId>, ScanError> {
    if !text.starts_with(b"{") {
        return Ok(None);
    }
    let mut members = Members::new(text, 0)?;
    while let Some(member) = members.next()? {
        if unquote(&text[member.key_start - 1..=member.key_end]).as_deref()
            == Some("stream_descriptor")
        {
            return Ok(serde_json::from_slice(member.value(text)).ok());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, totals: bool, expected: &str) {
        let known = HashMap::from([(
            StreamId::new("a"),
            Totals {
                records: 7,
                bytes: 70,
                rejected: 1,
            },
        )]);
        let counts = Stats {
            record_count: Some(3),
            rejected_record_count: None,
        };
        let mut out = Vec::new();
        echo_state(line.as_bytes(), counts, totals.then_some(&known), &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}\n"));
    }

    #[test]
    fn what_was_in_a_state_stays_in_it() {
        let stream = r#""stream":{"stream_descriptor":{"name":"a"},"stream_state":{"n":1.10}},"id":2,"odd":[1]"#;
        let own = r#""destinationStats":{"recordCount":3}"#;
        let line = format!(
            r#"{{"type":"STATE","x":1,"state":{{"type":"STREAM",{stream},"destinationStats":null}}}}"#
        );
        check(
            &line,
            false,
            &format!(r#"{{"type":"STATE","x":1,"state":{{"type":"STREAM",{stream},{own}}}}}"#),
        );
        let totals =
            r#""committedRecordsCount":7,"committedBytesCount":70,"rejectedRecordsCount":1"#;
        check(
            &line,
            true,
            &format!(
                r#"{{"type":"STATE","x":1,"state":{{"type":"STREAM",{stream},{own},{totals}}}}}"#
            ),
        );
        let part = |name: &str, more: &str| {
            format!(r#"{{"stream_descriptor":{{"name":"{name}"}},"stream_state":{{}}{more}}}"#)
        };
        let global = |a: &str, b: &str| {
            format!(r#""global":{{"shared_state":{{"lsn":1}},"stream_states":[{a},{b}]}}"#)
        };
        let none = r#""committedRecordsCount":0,"committedBytesCount":0,"rejectedRecordsCount":0"#;
        let plain = global(&part("a", ""), &part("b", ""));
        let counted = global(
            &part("a", &format!(",{totals}")),
            &part("b", &format!(",{none}")),
        );
        check(
            &format!(r#"{{"type":"STATE","state":{{"type":"GLOBAL",{plain}}}}}"#),
            true,
            &format!(r#"{{"type":"STATE","state":{{"type":"GLOBAL",{counted},{own}}}}}"#),
        );
    }
}
