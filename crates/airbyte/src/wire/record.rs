//! Writing RECORD lines: serialising records of other origin, and rewriting lines that cannot be
//! forwarded as they are. What is unknown in a line stays in it (§1.1).

use std::collections::HashSet;
use std::ops::Range;

use crossdock_core::batch::{Operation, Rows};
use crossdock_core::json::scan::{Members, ScanError, unquote};
use crossdock_core::stream::StreamId;
use serde_json::{Map, Value, json};

use super::deletion::DELETED_AT;
use super::envelope::{Kind, scan};
use super::token::null_tokens;

/// What to change in a RECORD line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Edit<'a> {
    /// The stream's new name and namespace.
    pub stream: Option<&'a StreamId>,
    /// The new `data`.
    pub data: Option<&'a [u8]>,
    /// The new time.
    pub emitted_at: Option<i64>,
    /// Fields that were set to null because the source printed no JSON there; noted in
    /// `meta.changes`.
    pub nulled: &'a [String],
}

fn name(text: &str) -> String {
    Value::from(text).to_string()
}

/// Writes `line` with `edit` applied, and a line end, to `out`. Returns where the line's `data`
/// stands in `out` now.
pub fn rewrite(line: &[u8], edit: &Edit<'_>, out: &mut Vec<u8>) -> Result<Range<usize>, ScanError> {
    let not_a_record = ScanError {
        at: 0,
        expected: "a RECORD line",
    };
    if scan(line)?.kind != Some(Kind::Record) {
        return Err(not_a_record);
    }
    let mut data = 0..0;
    let mut members = Members::new(line, 0)?;
    out.push(b'{');
    let mut first = true;
    while let Some(member) = members.next()? {
        key(out, member.raw_key(line), &mut first);
        if member.raw_key(line) == b"record" {
            data = record(member.value(line), edit, out)?;
        } else {
            out.extend_from_slice(member.value(line));
        }
    }
    out.extend_from_slice(b"}\n");
    if data.is_empty() {
        return Err(not_a_record);
    }
    Ok(data)
}

fn key(out: &mut Vec<u8>, raw_key: &[u8], first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(raw_key);
    out.extend_from_slice(b"\":");
}

fn record(text: &[u8], edit: &Edit<'_>, out: &mut Vec<u8>) -> Result<Range<usize>, ScanError> {
    let mut data = 0..0;
    let mut time = edit.emitted_at;
    let mut nulled = edit.nulled;
    let mut first = true;
    let mut members = Members::new(text, 0)?;
    out.push(b'{');
    while let Some(member) = members.next()? {
        let raw_key = member.raw_key(text);
        let value = member.value(text);
        match (raw_key, edit.stream) {
            (b"stream", Some(stream)) => {
                key(out, raw_key, &mut first);
                out.extend_from_slice(name(&stream.name).as_bytes());
                if let Some(namespace) = &stream.namespace {
                    key(out, b"namespace", &mut first);
                    out.extend_from_slice(name(namespace).as_bytes());
                }
                continue;
            }
            (b"namespace", Some(_)) => continue,
            _ => {}
        }
        if raw_key == b"namespace" && value == b"null" {
            continue; // Accepted, never sent (§6, 8).
        }
        key(out, raw_key, &mut first);
        match raw_key {
            b"data" => {
                let start = out.len();
                out.extend_from_slice(edit.data.unwrap_or(value));
                data = start..out.len();
            }
            b"emitted_at" => match time.take() {
                Some(time) => out.extend_from_slice(itoa::Buffer::new().format(time).as_bytes()),
                None => out.extend_from_slice(value),
            },
            b"meta" if !nulled.is_empty() => {
                out.extend_from_slice(&meta(Some(value), std::mem::take(&mut nulled))?);
            }
            _ if edit.nulled.is_empty() => out.extend_from_slice(value),
            _ => out.extend_from_slice(&null_tokens(value)?),
        }
    }
    if let Some(time) = time {
        key(out, b"emitted_at", &mut first);
        out.extend_from_slice(itoa::Buffer::new().format(time).as_bytes());
    }
    if !nulled.is_empty() {
        key(out, b"meta", &mut first);
        out.extend_from_slice(&meta(None, nulled)?);
    }
    out.push(b'}');
    Ok(data)
}

/// The `meta` object with a change for each nulled field added (§1.2).
fn meta(old: Option<&[u8]>, nulled: &[String]) -> Result<Vec<u8>, ScanError> {
    let mut meta = match old {
        Some(old) => serde_json::from_slice::<Option<Map<String, Value>>>(&null_tokens(old)?)
            .ok()
            .flatten()
            .unwrap_or_default(),
        None => Map::new(),
    };
    let changes = meta.entry("changes").or_insert_with(|| json!([]));
    if !changes.is_array() {
        *changes = json!([]);
    }
    if let Value::Array(changes) = changes {
        for field in nulled {
            changes.push(json!({
                "field": field, "change": "NULLED", "reason": "SOURCE_SERIALIZATION_ERROR"
            }));
        }
    }
    Ok(Value::Object(meta).to_string().into_bytes())
}

/// Writes to `out` the object `data` with only the top-level members whose name is in `fields`
/// (§3.3).
pub fn keep_fields(
    data: &[u8],
    fields: &HashSet<String>,
    out: &mut Vec<u8>,
) -> Result<(), ScanError> {
    let mut members = Members::new(data, 0)?;
    let mut first = true;
    out.push(b'{');
    while let Some(member) = members.next()? {
        let quoted = &data[member.key_start - 1..=member.key_end];
        if unquote(quoted).is_some_and(|key| fields.contains(key.as_ref())) {
            key(out, member.raw_key(data), &mut first);
            out.extend_from_slice(member.value(data));
        }
    }
    out.push(b'}');
    Ok(())
}

/// The constant beginning of a stream's RECORD lines, for records that have no line.
#[derive(Clone, Debug)]
pub struct RecordHead(Vec<u8>);

impl RecordHead {
    /// The head for records of `stream`, named as the reader of the lines is to see it.
    #[must_use]
    pub fn new(stream: &StreamId) -> Self {
        let mut head = format!(
            r#"{{"type":"RECORD","record":{{"stream":{}"#,
            name(&stream.name)
        );
        if let Some(namespace) = &stream.namespace {
            head.push_str(",\"namespace\":");
            head.push_str(&name(namespace));
        }
        head.push_str(",\"data\":");
        Self(head.into_bytes())
    }

    /// Writes record `index` of `rows` as a line, with `data` in place of its own if given. A
    /// delete carries the row it removes, or its key, and the marker that change-data-capture
    /// sources set (§1.9).
    pub fn write(&self, rows: &Rows, index: usize, data: Option<&[u8]>, out: &mut Vec<u8>) {
        let emitted_at = rows.emitted_at(index);
        out.extend_from_slice(&self.0);
        if rows.operation(index) == Operation::Delete {
            let gone = [Some(rows.after(index)), rows.before(index), rows.key(index)];
            let is_object = |text: &&[u8]| text.trim_ascii().starts_with(b"{");
            let gone = data.or_else(|| gone.into_iter().flatten().find(is_object));
            deleted(gone.unwrap_or(b"{}"), emitted_at, out);
        } else {
            out.extend_from_slice(data.unwrap_or_else(|| rows.after(index)));
        }
        out.extend_from_slice(b",\"emitted_at\":");
        out.extend_from_slice(itoa::Buffer::new().format(emitted_at).as_bytes());
        if let Some(changes) = rows.metadata(index).and_then(changes) {
            out.extend_from_slice(b",\"meta\":{\"changes\":");
            out.extend_from_slice(changes);
            out.push(b'}');
        }
        out.extend_from_slice(b"}}\n");
    }
}

/// `meta.changes` out of a record's metadata: the only part that the protocol knows.
fn changes(metadata: &[u8]) -> Option<&[u8]> {
    let mut members = Members::new(metadata, 0).ok()?;
    while let Some(member) = members.next().ok()? {
        let value = member.value(metadata);
        if member.raw_key(metadata) == b"changes" && value.starts_with(b"[") {
            return Some(value);
        }
    }
    None
}

fn deleted(row: &[u8], emitted_at: i64, out: &mut Vec<u8>) {
    let row = row.trim_ascii();
    let inner = row.get(1..row.len().saturating_sub(1)).unwrap_or_default();
    out.push(b'{');
    if !inner.trim_ascii().is_empty() {
        out.extend_from_slice(inner);
        out.push(b',');
    }
    let time = jiff::Timestamp::from_millisecond(emitted_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    out.extend_from_slice(format!("\"{DELETED_AT}\":\"{time:.3}\"}}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use crossdock_core::batch::{RowSpans, RowsBuilder, Span};

    #[test]
    fn lines_are_rewritten_and_what_is_unknown_stays() {
        let check = |line: &str, edit: Edit<'_>, expected: &str| {
            let mut out = b"x".to_vec();
            let data = rewrite(line.as_bytes(), &edit, &mut out).unwrap();
            assert_eq!(String::from_utf8_lossy(&out[1..]), format!("{expected}\n"));
            assert_eq!(out[data.start], b'{');
        };
        let line = r#"{"type": "RECORD", "y":1, "record": {"stream": "s", "namespace": null, "data": {"a": 1}, "file_reference":{"b":2}}}"#;
        check(
            line,
            Edit {
                emitted_at: Some(7),
                ..Edit::default()
            },
            r#"{"type":"RECORD","y":1,"record":{"stream":"s","data":{"a": 1},"file_reference":{"b":2},"emitted_at":7}}"#,
        );
        let target = StreamId::with_namespace("n\"", "t");
        check(
            line,
            Edit {
                stream: Some(&target),
                data: Some(b"{}"),
                ..Edit::default()
            },
            r#"{"type":"RECORD","y":1,"record":{"stream":"t","namespace":"n\"","data":{},"file_reference":{"b":2}}}"#,
        );
        check(
            r#"{"type":"RECORD","record":{"namespace":"old","meta":{"changes":[1],"z":NaN},"stream":"s","data":{"a":NaN},"emitted_at":1.0}}"#,
            Edit {
                data: Some(br#"{"a":null}"#),
                emitted_at: Some(1),
                nulled: &["a".into()],
                ..Edit::default()
            },
            r#"{"type":"RECORD","record":{"namespace":"old","meta":{"changes":[1,{"field":"a","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}],"z":null},"stream":"s","data":{"a":null},"emitted_at":1}}"#,
        );
        for broken in [
            "{}",
            r#"{"type":"RECORD","record":{}}"#,
            r#"{"type":"RECORD","record":1}"#,
        ] {
            assert!(rewrite(broken.as_bytes(), &Edit::default(), &mut Vec::new()).is_err());
        }
    }

    #[test]
    fn fields_are_selected_by_their_unescaped_names() {
        let fields = ["a", "é"].map(String::from).into();
        let mut out = Vec::new();
        keep_fields(
            br#"{"b":{"a":1}, "a": [2,3], "\u00e9":4, "c":5}"#,
            &fields,
            &mut out,
        )
        .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":[2,3],"\u00e9":4}"#);
    }

    #[test]
    fn records_without_a_line_are_serialised() {
        let text = br#"{"a":1}{"changes":[{"field":"x"}]}{"id":2}"#;
        let span = |start, end| Span::new(start, end).unwrap();
        let mut rows = RowsBuilder::default();
        rows.push(RowSpans {
            after: span(0, 7),
            metadata: span(7, 34),
            emitted_at: 5,
            ..RowSpans::default()
        });
        rows.push(RowSpans {
            key: span(34, 42),
            operation: Operation::Delete,
            emitted_at: 1500,
            ..RowSpans::default()
        });
        let rows = rows.finish(Bytes::from_static(text), None);
        let head = RecordHead::new(&StreamId::with_namespace("n", "s"));
        let mut out = Vec::new();
        head.write(&rows, 0, None, &mut out);
        head.write(&rows, 1, None, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"type":"RECORD","record":{"stream":"s","namespace":"n","data":{"a":1},"emitted_at":5,"meta":{"changes":[{"field":"x"}]}}}"#,
                "\n",
                r#"{"type":"RECORD","record":{"stream":"s","namespace":"n","data":{"id":2,"_ab_cdc_deleted_at":"1970-01-01T00:00:01.500Z"},"emitted_at":1500}}"#,
                "\n",
            )
        );
    }
}
