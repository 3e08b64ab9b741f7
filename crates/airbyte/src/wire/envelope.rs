//! The full scan of a line: what message it is and where its parts stand (§1.1, §1.2). Builds
//! nothing; `data` is skipped over, not parsed.

use crossdock_core::json::scan::{Members, ScanError, skip_space};

/// The message types of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Record,
    State,
    Log,
    Spec,
    ConnectionStatus,
    Catalog,
    Trace,
    Control,
    DestinationCatalog,
}

/// Type names and payload keys, in one order.
const KINDS: [(Kind, &[u8], &[u8]); 9] = [
    (Kind::Record, b"\"RECORD\"", b"record"),
    (Kind::State, b"\"STATE\"", b"state"),
    (Kind::Log, b"\"LOG\"", b"log"),
    (Kind::Trace, b"\"TRACE\"", b"trace"),
    (Kind::Control, b"\"CONTROL\"", b"control"),
    (Kind::Spec, b"\"SPEC\"", b"spec"),
    (
        Kind::ConnectionStatus,
        b"\"CONNECTION_STATUS\"",
        b"connectionStatus",
    ),
    (Kind::Catalog, b"\"CATALOG\"", b"catalog"),
    (
        Kind::DestinationCatalog,
        b"\"DESTINATION_CATALOG\"",
        b"destination_catalog",
    ),
];

/// Where a value stands in the line: first byte, and the byte after the last.
pub(crate) type Place = (usize, usize);

pub(crate) fn at(line: &[u8], place: Place) -> &[u8] {
    &line[place.0..place.1]
}

/// A line that is one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// The message type; `None` for foreign JSON.
    pub(crate) kind: Option<Kind>,
    /// The payload that belongs to the type.
    pub(crate) payload: Option<Place>,
}

/// Scans a line. An error means that it is not one JSON object.
pub(crate) fn scan(line: &[u8]) -> Result<Envelope, ScanError> {
    let mut members = Members::new(line, 0)?;
    let mut kind = None;
    let mut payloads = [None; KINDS.len()];
    while let Some(member) = members.next()? {
        let key = member.raw_key(line);
        if key == b"type" {
            let value = member.value(line);
            kind = KINDS.iter().position(|(_, name, _)| *name == value);
        } else if let Some(index) = KINDS.iter().position(|(_, _, payload)| *payload == key) {
            payloads[index] = Some((member.value_start, member.value_end));
        }
    }
    let end = skip_space(line, members.end());
    if end != line.len() {
        return Err(ScanError {
            at: end,
            expected: "the end of the line",
        });
    }
    Ok(Envelope {
        kind: kind.map(|index| KINDS[index].0),
        payload: kind.and_then(|index| payloads[index]),
    })
}

/// Where the parts of a RECORD stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RecordScan {
    /// The stream's name, with its quotes.
    pub(crate) stream: Option<Place>,
    /// The namespace, with its quotes; absent if it is `null` (§6, 8).
    pub(crate) namespace: Option<Place>,
    /// The row; absent unless it is an object.
    pub(crate) data: Option<Place>,
    /// The time, whatever stands there; absent if it is `null`.
    pub(crate) emitted_at: Option<Place>,
    /// The metadata, if it is an object.
    pub(crate) meta: Option<Place>,
    /// A routing key stands twice, so the line's layout says nothing about the next line's.
    pub(crate) repeated: bool,
}

/// Scans the payload of a RECORD line; places are offsets into `line`.
pub(crate) fn scan_record(line: &[u8], payload: Place) -> Result<RecordScan, ScanError> {
    let text = &line[..payload.1];
    let mut members = Members::new(text, payload.0)?;
    let mut scan = RecordScan::default();
    while let Some(member) = members.next()? {
        let place = (member.value_start, member.value_end);
        let value = member.value(text);
        let first = value.first().copied();
        let present = (value != b"null").then_some(place);
        let slot = match member.raw_key(text) {
            b"stream" => (&mut scan.stream, present.filter(|_| first == Some(b'"'))),
            b"namespace" => (&mut scan.namespace, present.filter(|_| first == Some(b'"'))),
            b"data" => (&mut scan.data, present.filter(|_| first == Some(b'{'))),
            b"emitted_at" => (&mut scan.emitted_at, present),
            b"meta" => (&mut scan.meta, present.filter(|_| first == Some(b'{'))),
            _ => continue,
        };
        scan.repeated |= slot.0.is_some();
        *slot.0 = slot.1;
    }
    Ok(scan)
}

/// An integer as JSON writes it, of up to 18 digits. The one reading of `emitted_at` that needs no
/// rewriting, so that both ways of scanning agree.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut value = 0i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(digit - b'0');
    }
    Some(if text.len() == digits.len() {
        value
    } else {
        -value
    })
}

/// Whether a line that cannot be read was meant to be a RECORD. Texts that merely speak of one are
/// not: only what begins as a message, or holds the beginning of a RECORD message.
pub(crate) fn looks_like(line: &[u8], kind: Kind) -> bool {
    let (names, openings): (&[&[u8]], &[&[u8]]) = match kind {
        Kind::State => (
            &[b"\"STATE\"", b"\"state\""],
            &[b"{\"type\":\"STATE\"", b"{\"type\": \"STATE\""],
        ),
        _ => (
            &[b"\"RECORD\"", b"\"record\""],
            &[b"{\"type\":\"RECORD\"", b"{\"type\": \"RECORD\""],
        ),
    };
    let start = &line[..line.len().min(64)];
    let within = |text: &[u8], parts: &[&[u8]]| {
        parts
            .iter()
            .any(|part| memchr::memmem::find(text, part).is_some())
    };
    (line.trim_ascii_start().starts_with(b"{") && within(start, names)) || within(line, openings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_any_order() {
        let check = |line: &str, parts: [Option<&str>; 5]| {
            let line = line.as_bytes();
            let envelope = scan(line).unwrap();
            assert_eq!(envelope.kind, Some(Kind::Record));
            let scan = scan_record(line, envelope.payload.unwrap()).unwrap();
            let places = [
                scan.stream,
                scan.namespace,
                scan.data,
                scan.emitted_at,
                scan.meta,
            ];
            for (place, part) in places.into_iter().zip(parts) {
                let found = place.map(|p| String::from_utf8_lossy(at(line, p)).into_owned());
                assert_eq!(found.as_deref(), part);
            }
        };
        check(
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":1},"emitted_at":5}}"#,
            [Some("\"s\""), None, Some(r#"{"a":1}"#), Some("5"), None],
        );
        check(
            r#" {"record": {"emitted_at": 5.0, "data": {}, "x": [1], "namespace": null, "stream": "s",
            "meta": {"changes": []}} , "type": "RECORD"} "#,
            [
                Some("\"s\""),
                None,
                Some("{}"),
                Some("5.0"),
                Some(r#"{"changes": []}"#),
            ],
        );
        check(
            r#"{"type":"RECORD","record":{"stream":1,"namespace":"n","data":null,"meta":null}}"#,
            [None, Some("\"n\""), None, None, None],
        );
    }

    #[test]
    fn foreign_lines_are_told_from_broken_ones() {
        let check = |line: &str, foreign: bool, broken: bool, record: bool| {
            let line = line.as_bytes();
            assert_eq!(
                scan(line).is_ok_and(|e| e.kind.is_none()),
                foreign,
                "{line:?}"
            );
            assert_eq!(scan(line).is_err(), broken, "{line:?}");
            assert_eq!(looks_like(line, Kind::Record), record, "{line:?}");
        };
        check(r#"{"type": "DEBUG", "message": "x"}"#, true, false, false);
        check("WARNING: a \"record\" was late", false, true, false);
        check(r#"{"type":"RECORD","record":{"stream":"#, false, true, true);
        check(r#"50%{"type":"RECORD","record":{}}"#, false, true, true);
        check("", false, true, false);
        check("{} x", false, true, false);
    }

    #[test]
    fn integers_are_strict() {
        for (text, value) in [
            ("0", Some(0)),
            ("-5", Some(-5)),
            ("1795289451713", Some(1_795_289_451_713)),
        ] {
            assert_eq!(integer(text.as_bytes()), value);
        }
        for text in [
            "",
            "-",
            "01",
            "+1",
            "1.0",
            "1e3",
            "9999999999999999999",
            "\"1\"",
        ] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }
}
