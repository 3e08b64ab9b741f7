//! One value, read where it stands.

use crossdock_core::convert::Typed;

use super::Layout;
use super::field::{Fault, Field, Fields, cut_off};
use super::varint;

/// Reads the message `AirbyteValueProtobuf` that stands at `at..end` of `bytes`.
#[inline(always)]
pub(super) fn read(
    bytes: &[u8],
    at: usize,
    end: usize,
    layout: Layout,
) -> Result<Typed<'_>, Fault> {
    match read_usual(bytes, at, end, layout) {
        Some(value) => Ok(value),
        None => read_any(bytes, at, end, layout),
    }
}

/// A value as every writer writes it: one field that fills the message. `None` is no verdict.
#[inline(always)]
fn read_usual(bytes: &[u8], at: usize, end: usize, layout: Layout) -> Option<Typed<'_>> {
    if at == end {
        return Some(Typed::Null);
    }
    let tag = *bytes.get(at)?;
    let at = at + 1;
    if tag & 7 == 2 {
        let (length, start) = varint::read(bytes, at)?;
        if length != (end.checked_sub(start)?) as u64 {
            return None;
        }
        let inner = bytes.get(start..end)?;
        return match (tag >> 3, layout) {
            (2, _) | (7..=9, Layout::V1) => Some(Typed::Text(inner)),
            (10 | 11, Layout::V1) => Some(Typed::Text(inner)),
            (4 | 6, _) => Some(Typed::Digits(inner)),
            (12, _) => Some(Typed::Json(inner)),
            (10, Layout::V2) => usual_moment(bytes, start, end),
            (11, Layout::V2) => usual_clock(bytes, start, end),
            _ => None,
        };
    }
    let (value, after) = match tag {
        0x29 => {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk)?;
            (u64::from_le_bytes(*word), at + 8)
        }
        _ => varint::read(bytes, at)?,
    };
    if after != end {
        return None;
    }
    number(tag, value, layout)
}

/// The value of a field that is a number, by its tag.
#[inline(always)]
fn number(tag: u8, value: u64, layout: Layout) -> Option<Typed<'static>> {
    Some(match (tag, layout) {
        (0x18, Layout::V2) => Typed::Integer(varint::unzigzag(value)),
        (0x18, Layout::V1) => Typed::Integer(value.cast_signed()),
        (0x29, _) => Typed::Number(f64::from_bits(value)),
        (0x08, _) => Typed::Boolean(value != 0),
        (0x38, Layout::V2) => Typed::Date(varint::unzigzag(value)),
        (0x48, Layout::V2) => Typed::Time {
            nanos: value,
            offset: None,
        },
        (0x68, _) => Typed::Null,
        _ => return None,
    })
}

/// Seconds, nanoseconds unless they are 0, and the zone unless it is UTC.
#[inline(always)]
fn usual_moment(bytes: &[u8], mut at: usize, end: usize) -> Option<Typed<'static>> {
    let (mut seconds, mut nanos, mut offset) = (0, 0, 0);
    if at < end && bytes.get(at) == Some(&0x08) {
        let (value, after) = varint::read(bytes, at + 1)?;
        (seconds, at) = (varint::unzigzag(value), after);
    }
    if at < end && bytes.get(at) == Some(&0x10) {
        let (value, after) = varint::read(bytes, at + 1)?;
        (nanos, at) = (u32::try_from(value).ok()?, after);
    }
    if at < end && bytes.get(at) == Some(&0x18) {
        let (value, after) = varint::read(bytes, at + 1)?;
        (offset, at) = (i32::try_from(varint::unzigzag(value)).ok()?, after);
    }
    (at == end).then_some(Typed::Moment {
        seconds,
        nanos,
        offset,
    })
}

#[inline(always)]
fn usual_clock(bytes: &[u8], mut at: usize, end: usize) -> Option<Typed<'static>> {
    let (mut days, mut nanos) = (0, 0);
    if at < end && bytes.get(at) == Some(&0x08) {
        let (value, after) = varint::read(bytes, at + 1)?;
        (days, at) = (varint::unzigzag(value), after);
    }
    if at < end && bytes.get(at) == Some(&0x10) {
        (nanos, at) = varint::read(bytes, at + 1)?;
    }
    (at == end).then_some(Typed::Clock { days, nanos })
}

/// Any legal message: of several cases the last counts, what is unknown is passed over, and no case at all is
/// null.
#[inline(never)]
fn read_any(bytes: &[u8], at: usize, end: usize, layout: Layout) -> Result<Typed<'_>, Fault> {
    let mut found = Typed::Null;
    let mut fields = Fields::new(bytes, at, end);
    while let Some((case, field)) = fields.next()? {
        let text = match field {
            Field::Bytes(start, end) => Some(bytes.get(start..end).ok_or(cut_off(start))?),
            _ => None,
        };
        let value = match (case, layout, field, text) {
            (2, _, _, Some(text)) | (7..=11, Layout::V1, _, Some(text)) => Some(Typed::Text(text)),
            (4 | 6, _, _, Some(text)) => Some(Typed::Digits(text)),
            (12, _, _, Some(text)) => Some(Typed::Json(text)),
            (8, Layout::V2, Field::Bytes(start, end), _) => {
                let [nanos, offset, _] = numbers(bytes, start, end)?;
                let offset = Some(clamp(varint::unzigzag(offset)));
                Some(Typed::Time { nanos, offset })
            }
            (10, Layout::V2, Field::Bytes(start, end), _) => {
                let [seconds, nanos, offset] = numbers(bytes, start, end)?;
                Some(Typed::Moment {
                    seconds: varint::unzigzag(seconds),
                    nanos: u32::try_from(nanos).unwrap_or(u32::MAX),
                    offset: clamp(varint::unzigzag(offset)),
                })
            }
            (11, Layout::V2, Field::Bytes(start, end), _) => {
                let [days, nanos, _] = numbers(bytes, start, end)?;
                let days = varint::unzigzag(days);
                Some(Typed::Clock { days, nanos })
            }
            (13, ..) => Some(Typed::Null),
            (5, _, Field::Fixed64(value), _) => number(0x29, value, layout),
            (1..=9, _, Field::Varint(value), _) => number((case as u8) << 3, value, layout),
            _ => None,
        };
        match value {
            Some(value) => found = value,
            // A case of ours in a type of the other layout: no value can be made of it.
            None if (1..=13).contains(&case) => {
                return Err(Fault {
                    at,
                    what: "a value is not of the form that its case has in this version of the data channel",
                });
            }
            None => {}
        }
    }
    Ok(found)
}

fn clamp(value: i64) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The first three fields of a message of numbers.
fn numbers(bytes: &[u8], at: usize, end: usize) -> Result<[u64; 3], Fault> {
    let mut found = [0; 3];
    let mut fields = Fields::new(bytes, at, end);
    while let Some((number, field)) = fields.next()? {
        if let (1..=3, Field::Varint(value)) = (number, field) {
            found[number as usize - 1] = value;
        }
    }
    Ok(found)
}
