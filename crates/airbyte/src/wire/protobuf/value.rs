//! One value, read where it stands.

use crossdock_core::convert::Typed;
use crossdock_core::error::Result;

use super::Layout;
use super::field::{Fault, Field, Fields, cut_off};
use super::varint;

/// What takes the values of records.
pub(super) trait Taker {
    /// Takes the value of the place `place`.
    fn take(&mut self, place: usize, value: Typed<'_>) -> Result<()>;
}

/// Reads the message `AirbyteValueProtobuf` that stands at `at..end` of `bytes` for the place `place`.
///
/// The kinds of values part here, and each goes on to its taker as itself: so the taker's choice by kind is
/// made by the compiler.
#[inline(always)]
pub(super) fn read(
    bytes: &[u8],
    (at, end): (usize, usize),
    layout: Layout,
    place: usize,
    taker: &mut impl Taker,
) -> Result<Result<(), Fault>> {
    let Some(&tag) = bytes.get(at).filter(|_| at < end) else {
        return taker.take(place, Typed::Null).map(Ok);
    };
    let at = at + 1;
    if tag & 7 == 2 {
        if let Some((length, start)) = varint::read(bytes, at)
            && end
                .checked_sub(start)
                .is_some_and(|rest| rest as u64 == length)
            && let Some(text) = bytes.get(start..end)
        {
            match (tag, layout) {
                (TEXT, _) => return taker.take(place, Typed::Text(text)).map(Ok),
                (MOMENT, Layout::V2) => {
                    if let Some(moment) = usual_moment(bytes, start, end) {
                        return taker.take(place, moment).map(Ok);
                    }
                }
                (CLOCK, Layout::V2) => {
                    if let Some(clock) = usual_clock(bytes, start, end) {
                        return taker.take(place, clock).map(Ok);
                    }
                }
                (JSON, _) => return taker.take(place, Typed::Json(text)).map(Ok),
                (BIG_INTEGER | BIG_DECIMAL, _) => {
                    return taker.take(place, Typed::Digits(text)).map(Ok);
                }
                (OLD_DATE | OLD_TIME_ZONED | OLD_TIME | MOMENT | CLOCK, Layout::V1) => {
                    return taker.take(place, Typed::Text(text)).map(Ok);
                }
                _ => {}
            }
        }
    } else if tag == DOUBLE {
        let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
        if let (Some(word), true) = (word, at + 8 == end) {
            return taker
                .take(place, Typed::Number(f64::from_le_bytes(*word)))
                .map(Ok);
        }
    } else if let Some((value, after)) = varint::read(bytes, at)
        && after == end
    {
        match (tag, layout) {
            (INTEGER, Layout::V2) => {
                return taker
                    .take(place, Typed::Integer(varint::unzigzag(value)))
                    .map(Ok);
            }
            (INTEGER, Layout::V1) => {
                return taker
                    .take(place, Typed::Integer(value.cast_signed()))
                    .map(Ok);
            }
            (BOOLEAN, _) => return taker.take(place, Typed::Boolean(value != 0)).map(Ok),
            (NULL, _) => return taker.take(place, Typed::Null).map(Ok),
            (DATE, Layout::V2) => {
                return taker
                    .take(place, Typed::Date(varint::unzigzag(value)))
                    .map(Ok);
            }
            (TIME, Layout::V2) => {
                let time = Typed::Time {
                    nanos: value,
                    offset: None,
                };
                return taker.take(place, time).map(Ok);
            }
            _ => {}
        }
    }
    match read_any(bytes, at - 1, end, layout) {
        Ok(value) => taker.take(place, value).map(Ok),
        Err(fault) => Ok(Err(fault)),
    }
}

const BOOLEAN: u8 = 0x08;
const TEXT: u8 = 0x12;
const INTEGER: u8 = 0x18;
const BIG_INTEGER: u8 = 0x22;
const DOUBLE: u8 = 0x29;
const BIG_DECIMAL: u8 = 0x32;
const DATE: u8 = 0x38;
const OLD_DATE: u8 = 0x3a;
const OLD_TIME_ZONED: u8 = 0x42;
const TIME: u8 = 0x48;
const OLD_TIME: u8 = 0x4a;
const MOMENT: u8 = 0x52;
const CLOCK: u8 = 0x5a;
const JSON: u8 = 0x62;
const NULL: u8 = 0x68;

/// The value of a field that is a number, by its tag.
fn number(tag: u8, value: u64, layout: Layout) -> Option<Typed<'static>> {
    Some(match (tag, layout) {
        (INTEGER, Layout::V2) => Typed::Integer(varint::unzigzag(value)),
        (INTEGER, Layout::V1) => Typed::Integer(value.cast_signed()),
        (DOUBLE, _) => Typed::Number(f64::from_bits(value)),
        (BOOLEAN, _) => Typed::Boolean(value != 0),
        (DATE, Layout::V2) => Typed::Date(varint::unzigzag(value)),
        (TIME, Layout::V2) => Typed::Time {
            nanos: value,
            offset: None,
        },
        (NULL, _) => Typed::Null,
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
            (5, _, Field::Fixed64(value), _) => number(DOUBLE, value, layout),
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
