//! The short way for records: consecutive lines of a stream differ only in `data` and in the digits
//! of `emitted_at`, so a line whose constant parts are those of an earlier, fully scanned line
//! needs no scan. The result is the full scan's, always: what is not proved falls back to it.

use crossdock_core::json::scan::skip_value;
use crossdock_core::stream::StreamId;

use super::envelope::{Place, RecordScan, integer};

/// The constant parts of a RECORD line.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// The stream that the constant parts name.
    pub(crate) stream: StreamId,
    /// From the line's start to the first varying part: `data`'s opening brace (included), or the
    /// time's first digit.
    head: Vec<u8>,
    /// Between the two varying parts.
    gap: Vec<u8>,
    /// From the last varying part to the line's end.
    tail: Vec<u8>,
    /// Whether the time stands before the data.
    time_first: bool,
}

/// What a template finds in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) data: Place,
    pub(crate) emitted_at: i64,
}

impl Template {
    /// The template of a scanned line. None where the line has a part that the short way does not
    /// look for.
    pub(crate) fn of(line: &[u8], scan: &RecordScan, stream: &StreamId) -> Option<Self> {
        if scan.meta.is_some() || scan.repeated {
            return None;
        }
        let data = scan.data?;
        let time = scan.emitted_at?;
        let value = integer(&line[time.0..time.1])?;
        if value < 0 {
            return None;
        }
        let time_first = time.0 < data.0;
        let (head, gap, tail) = if time_first {
            (&line[..time.0], &line[time.1..=data.0], &line[data.1..])
        } else {
            (&line[..=data.0], &line[data.1..time.0], &line[time.1..])
        };
        Some(Self {
            stream: stream.clone(),
            head: head.to_vec(),
            gap: gap.to_vec(),
            tail: tail.to_vec(),
            time_first,
        })
    }

    /// What the full scan would find in `line`, if the line is of this layout and that is certain.
    #[inline]
    pub(crate) fn find(&self, line: &[u8]) -> Option<Found> {
        if !line.starts_with(&self.head) {
            return None;
        }
        let body = line.strip_suffix(self.tail.as_slice())?;
        let (data, time) = if self.time_first {
            let start = self.head.len();
            let digits = digits_forwards(body.get(start..)?);
            let after = start + digits;
            if !body[after..].starts_with(&self.gap) {
                return None;
            }
            // The gap ends with the data's opening brace.
            ((after + self.gap.len() - 1, body.len()), (start, after))
        } else {
            let digits = digits_backwards(body.get(self.head.len()..)?);
            let start = body.len() - digits;
            let end = start.checked_sub(self.gap.len())?;
            if end < self.head.len() || !body[..start].ends_with(&self.gap) {
                return None;
            }
            ((self.head.len() - 1, end), (start, body.len()))
        };
        let emitted_at = integer(&line[time.0..time.1])?;
        is_one_object(line, data).then_some(Found { data, emitted_at })
    }
}

fn digits_backwards(text: &[u8]) -> usize {
    text.iter()
        .rev()
        .take(19)
        .take_while(|b| b.is_ascii_digit())
        .count()
}

fn digits_forwards(text: &[u8]) -> usize {
    text.iter()
        .take(19)
        .take_while(|b| b.is_ascii_digit())
        .count()
}

/// Whether `line[place]`, which begins with `{`, is exactly what [`skip_value`] would skip.
#[inline]
fn is_one_object(line: &[u8], (start, end): Place) -> bool {
    let Some(inner) = line.get(start + 1..end.wrapping_sub(1)) else {
        return false;
    };
    if line[end - 1] != b'}' {
        return false;
    }
    // Flat, without escapes, with whole strings: then the last brace closes the first. Three sweeps
    // at memory speed, against a walk byte by byte.
    let flat = memchr::memchr3(b'}', b'{', b'\\', inner).is_none()
        && memchr::memchr2(b'[', b']', inner).is_none()
        && memchr::memchr_iter(b'"', inner).count().is_multiple_of(2);
    flat || skip_value(&line[..end], start) == Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::envelope::{Kind, scan, scan_record};
    use proptest::prelude::*;

    /// What the full scan says of a line, in the template's terms.
    fn full(line: &[u8]) -> Option<(RecordScan, Found)> {
        let envelope = scan(line).ok()?;
        if envelope.kind != Some(Kind::Record) {
            return None;
        }
        let scan = scan_record(line, envelope.payload?).ok()?;
        let time = scan.emitted_at?;
        let found = Found {
            data: scan.data?,
            emitted_at: integer(&line[time.0..time.1])?,
        };
        Some((scan, found))
    }

    fn template(line: &str) -> Template {
        let (scan, _) = full(line.as_bytes()).unwrap();
        Template::of(line.as_bytes(), &scan, &StreamId::new("s")).unwrap()
    }

    const FIRST: [&str; 4] = [
        r#"{"type":"RECORD","record":{"stream":"s","data":{"a":1},"emitted_at":5}}"#,
        r#"{"type": "RECORD", "record": {"stream": "s", "data": {}, "emitted_at": 5}}"#,
        r#"{"type":"RECORD","record":{"stream":"s","emitted_at":5,"data":{"a":1}}}"#,
        r#"{"record":{"namespace":"n","stream":"s","data":{},"emitted_at":5,"x":{}},"type":"RECORD"}"#,
    ];

    #[test]
    fn adversarial_lines_are_as_the_full_scan_has_them() {
        let lines = [
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":1},"meta":{"b":2},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":"},\"emitted_at\":1}}"},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":{"b":[1]}},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":{"b":1},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":"},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":[1},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":1],"b":2},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{},"emitted_at":06}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{},"emitted_at":}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{,"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":1},"data":{"b":2},"emitted_at":6}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","emitted_at":7,"data":{"a":1},"b":{"c":1}}}"#,
        ];
        for first in FIRST {
            let template = template(first);
            assert!(template.find(first.as_bytes()).is_some(), "{first}");
            for line in lines {
                let line = line.as_bytes();
                if let Some(found) = template.find(line) {
                    assert_eq!(
                        full(line).map(|f| f.1),
                        Some(found),
                        "{}",
                        line.escape_ascii()
                    );
                }
            }
        }
    }

    #[test]
    fn the_short_way_is_taken_where_it_should_be() {
        let template = template(FIRST[0]);
        for line in [
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":"x","b":2.50},"emitted_at":1795289451713}}"#,
            r#"{"type":"RECORD","record":{"stream":"s","data":{"a":{"b":["}\\"]}},"emitted_at":0}}"#,
        ] {
            assert_eq!(
                template.find(line.as_bytes()),
                full(line.as_bytes()).map(|f| f.1)
            );
            assert!(template.find(line.as_bytes()).is_some());
        }
    }

    proptest! {
        #[test]
        fn whatever_it_finds_the_full_scan_finds(
            which in 0usize..4,
            data in r#"[\{\}\[\]",:\\a1 ]{0,24}"#,
            time in "[0-9]{0,20}",
        ) {
            let template = template(FIRST[which]);
            for (open, close) in [("", ""), ("{", "}")] {
                let line = FIRST[which]
                    .replace("5", &time)
                    .replace(r#"{"a":1}"#, "{}")
                    .replacen("{}", &format!("{open}{data}{close}"), 1);
                if let Some(found) = template.find(line.as_bytes()) {
                    let full = full(line.as_bytes());
                    prop_assert_eq!(full.map(|f| f.1), Some(found), "{}", line);
                    prop_assert_eq!(full.and_then(|f| f.0.meta), None);
                }
            }
        }
    }
}
