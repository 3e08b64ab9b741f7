//! Frames that are written again as they came, under another head: names, time and partition are ours, the values
//! are not looked at.

use crossdock_core::code;
use crossdock_core::error::{Error, Result};

use super::field::{Fault, Field, Fields, cut_off};
use super::varint;

/// Appends the values and what is said of them (fields 5 and 6) of the record in `frame`.
pub(super) fn values(frame: &[u8], out: &mut Vec<u8>) -> Result<()> {
    append(frame, out).map_err(|fault| {
        let message = "a record's frame cannot be passed on";
        let error = Error::new(&code::DATA_INVALID, message);
        error.with("reason", fault.what).with("offset", fault.at)
    })
}

fn append(frame: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
    let (_, start) = varint::read(frame, 0).ok_or(cut_off(0))?;
    let mut message = Fields::new(frame, start, frame.len());
    while let Some((number, value)) = message.next()? {
        // In a oneof the last one counts; others than a record are no lines of rows.
        let (1, Field::Bytes(from, to)) = (number, value) else {
            continue;
        };
        let mut fields = Fields::new(frame, from, to);
        let mut run = from;
        loop {
            fields.at = past_short(&frame[..to], fields.at);
            let before = fields.at;
            let field = fields.next()?;
            if let Some((5 | 6, Field::Bytes(..))) = field {
                continue;
            }
            out.extend_from_slice(&frame[run..before]);
            run = fields.at;
            if field.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Where the run of short values that begins at `at` ends: nearly all of a record is of this kind.
#[inline]
fn past_short(record: &[u8], mut at: usize) -> usize {
    while let [0x2a | 0x32, length @ 0..0x80, rest @ ..] = &record[at..]
        && rest.len() >= usize::from(*length)
    {
        at += 2 + usize::from(*length);
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame around the fields of a record.
    fn frame(record: &[u8]) -> Vec<u8> {
        let length = u8::try_from(record.len()).unwrap();
        [&[length + 2, 0x0a, length], record].concat()
    }

    #[test]
    fn values_are_found_wherever_they_stand() {
        let (value, other, meta, name) =
            (b"\x2a\x02\x08\x01", b"\x2a\x00", b"\x32\x00", b"\x12\x01s");
        let unknown = b"\x48\x07";
        let record = [&value[..], name, other, unknown, meta, b"\x18\x05", value].concat();
        let mut out = b"before".to_vec();
        values(&frame(&record), &mut out).unwrap();
        assert_eq!(out, [&b"before"[..], value, other, meta, value].concat());
        let mut out = Vec::new();
        values(&frame(name), &mut out).unwrap();
        assert_eq!(out, b"");
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let error = values(&frame(b"\x12\x05s"), &mut Vec::new()).unwrap_err();
        assert_eq!(error.code().name, "data.invalid");
    }
}
