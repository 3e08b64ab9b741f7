//! Values of wires that have types of their own (protobuf, say), between which and batches no JSON
//! text need stand: [`Typed`] into columns ([`TypedToColumns`](super::TypedToColumns)), into rows
//! ([`TypedToRows`](super::TypedToRows)), and out of the JSON values of rows ([`Typed::of_json`]).

use super::change::Change;
use super::text::{decode_base64, unescape_into, write_base64, write_string};
use super::time::precise::{self, NANOS_PER_DAY, Stamp};
use super::{cell, nested, number, time};
use crate::schema::DataType;

/// A value as such a wire says it. Texts are bytes that may turn out not to be UTF-8, numbers and JSON
/// texts that may turn out to be none: whoever takes a value checks it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Typed<'a> {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// Text.
    Text(&'a [u8]),
    /// A whole number.
    Integer(i64),
    /// A double.
    Number(f64),
    /// A number by its digits, as JSON writes it: whole ones beyond 64 bits, exact decimals.
    Digits(&'a [u8]),
    /// Days since 1970-01-01.
    Date(i64),
    /// A time of day.
    Time {
        /// Nanoseconds since midnight.
        nanos: u64,
        /// Seconds east of UTC.
        offset: Option<i32>,
    },
    /// A moment.
    Moment {
        /// Seconds since the epoch, UTC.
        seconds: i64,
        /// Nanoseconds of the second.
        nanos: u32,
        /// Seconds east of UTC of the clock that it was read from.
        offset: i32,
    },
    /// What a clock without a zone showed.
    Clock {
        /// Days since 1970-01-01.
        days: i64,
        /// Nanoseconds since midnight.
        nanos: u64,
    },
    /// JSON text.
    Json(&'a [u8]),
}

/// How much of a value fits where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// All of it.
    Whole,
    /// Not all digits, or not as valid text.
    Cut,
    /// Nothing: there is a null instead.
    Nothing,
}

/// Zones lie within so many seconds of UTC.
const FARTHEST_ZONE: i32 = 18 * 3600;

/// The clock of a moment's own zone; `None` where year, second or zone make no sense.
fn stamp(value: Typed<'_>) -> Option<Stamp> {
    let stamp = match value {
        Typed::Moment {
            seconds,
            nanos,
            offset,
        } if nanos < 1_000_000_000 => {
            // Zones of broken minutes, as some had before 1900, have no text.
            let has_text = offset.abs() <= FARTHEST_ZONE && offset % 60 == 0;
            let offset = if has_text { offset } else { 0 };
            let local = seconds.checked_add(i64::from(offset))?;
            Stamp {
                days: local.div_euclid(86_400),
                nanos: local.rem_euclid(86_400) * 1_000_000_000 + i64::from(nanos),
                offset: Some(offset),
            }
        }
        Typed::Clock { days, nanos } => Stamp {
            days,
            nanos: within_a_day(nanos)?,
            offset: None,
        },
        _ => return None,
    };
    i32::try_from(stamp.days).is_ok().then_some(stamp)
}

fn within_a_day(nanos: u64) -> Option<i64> {
    i64::try_from(nanos).ok().filter(|n| *n < NANOS_PER_DAY)
}

impl<'a> Typed<'a> {
    /// Appends the text of a date, time, moment or clock, in the form of Airbyte §1.9. `false`, and
    /// nothing written, if there is no such day or time, or if the value is of another kind.
    pub fn write_time(&self, out: &mut Vec<u8>) -> bool {
        match *self {
            Self::Date(days) if i32::try_from(days).is_ok() => time::write_date(out, days),
            Self::Time { nanos, offset } => {
                let Some(nanos) = within_a_day(nanos) else {
                    return false;
                };
                if offset.is_some_and(|o| o.abs() > FARTHEST_ZONE || o % 60 != 0) {
                    return false;
                }
                precise::write_clock(out, nanos, offset);
            }
            Self::Moment { .. } | Self::Clock { .. } => match stamp(*self) {
                Some(stamp) => precise::write_stamp(out, stamp),
                None => return false,
            },
            _ => return false,
        }
        true
    }

    /// Appends the value as JSON text on one line; `null` for what JSON has no value for.
    pub(super) fn write_json(&self, out: &mut Vec<u8>) -> Option<Change> {
        match *self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(true) => out.extend_from_slice(b"true"),
            Self::Boolean(false) => out.extend_from_slice(b"false"),
            Self::Text(text) => {
                let (valid, garbled) = cell::valid(text);
                write_string(out, &valid);
                return garbled.then_some(Change::Garbled);
            }
            Self::Integer(value) => {
                out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
            }
            Self::Number(value) if value.is_finite() => {
                out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
            }
            Self::Digits(text) if number::parse(text).is_some() => out.extend_from_slice(text),
            Self::Json(text) => return write_checked(text, out),
            Self::Date(_) | Self::Time { .. } | Self::Moment { .. } | Self::Clock { .. } => {
                let start = out.len();
                out.push(b'"');
                if self.write_time(out) {
                    out.push(b'"');
                } else {
                    out.truncate(start);
                    return no_value(out);
                }
            }
            Self::Number(_) | Self::Digits(_) => return no_value(out),
        }
        None
    }

    /// The value of type `data_type` that a JSON value, `token`, stands for, with all of its digits;
    /// lenient as [`RowsToColumns`](super::RowsToColumns) is. What cannot be borrowed from `token` is written
    /// to `scratch`.
    pub fn of_json(data_type: DataType, token: &'a [u8], scratch: &'a mut Vec<u8>) -> (Self, Fit) {
        if token == b"null" {
            return (Self::Null, Fit::Whole);
        }
        scratch.clear();
        let found = match data_type {
            DataType::String => text(token, scratch),
            DataType::Json => json(token, scratch),
            DataType::Binary => binary(token, scratch),
            DataType::Boolean => boolean(token),
            DataType::Integer => integer(token),
            DataType::Number => double(token),
            DataType::Date
            | DataType::TimeWithTimezone
            | DataType::TimeWithoutTimezone
            | DataType::TimestampWithTimezone
            | DataType::TimestampWithoutTimezone => {
                let inner = unquoted(token, scratch);
                inner.and_then(|inner| in_time(data_type, inner))
            }
        };
        found.unwrap_or((Self::Null, Fit::Nothing))
    }
}

fn no_value(out: &mut Vec<u8>) -> Option<Change> {
    out.extend_from_slice(b"null");
    Some(Change::NoValue)
}

/// JSON text goes out as it came, on one line; what is none becomes `null`.
fn write_checked(text: &[u8], out: &mut Vec<u8>) -> Option<Change> {
    let text = text.trim_ascii();
    let (text, garbled) = cell::valid(text);
    match nested::check(&text, 0) {
        Some(checked) if checked.end == text.len() => {
            nested::copy(&text, checked, out);
            checked.change().or(garbled.then_some(Change::Garbled))
        }
        _ => no_value(out),
    }
}

/// What stands between the quotes, escapes resolved. `None` if it is no string.
fn unquoted<'a>(token: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    let inner = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if memchr::memchr(b'\\', inner).is_none() {
        return Some(inner);
    }
    unescape_into(inner, scratch).ok()?;
    Some(scratch)
}

fn text<'a>(token: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<(Typed<'a>, Fit)> {
    let Some(inner) = token
        .strip_prefix(b"\"")
        .and_then(|t| t.strip_suffix(b"\""))
    else {
        // Anything else as its JSON text, digits and all.
        let (Typed::Json(text), fit) = json(token, scratch)? else {
            return None;
        };
        return Some((Typed::Text(text), fit));
    };
    let (valid, mut garbled) = cell::valid(inner);
    if !garbled && memchr::memchr(b'\\', inner).is_none() {
        return Some((Typed::Text(inner), Fit::Whole));
    }
    garbled |= unescape_into(&valid, scratch).ok()?;
    Some((Typed::Text(scratch), fit(!garbled)))
}

fn fit(whole: bool) -> Fit {
    if whole { Fit::Whole } else { Fit::Cut }
}

fn json<'a>(token: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<(Typed<'a>, Fit)> {
    let (valid, garbled) = cell::valid(token);
    let checked = nested::check(&valid, 0).filter(|checked| checked.end == valid.len())?;
    if checked.non_finite && !matches!(token.first(), Some(b'{' | b'[')) {
        return None;
    }
    if !garbled && checked.is_clean() {
        return Some((Typed::Json(token), Fit::Whole));
    }
    nested::copy(&valid, checked, scratch);
    let whole = !garbled && checked.change().is_none();
    Some((Typed::Json(scratch), fit(whole)))
}

/// Bytes are a JSON string of base64, of the standard alphabet and padded.
fn binary<'a>(token: &'a [u8], scratch: &'a mut Vec<u8>) -> Option<(Typed<'a>, Fit)> {
    let inner = token.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut bytes = Vec::new();
    if decode_base64(inner, &mut bytes) {
        let plain = inner.len().is_multiple_of(4) && memchr::memchr2(b'-', b'_', inner).is_none();
        if plain {
            return Some((Typed::Json(token), Fit::Whole));
        }
    } else {
        bytes.clear();
        let mut text = Vec::new();
        unescape_into(inner, &mut text).ok()?;
        if !decode_base64(&text, &mut bytes) {
            return None;
        }
    }
    scratch.push(b'"');
    write_base64(scratch, &bytes);
    scratch.push(b'"');
    Some((Typed::Json(scratch), Fit::Whole))
}

fn boolean(token: &[u8]) -> Option<(Typed<'_>, Fit)> {
    let value = match token {
        b"true" => true,
        b"false" => false,
        _ => return None,
    };
    Some((Typed::Boolean(value), Fit::Whole))
}

/// A number's text, or that in a string.
fn digits(token: &[u8]) -> &[u8] {
    let inner = token
        .strip_prefix(b"\"")
        .and_then(|t| t.strip_suffix(b"\""));
    inner.unwrap_or(token)
}

fn integer(token: &[u8]) -> Option<(Typed<'_>, Fit)> {
    let text = digits(token);
    if text.len() != token.len() && !number::is_canonical_integer(text) {
        return None;
    }
    let short = number::parse(text).and_then(|decimal| decimal.short_integer());
    if let Some(value) = short.or_else(|| number::integer(text)) {
        return Some((Typed::Integer(value), Fit::Whole));
    }
    number::is_canonical_integer(text).then_some((Typed::Digits(text), Fit::Whole))
}

fn double(token: &[u8]) -> Option<(Typed<'_>, Fit)> {
    let text = digits(token);
    let decimal = number::parse(text)?;
    let exact = decimal
        .short_double()
        .or_else(|| number::double(text).and_then(|(value, exact)| exact.then_some(value)));
    let value = exact.map_or(Typed::Digits(text), Typed::Number);
    Some((value, Fit::Whole))
}

fn in_time(data_type: DataType, text: &[u8]) -> Option<(Typed<'static>, Fit)> {
    let (value, exact) = match data_type {
        DataType::Date => {
            let date = time::date(text)?;
            (Typed::Date(i64::from(date.value)), date.exact)
        }
        DataType::TimeWithTimezone | DataType::TimeWithoutTimezone => {
            let zoned = data_type == DataType::TimeWithTimezone;
            let time = precise::time(text)?;
            let (nanos, offset) = time.value;
            let value = Typed::Time {
                nanos: u64::try_from(nanos).ok()?,
                // No zone means UTC, and a zone that nobody asked for is cut off.
                offset: zoned.then_some(offset.unwrap_or(0)),
            };
            (value, time.exact && (zoned || offset.unwrap_or(0) == 0))
        }
        DataType::TimestampWithTimezone => {
            let stamp = precise::stamp(text)?;
            let Stamp {
                days,
                nanos,
                offset,
            } = stamp.value;
            let offset = offset.unwrap_or(0);
            let seconds = days * 86_400 + nanos / 1_000_000_000 - i64::from(offset);
            let value = Typed::Moment {
                seconds,
                nanos: u32::try_from(nanos % 1_000_000_000).ok()?,
                offset,
            };
            (value, stamp.exact)
        }
        DataType::TimestampWithoutTimezone => {
            let stamp = precise::stamp(text)?;
            let value = Typed::Clock {
                days: stamp.value.days,
                nanos: u64::try_from(stamp.value.nanos).ok()?,
            };
            (value, stamp.exact && stamp.value.offset.unwrap_or(0) == 0)
        }
        _ => return None,
    };
    Some((value, fit(exact)))
}

#[cfg(test)]
mod tests;
