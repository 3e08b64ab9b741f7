//! The form in which Conduit writes dead letters (§3.9): the refused record with all its parts, and the reason in
//! the metadata.

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::raw::{self, RawParts};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Letter, Record};

/// The fields of a letter.
pub(super) fn properties() -> Value {
    json!({
        "operation": {"type": ["null", "string"]},
        "metadata": {"type": ["null", "object"]},
        "key": {"type": ["null", "object", "array"]},
        "payload": {"type": ["null", "object"]},
    })
}

pub(super) fn metadata(letter: &Letter) -> Value {
    // Conduit's name of who refused it.
    let node = match letter.processor.as_str() {
        "" => letter.connector.clone(),
        processor => format!("{}:{processor}", letter.pipeline),
    };
    json!({
        "opencdc.createdAt": (i128::from(letter.at) * 1_000_000).to_string(),
        "conduit.dlq.nack.error": letter.reason,
        "conduit.dlq.nack.node.id": node,
        "crossdock.connector": letter.connector,
        "crossdock.pipeline": letter.pipeline,
        "crossdock.run": letter.run.to_string(),
        "crossdock.stream": letter.stream_id().to_string(),
    })
}

/// The refused record as one object.
pub(super) fn data(record: &Record) -> Result<String> {
    let text = |part: &Option<Box<RawValue>>| part.as_deref().map_or("", RawValue::get).to_owned();
    let metadata = text(&record.metadata);
    let parts = RawParts::of_metadata(metadata.as_bytes());
    let mut shown: Map<String, Value> = serde_json::from_str(&metadata).unwrap_or_default();
    shown.shift_remove(raw::RAW_PARTS);
    let shown_part = |part: &Option<Box<RawValue>>, is_raw: bool| -> Result<Box<RawValue>> {
        let text = text(part);
        let json = match raw::unwrap(text.as_bytes()).filter(|_| is_raw) {
            Some(bytes) => {
                let mut out = vec![b'"'];
                crossdock_core::convert::write_base64(&mut out, &bytes);
                out.push(b'"');
                String::from_utf8_lossy(&out).into_owned()
            }
            None if text.is_empty() => "null".to_owned(),
            None => text,
        };
        RawValue::from_string(json).map_err(|cause| {
            Error::new(&code::INTERNAL, "a refused record is no JSON").caused_by(cause)
        })
    };
    // Digits stay, so values go from text to text.
    Ok(format!(
        r#"{{"position":null,"operation":"{}","metadata":{},"key":{},"payload":{{"before":{},"after":{}}}}}"#,
        record.operation,
        Value::Object(shown),
        shown_part(&record.key, parts.key)?,
        shown_part(&record.before, parts.before)?,
        shown_part(&record.after, parts.after)?,
    ))
}
