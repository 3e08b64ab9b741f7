//! One value of a record into its column: [`read_usual`] takes the usual form of the column's type
//! in one pass over the bytes, [`read_unusual`] everything else that sources send.

use std::borrow::Cow;

use super::change::Change;
use super::column::{Column, Overflow, Texts, Values};
use super::nested::{self, Checked};
use super::number;
use super::text::{copy_plain, decode_base64, unescape, unescape_into};
use super::time::{self, Reading};
use crate::json::scan::{ScanError, skip_value};

/// Why a record cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not a JSON object.
    Scan(ScanError),
    /// A column is full.
    Overflow,
}

impl Fault {
    /// The fault of a record of `end` bytes, found in a text that goes on behind it.
    pub(super) fn within(self, end: usize) -> Self {
        match self {
            Self::Scan(ScanError { at, expected }) => Self::Scan(ScanError {
                at: at.min(end),
                expected,
            }),
            Self::Overflow => self,
        }
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        Self::Scan(error)
    }
}

impl From<Overflow> for Fault {
    fn from(Overflow: Overflow) -> Self {
        Self::Overflow
    }
}

/// Whether a value that reaches to `end` ends there.
fn ends(text: &[u8], end: usize) -> bool {
    matches!(
        text.get(end),
        Some(b',' | b'}' | b' ' | b'\t' | b'\n' | b'\r')
    )
}

/// Adds the value that starts at `at` to the column, if it has the usual form of the column's
/// type, and returns the offset after it, where the caller must find the end of the value. `None`
/// is no verdict: see [`read_unusual`], or [`super::structured`] for columns with parts.
#[inline(always)]
pub(super) fn read_usual(column: &mut Column, text: &[u8], at: usize) -> Option<usize> {
    let end = match &mut column.values {
        Values::Text(texts) => {
            if text.get(at) != Some(&b'"') {
                return None;
            }
            let Some(stop) = copy_plain(text, at + 1, &mut texts.bytes) else {
                texts.abandon();
                return None;
            };
            texts.close().ok()?;
            stop + 1
        }
        Values::Integer(values) => {
            let (value, end) = match number::few_digit_integer(text, at) {
                Some(few) => few,
                None => {
                    let (decimal, end) = number::scan(text, at)?;
                    (decimal.short_integer()?, end)
                }
            };
            values.push(value);
            end
        }
        Values::Number(values) => {
            let (value, end) = match number::few_digit_double(text, at) {
                Some(few) => few,
                None => number::many_digit_double(text, at)?,
            };
            values.push(value);
            end
        }
        Values::Boolean(values) => {
            // Both words in one comparison each, since which one comes nobody can guess.
            let word = u64::from_le_bytes(*text.get(at..)?.first_chunk()?);
            let (is_true, is_false) = (
                word & 0xffff_ffff == u64::from_le_bytes(*b"true\0\0\0\0"),
                word & 0xff_ffff_ffff == u64::from_le_bytes(*b"false\0\0\0"),
            );
            if !(is_true | is_false) {
                return None;
            }
            values.push(is_true);
            at + 5 - usize::from(is_true)
        }
        Values::Timestamp { micros, zoned } => {
            let (b'"', rest) = text.get(at..)?.split_first()? else {
                return None;
            };
            let (value, length) = time::short_timestamp(rest, *zoned)?;
            micros.push(value);
            at + length + 2
        }
        Values::Date(values) => {
            let (b'"', rest) = text.get(at..)?.split_first()? else {
                return None;
            };
            let days = i32::try_from(time::short_date(rest)?).ok()?;
            if rest.get(10) != Some(&b'"') {
                return None;
            }
            values.push(days);
            at + 12
        }
        Values::Json(texts) => {
            if *text.get(at)? == b'n' {
                return None;
            }
            let checked = nested::check(text, at)?;
            if !checked.is_clean() {
                return None;
            }
            let value = std::str::from_utf8(&text[at..checked.end]).ok()?;
            texts.bytes.extend_from_slice(value.as_bytes());
            texts.close().ok()?;
            checked.end
        }
        Values::Binary(_) | Values::Time(_) | Values::Struct(_) | Values::List(_) => return None,
    };
    column.filled += 1;
    Some(end)
}

/// Adds the value that starts at `at` to the column, whatever it is. Returns the offset after it
/// and what had to be changed.
#[inline(never)]
pub(super) fn read_unusual(
    column: &mut Column,
    text: &[u8],
    at: usize,
) -> Result<(usize, Option<Change>), Fault> {
    if text.get(at..at + 4) == Some(b"null") && ends(text, at + 4) {
        column.push_null()?;
        return Ok((at + 4, None));
    }
    let end = skip_value(text, at)?;
    let (token, garbled) = valid(&text[at..end]);
    match push_token(&mut column.values, &token)? {
        Pushed::Value(change) => {
            let is_text = matches!(column.values, Values::Text(_) | Values::Json(_));
            let garbled = (garbled && is_text).then_some(Change::Garbled);
            column.filled += 1;
            Ok((end, change.or(garbled)))
        }
        Pushed::Nothing(change) => {
            column.push_null()?;
            Ok((end, change))
        }
    }
}

/// The text with U+FFFD for what is not UTF-8, and whether there was such.
pub(super) fn valid(text: &[u8]) -> (Cow<'_, [u8]>, bool) {
    if text.is_ascii() {
        return (Cow::Borrowed(text), false);
    }
    match String::from_utf8_lossy(text) {
        Cow::Borrowed(_) => (Cow::Borrowed(text), false),
        Cow::Owned(valid) => (Cow::Owned(valid.into_bytes()), true),
    }
}

/// What a value turned out to be.
enum Token<'a> {
    Null,
    Boolean(bool),
    Number,
    /// The text between the quotes, escapes and all.
    String(&'a [u8]),
    Nested(Checked),
    /// Nothing that JSON knows.
    Unknown,
}

fn classify(token: &[u8]) -> Token<'_> {
    match token {
        b"null" => Token::Null,
        b"true" => Token::Boolean(true),
        b"false" => Token::Boolean(false),
        [b'"', inner @ .., b'"'] => Token::String(inner),
        [b'{' | b'[', ..] => match nested::check(token, 0) {
            Some(checked) if checked.end == token.len() => Token::Nested(checked),
            _ => Token::Unknown,
        },
        _ if number::parse(token).is_some() => Token::Number,
        _ => Token::Unknown,
    }
}

/// What became of a value.
enum Pushed {
    /// The column has a new value.
    Value(Option<Change>),
    /// It has not, and must get a null.
    Nothing(Option<Change>),
}

const MISFIT: Pushed = Pushed::Nothing(Some(Change::Misfit));
const NO_VALUE: Pushed = Pushed::Nothing(Some(Change::NoValue));

fn push_token(values: &mut Values, token: &[u8]) -> Result<Pushed, Overflow> {
    let kind = match classify(token) {
        Token::Null => return Ok(Pushed::Nothing(None)),
        Token::Unknown => return Ok(NO_VALUE),
        kind => kind,
    };
    Ok(match values {
        Values::Text(texts) => push_text(texts, token, &kind)?,
        Values::Json(texts) => push_json(texts, token)?,
        Values::Binary(texts) => push_binary(texts, &kind)?,
        Values::Boolean(values) => match kind {
            Token::Boolean(value) => {
                values.push(value);
                Pushed::Value(None)
            }
            _ => MISFIT,
        },
        Values::Integer(values) => match kind {
            Token::Number => push(values, number::integer(token)),
            Token::String(inner) if number::is_canonical_integer(inner) => {
                push(values, number::integer(inner))
            }
            _ => MISFIT,
        },
        Values::Number(values) => {
            let digits = match kind {
                Token::Number => token,
                Token::String(inner) if number::parse(inner).is_some() => inner,
                _ => return Ok(MISFIT),
            };
            let reading = number::double(digits);
            push_reading(
                values,
                reading.map(|(value, exact)| Reading { value, exact }),
            )
        }
        Values::Date(values) => push_reading(values, text_of(&kind, time::date)),
        Values::Time(values) => push_reading(values, text_of(&kind, time::time_of_day)),
        Values::Timestamp { micros, zoned } => {
            push_reading(micros, text_of(&kind, |text| time::timestamp(text, *zoned)))
        }
        // These have parts: see `structured`.
        Values::Struct(_) | Values::List(_) => MISFIT,
    })
}

fn push<T>(values: &mut Vec<T>, value: Option<T>) -> Pushed {
    push_reading(values, value.map(|value| Reading { value, exact: true }))
}

fn push_reading<T>(values: &mut Vec<T>, reading: Option<Reading<T>>) -> Pushed {
    let Some(Reading { value, exact }) = reading else {
        return MISFIT;
    };
    values.push(value);
    Pushed::Value((!exact).then_some(Change::Cut))
}

fn text_of<T>(kind: &Token<'_>, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let Token::String(inner) = kind else {
        return None;
    };
    let (text, _) = unescape(inner).ok()?;
    read(&text)
}

/// Anything goes into a text column: what is not a string as its JSON text, digits and all.
fn push_text(texts: &mut Texts, token: &[u8], kind: &Token<'_>) -> Result<Pushed, Overflow> {
    let mut change = None;
    match kind {
        Token::String(inner) => match unescape_into(inner, &mut texts.bytes) {
            Ok(garbled) => change = garbled.then_some(Change::Garbled),
            Err(_) => {
                texts.abandon();
                return Ok(NO_VALUE);
            }
        },
        Token::Nested(checked) => {
            nested::copy(token, *checked, &mut texts.bytes);
            change = checked.change();
        }
        _ => texts.bytes.extend_from_slice(token),
    }
    texts.close()?;
    Ok(Pushed::Value(change))
}

fn push_json(texts: &mut Texts, token: &[u8]) -> Result<Pushed, Overflow> {
    let Some(checked) = nested::check(token, 0).filter(|checked| checked.end == token.len()) else {
        return Ok(NO_VALUE);
    };
    nested::copy(token, checked, &mut texts.bytes);
    texts.close()?;
    Ok(Pushed::Value(checked.change()))
}

fn push_binary(texts: &mut Texts, kind: &Token<'_>) -> Result<Pushed, Overflow> {
    let start = texts.bytes.len();
    let decoded = text_of(kind, |text| {
        decode_base64(text, &mut texts.bytes).then_some(())
    });
    if decoded.is_none() {
        texts.bytes.truncate(start);
        return Ok(MISFIT);
    }
    texts.close()?;
    Ok(Pushed::Value(None))
}
