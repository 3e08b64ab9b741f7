//! A record's `meta.changes`, between the wire's enums and the JSON text that batches carry (§1.2).

use crossdock_core::convert::write_string;
use crossdock_core::json::scan::{Members, unquote};
use serde::Deserialize;

use super::field::{Fault, Field, Fields};
use super::varint;

const CHANGES: [&str; 2] = ["NULLED", "TRUNCATED"];

/// In the order of the wire's numbers.
const REASONS: [&str; 11] = [
    "SOURCE_RECORD_SIZE_LIMITATION",
    "DESTINATION_RECORD_SIZE_LIMITATION",
    "PLATFORM_RECORD_SIZE_LIMITATION",
    "SOURCE_FIELD_SIZE_LIMITATION",
    "DESTINATION_FIELD_SIZE_LIMITATION",
    "PLATFORM_FIELD_SIZE_LIMITATION",
    "SOURCE_SERIALIZATION_ERROR",
    "DESTINATION_SERIALIZATION_ERROR",
    "PLATFORM_SERIALIZATION_ERROR",
    "SOURCE_RETRIEVAL_ERROR",
    "DESTINATION_TYPECAST_ERROR",
];

/// Numbers of [`CHANGES`] and [`REASONS`] that the writer needs.
pub(super) const NULLED: u64 = 0;
pub(super) const TRUNCATED: u64 = 1;
pub(super) const SOURCE_FIELD_SIZE: u64 = 3;
pub(super) const SOURCE_SERIALIZATION: u64 = 6;
const PLATFORM_SERIALIZATION: u64 = 8;

/// The name of an enum's number; of one that a newer writer knows the number itself.
fn name(names: &[&str], number: u64, out: &mut Vec<u8>) {
    out.push(b'"');
    match usize::try_from(number).ok().and_then(|n| names.get(n)) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
    }
    out.push(b'"');
}

fn number(names: &[&str], name: &str) -> Option<u64> {
    let place = names.iter().position(|known| *known == name);
    place
        .map(|at| at as u64)
        .or_else(|| name.parse::<u32>().ok().map(u64::from))
}

/// Appends the entries of the message that stands at `at..end` to a list of JSON: each with a comma before
/// it, unless the text ends with the list's bracket.
pub(super) fn read(bytes: &[u8], at: usize, end: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut fields = Fields::new(bytes, at, end);
    while let Some((number, field)) = fields.next()? {
        if let (1, Field::Bytes(start, end)) = (number, field) {
            let mut entry = (&b""[..], 0, 0);
            let mut parts = Fields::new(bytes, start, end);
            while let Some(part) = parts.next()? {
                match part {
                    (1, Field::Bytes(start, end)) => entry.0 = &bytes[start..end],
                    (2, Field::Varint(change)) => entry.1 = change,
                    (3, Field::Varint(reason)) => entry.2 = reason,
                    _ => {}
                }
            }
            if !out.ends_with(b"[") {
                out.push(b',');
            }
            out.extend_from_slice(b"{\"field\":");
            write_string(out, String::from_utf8_lossy(entry.0).as_bytes());
            out.extend_from_slice(b",\"change\":");
            name(&CHANGES, entry.1, out);
            out.extend_from_slice(b",\"reason\":");
            name(&REASONS, entry.2, out);
            out.push(b'}');
        }
    }
    Ok(())
}

/// One entry, appended as a field of the message `AirbyteRecordMessageMeta`.
pub(super) fn write_entry(out: &mut Vec<u8>, field: &[u8], change: u64, reason: u64) {
    let number = |value: u64| match value {
        0 => 0,
        _ => 1 + varint::length(value),
    };
    let text = match field.len() {
        0 => 0,
        length => 1 + varint::length(length as u64) + length,
    };
    out.push(0x0a);
    varint::write(out, (text + number(change) + number(reason)) as u64);
    if !field.is_empty() {
        out.push(0x0a);
        varint::write(out, field.len() as u64);
        out.extend_from_slice(field);
    }
    for (tag, value) in [(0x10, change), (0x18, reason)] {
        // As everywhere in proto3, what is zero is not written.
        if value != 0 {
            out.push(tag);
            varint::write(out, value);
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    field: String,
    #[serde(default)]
    change: String,
    #[serde(default)]
    reason: String,
}

/// Appends the entries of `changes` in a record's metadata, a JSON object. All else in it has no
/// place on this wire. A reason that the wire has no number for is given as the platform's.
pub(super) fn write_metadata(out: &mut Vec<u8>, metadata: &[u8]) {
    let Some(list) = changes(metadata) else {
        return;
    };
    let Ok(entries) = serde_json::from_slice::<Vec<Entry>>(list) else {
        return;
    };
    for entry in entries {
        let change = number(&CHANGES, &entry.change).unwrap_or(NULLED);
        let reason = number(&REASONS, &entry.reason).unwrap_or(PLATFORM_SERIALIZATION);
        write_entry(out, entry.field.as_bytes(), change, reason);
    }
}

fn changes(metadata: &[u8]) -> Option<&[u8]> {
    let mut members = Members::new(metadata, 0).ok()?;
    while let Some(member) = members.next().ok()? {
        let quoted = &metadata[member.key_start - 1..=member.key_end];
        if unquote(quoted).as_deref() == Some("changes") {
            return Some(member.value(metadata));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_go_both_ways() {
        let check = |changes: &str, wire: &[u8]| {
            let mut out = Vec::new();
            write_metadata(
                &mut out,
                format!(r#"{{"x":1,"changes":{changes}}}"#).as_bytes(),
            );
            assert_eq!(out, wire, "{changes}");
            let mut text = b"[".to_vec();
            read(&out, 0, out.len(), &mut text).unwrap();
            assert_eq!(String::from_utf8(text).unwrap() + "]", changes);
        };
        check("[]", b"");
        check(
            r#"[{"field":"a","change":"NULLED","reason":"SOURCE_RECORD_SIZE_LIMITATION"}]"#,
            b"\x0a\x03\x0a\x01a",
        );
        check(
            r#"[{"field":"a","change":"TRUNCATED","reason":"DESTINATION_TYPECAST_ERROR"},{"field":"","change":"2","reason":"300"}]"#,
            b"\x0a\x07\x0a\x01a\x10\x01\x18\x0a\x0a\x05\x10\x02\x18\xac\x02",
        );
    }

    #[test]
    fn every_reason_has_its_number() {
        let sides = ["SOURCE", "DESTINATION", "PLATFORM"];
        let kinds = [
            "RECORD_SIZE_LIMITATION",
            "FIELD_SIZE_LIMITATION",
            "SERIALIZATION_ERROR",
        ];
        let of_kind = |kind| sides.map(|side| format!("{side}_{kind}"));
        let mut reasons: Vec<String> = kinds.into_iter().flat_map(of_kind).collect();
        reasons.extend(["SOURCE_RETRIEVAL_ERROR", "DESTINATION_TYPECAST_ERROR"].map(String::from));
        assert_eq!(REASONS.to_vec(), reasons);
        assert_eq!(
            number(&REASONS, "SOURCE_SERIALIZATION_ERROR"),
            Some(SOURCE_SERIALIZATION)
        );
        assert_eq!(
            number(&REASONS, "SOURCE_FIELD_SIZE_LIMITATION"),
            Some(SOURCE_FIELD_SIZE)
        );
        assert_eq!(
            number(&REASONS, "PLATFORM_SERIALIZATION_ERROR"),
            Some(PLATFORM_SERIALIZATION)
        );
        assert_eq!(number(&CHANGES, "NULLED"), Some(NULLED));
        assert_eq!(number(&CHANGES, "TRUNCATED"), Some(TRUNCATED));
    }

    #[test]
    fn what_is_no_list_of_changes_is_left_out() {
        for metadata in [
            "",
            "[]",
            "{}",
            r#"{"changes":null}"#,
            r#"{"changes":[1]}"#,
            r#"{"changes":"#,
        ] {
            let mut out = Vec::new();
            write_metadata(&mut out, metadata.as_bytes());
            assert_eq!(out, b"", "{metadata}");
        }
        let mut out = Vec::new();
        write_metadata(
            &mut out,
            br#"{"changes":[{"field":"a","change":"X","reason":"Y"}]}"#,
        );
        assert_eq!(out, b"\x0a\x05\x0a\x01a\x18\x08");
        for broken in [
            &b"\x0a\x05"[..],
            b"\x0a\x02\x0a\x05",
            b"\x0b",
            b"\x0a\x02\x10\x80",
        ] {
            assert!(
                read(broken, 0, broken.len(), &mut Vec::new()).is_err(),
                "{broken:?}"
            );
        }
    }
}
