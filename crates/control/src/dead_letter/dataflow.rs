//! The form of DataFlow's error sink (§5): the reason beside the payload. Which record it was is known, so
//! nothing in it is a guess.

use std::collections::BTreeMap;

use crossdock_core::code;
use crossdock_core::convert::{write_base64, write_timestamp};
use crossdock_core::error::{Error, Result};
use crossdock_core::raw::{self, RawParts};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::{Letter, Record};

/// Values as they were written, digits and all.
type Members = BTreeMap<String, Box<RawValue>>;

/// The fields of a letter.
pub(super) fn properties() -> Value {
    json!({
        "error": {"type": ["null", "object"]},
        "original_message": {"type": ["null", "object", "array", "string", "number", "boolean"]},
        "original_data": {"type": ["null", "string"]},
        "original_data_encoding": {"type": ["null", "string"]},
    })
}

#[derive(Serialize)]
struct Message<'a> {
    error: Reason<'a>,
    /// A payload that is JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_message: Option<Box<RawValue>>,
    /// Any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_data: Option<String>,
    /// How it is a text, if it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_data_encoding: Option<&'static str>,
}

#[derive(Serialize)]
struct Reason<'a> {
    message: &'a str,
    timestamp: &'a str,
    original_sink: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Members>,
}

/// A letter as JSON: the record's data and metadata. `sink` is the reference of the destination that the record
/// was for.
pub(super) fn parts(letter: &Letter, sink: &str) -> Result<(String, String)> {
    // A manifest knows it by its type alone.
    let sink = sink.split_once(':').map_or(sink, |(_, kind)| kind);
    let message = match letter.processor.as_str() {
        "" => letter.reason.clone(),
        processor => format!("{processor}: {}", letter.reason),
    };
    let mut timestamp = Vec::new();
    write_timestamp(&mut timestamp, letter.at.saturating_mul(1000), true);
    let timestamp = String::from_utf8_lossy(&timestamp);
    let text = letter.record.metadata.as_deref().map_or("", RawValue::get);
    let mut metadata: Members = serde_json::from_str(text).unwrap_or_default();
    metadata.remove(raw::RAW_PARTS);
    let mut data = Message {
        error: Reason {
            message: &message,
            timestamp: &timestamp,
            original_sink: sink,
            metadata: Some(&metadata).filter(|members| !members.is_empty()),
        },
        original_message: None,
        original_data: None,
        original_data_encoding: None,
    };
    match payload(&letter.record)? {
        Payload::Json(json) => data.original_message = Some(json),
        Payload::Bytes(bytes) => {
            data.original_data = Some(String::from_utf8(bytes).unwrap_or_else(|broken| {
                data.original_data_encoding = Some("base64");
                let mut text = Vec::new();
                write_base64(&mut text, broken.as_bytes());
                String::from_utf8_lossy(&text).into_owned()
            }));
        }
    }
    let data = serde_json::to_string(&data).map_err(unwritable)?;
    let added = [
        ("error", to_raw_value(&message)),
        ("error_timestamp", to_raw_value(&timestamp)),
        ("is_error_message", to_raw_value(&true)),
        ("original_sink", to_raw_value(sink)),
    ];
    for (name, value) in added {
        metadata.insert(name.to_owned(), value.map_err(unwritable)?);
    }
    Ok((data, serde_json::to_string(&metadata).map_err(unwritable)?))
}

/// What a record is about.
enum Payload {
    Json(Box<RawValue>),
    Bytes(Vec<u8>),
}

/// The payload: the value after the change, of a delete the one before it.
fn payload(record: &Record) -> Result<Payload> {
    let text = record.metadata.as_deref().map_or("", RawValue::get);
    let raw_parts = RawParts::of_metadata(text.as_bytes());
    let (value, is_raw) = match (&record.after, &record.before) {
        (Some(after), _) => (after, raw_parts.after),
        (None, Some(before)) => (before, raw_parts.before),
        (None, None) => return Ok(Payload::Bytes(Vec::new())),
    };
    let Some(bytes) = raw::unwrap(value.get().as_bytes()).filter(|_| is_raw) else {
        return Ok(Payload::Json(value.clone()));
    };
    match serde_json::from_slice::<Box<RawValue>>(&bytes) {
        // Line ends in JSON stand between values only, and a line of a file has none.
        Ok(json) => {
            let line = json.get().replace(['\n', '\r'], " ");
            let json = RawValue::from_string(line).map_err(unwritable)?;
            Ok(Payload::Json(json))
        }
        Err(_) => Ok(Payload::Bytes(bytes.into_owned())),
    }
}

fn unwritable(cause: serde_json::Error) -> Error {
    Error::new(&code::INTERNAL, "a dead letter cannot be written as JSON").caused_by(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(record: &str, processor: &str) -> Letter {
        let text = format!(
            r#"{{"at":1795773600123,"pipeline":"p","run":1,"connector":"x","destination":1,"processor":"{processor}","reason":"no \"int\"","stream":"s","record":{record}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn letters_by_cases() {
        let check = |record: &str, processor: &str, data: &str, metadata: &str| {
            let (said, beside) = parts(&letter(record, processor), "native:csv").unwrap();
            let error = |message: &str, metadata: &str| {
                format!(
                    r#"{{"error":{{"message":"{message}","timestamp":"2026-11-27T10:00:00.123Z","original_sink":"csv"{metadata}}},"#
                )
            };
            let message = match processor {
                "" => r#"no \"int\""#.to_owned(),
                processor => format!(r#"{processor}: no \"int\""#),
            };
            let original = match metadata {
                "" => String::new(),
                members => format!(r#","metadata":{{{}}}"#, members.trim_end_matches(',')),
            };
            assert_eq!(said, error(&message, &original) + data, "{record}");
            let expected = format!(
                r#"{{{metadata}"error":"{message}","error_timestamp":"2026-11-27T10:00:00.123Z","is_error_message":true,"original_sink":"csv"}}"#
            );
            assert_eq!(beside, expected, "{record}");
        };
        let record = |rest: &str| format!(r#"{{"operation":"create","emitted_at":2,{rest}}}"#);
        check(
            &record(r#""after":{"id":12345678901234567890.10}"#),
            "",
            r#""original_message":{"id":12345678901234567890.10}}"#,
            "",
        );
        check(
            &record(r#""before":{"id":1},"metadata":{"a_offset":12345678901234567890}"#),
            "transformations[0]",
            r#""original_message":{"id":1}}"#,
            r#""a_offset":12345678901234567890,"#,
        );
        let raw = r#""metadata":{"crossdock.raw":"after"}"#;
        check(
            &record(&format!(r#""after":{{"raw":"a\"b"}},{raw}"#)),
            "",
            r#""original_data":"a\"b"}"#,
            "",
        );
        check(
            &record(&format!(r#""after":{{"raw":"[1,\n2]"}},{raw}"#)),
            "",
            r#""original_message":[1, 2]}"#,
            "",
        );
        check(
            &record(&format!(r#""after":{{"raw_base64":"/wA="}},{raw}"#)),
            "",
            r#""original_data":"/wA=","original_data_encoding":"base64"}"#,
            "",
        );
        // Without the mark it is a field like any other.
        check(
            &record(r#""after":{"raw":"a"}"#),
            "",
            r#""original_message":{"raw":"a"}}"#,
            "",
        );
        check(
            &record(r#""key":{"id":1}"#),
            "",
            r#""original_data":""}"#,
            "",
        );
    }
}
