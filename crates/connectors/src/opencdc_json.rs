//! A record as JSON in the form of Conduit's `opencdc/json`: raw data and positions as base64,
//! structured data as they are.

use crossdock_core::batch::{Operation, Rows};
use crossdock_core::convert::{write_base64, write_string};
use crossdock_core::json::scan::{self, Members};
use crossdock_core::raw::{self, RAW_PARTS, RawParts};
use crossdock_core::stream::StreamId;

/// Appends record `at` of a batch that goes to `target`.
pub(crate) fn write_record(
    out: &mut Vec<u8>,
    (rows, at): (&Rows, usize),
    target: &StreamId,
    position: &str,
) {
    let metadata = rows.metadata(at).unwrap_or_default();
    let parts = RawParts::of_metadata(metadata);
    out.extend_from_slice(b"{\"position\":");
    write_bytes(out, position.as_bytes());
    out.extend_from_slice(b",\"operation\":\"");
    out.extend_from_slice(match rows.operation(at) {
        Operation::Create => b"create",
        Operation::Update => b"update",
        Operation::Delete => b"delete",
        Operation::Snapshot => b"snapshot",
    });
    out.extend_from_slice(b"\",\"metadata\":");
    write_metadata(out, metadata, target, rows.emitted_at(at));
    out.extend_from_slice(b",\"key\":");
    write_data(out, rows.key(at), parts.key);
    out.extend_from_slice(b",\"payload\":{\"before\":");
    write_data(out, rows.before(at), parts.before);
    out.extend_from_slice(b",\"after\":");
    write_data(out, Some(rows.after(at)), parts.after);
    out.extend_from_slice(b"}}");
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    write_base64(out, bytes);
    out.push(b'"');
}

fn write_data(out: &mut Vec<u8>, part: Option<&[u8]>, is_raw: bool) {
    let Some(text) = part.filter(|text| !text.is_empty()) else {
        return out.extend_from_slice(b"null");
    };
    match raw::unwrap(text).filter(|_| is_raw) {
        Some(bytes) => write_bytes(out, &bytes),
        None => out.extend_from_slice(text),
    }
}

/// The record's own metadata; one that has none of Conduit's is told its stream and its time.
fn write_metadata(out: &mut Vec<u8>, own: &[u8], target: &StreamId, emitted_at: i64) {
    out.push(b'{');
    let mut is_first = true;
    let mut is_opencdc = false;
    let mut put = |out: &mut Vec<u8>, name: &[u8], value: &[u8]| {
        if !std::mem::take(&mut is_first) {
            out.push(b',');
        }
        out.extend_from_slice(name);
        out.push(b':');
        // All values are texts there.
        match value.first() {
            Some(b'"') => out.extend_from_slice(value),
            _ => write_string(out, value),
        }
    };
    if let Ok(mut members) = Members::new(own, 0) {
        while let Ok(Some(member)) = members.next() {
            let name = &own[member.key_start - 1..=member.key_end];
            let plain = scan::unquote(name).unwrap_or_default();
            if plain != RAW_PARTS {
                is_opencdc |= plain.starts_with("opencdc.");
                put(out, name, member.value(own));
            }
        }
    }
    if !is_opencdc {
        let mut text = Vec::new();
        write_string(&mut text, target.to_string().as_bytes());
        put(out, b"\"opencdc.collection\"", &text);
        let nanos = i128::from(emitted_at) * 1_000_000;
        put(
            out,
            b"\"opencdc.readAt\"",
            format!("\"{nanos}\"").as_bytes(),
        );
        put(out, b"\"opencdc.version\"", b"\"v1\"");
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::batch::{RowSpans, RowsBuilder, Span};

    #[test]
    fn records_have_conduits_form() {
        let check = |metadata: &str, key: &str, after: &str, expected: &str| {
            let mut buffer = Vec::new();
            let mut add = |text: &str| {
                let start = buffer.len();
                buffer.extend_from_slice(text.as_bytes());
                Span::new(start, buffer.len()).unwrap()
            };
            let mut rows = RowsBuilder::default();
            rows.push(RowSpans {
                metadata: add(metadata),
                key: add(key),
                after: add(after),
                operation: Operation::Update,
                emitted_at: 7,
                ..RowSpans::default()
            });
            let rows = rows.finish(buffer.into(), None);
            let mut out = Vec::new();
            write_record(&mut out, (&rows, 0), &StreamId::new("s"), "1/2/0");
            let start = r#"{"position":"MS8yLzA=","operation":"update","metadata":"#;
            assert_eq!(
                String::from_utf8(out).unwrap(),
                format!("{start}{expected}")
            );
        };
        check(
            r#"{"opencdc.version":"v1","crossdock.raw":"key,after"}"#,
            r#"{"raw":"k"}"#,
            r#"{"raw_base64":"/w=="}"#,
            r#"{"opencdc.version":"v1"},"key":"aw==","payload":{"before":null,"after":"/w=="}}"#,
        );
        check(
            r#"{"changes":[]}"#,
            "",
            r#"{"id":9007199254740993}"#,
            r#"{"changes":"[]","opencdc.collection":"s","opencdc.readAt":"7000000","opencdc.version":"v1"},"key":null,"payload":{"before":null,"after":{"id":9007199254740993}}}"#,
        );
    }
}
