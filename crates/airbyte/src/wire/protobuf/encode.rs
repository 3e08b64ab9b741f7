//! One value, written.

use crossdock_core::convert::{Fit, Typed};
use crossdock_core::schema::DataType;

use super::Layout;
use super::varint::{self, zigzag};

/// A null: read as one by both of the forms that readers have of it.
pub(super) const NULL: [u8; 4] = [0x2a, 0x02, 0x68, 0x01];

/// Appends a value as the next one of a record, in the case that a property of type `data_type` has.
/// `false`, and nothing appended, if the value has no form there.
#[inline(always)]
pub(super) fn write(
    out: &mut Vec<u8>,
    layout: Layout,
    data_type: DataType,
    value: Typed<'_>,
) -> bool {
    match value {
        Typed::Null => out.extend_from_slice(&NULL),
        Typed::Boolean(value) => put(out, boolean(value)),
        Typed::Text(text) => bytes(out, TEXT, text),
        Typed::Json(text) => bytes(out, JSON, text),
        Typed::Integer(value) => put(out, integer(layout, value)),
        Typed::Number(value) => match double(value) {
            Some(value) => put(out, value),
            None => return false,
        },
        Typed::Digits(text) => {
            let tag = if data_type == DataType::Integer {
                0x22
            } else {
                0x32
            };
            bytes(out, tag, text);
        }
        _ => return time(out, layout, value),
    }
    true
}

/// The same, and a null in place of what has no form there: how much of the value, of which `fit` is here, stands
/// there then.
#[inline(always)]
pub(super) fn fitting(
    out: &mut Vec<u8>,
    layout: Layout,
    data_type: DataType,
    value: Typed<'_>,
    fit: Fit,
) -> Fit {
    if write(out, layout, data_type, value) {
        return fit;
    }
    out.extend_from_slice(&NULL);
    Fit::Nothing
}

/// A day or a time, in one of two quite different forms.
#[inline(always)]
fn time(out: &mut Vec<u8>, layout: Layout, value: Typed<'_>) -> bool {
    if layout == Layout::V1 {
        return time_as_text(out, value);
    }
    let long = match value {
        Typed::Date(days) => [date(days), (0, 0)],
        Typed::Time {
            nanos,
            offset: None,
        } => [time_of_day(nanos), (0, 0)],
        Typed::Moment {
            seconds,
            nanos,
            offset: 0,
        } => moment(seconds, nanos),
        Typed::Clock { days, nanos } => clock(days, nanos),
        Typed::Time {
            nanos,
            offset: Some(offset),
        } => {
            zoned(out, 0x42, [nanos, zigzag(offset.into()), 0]);
            return true;
        }
        Typed::Moment {
            seconds,
            nanos,
            offset,
        } => {
            let values = [zigzag(seconds), nanos.into(), zigzag(offset.into())];
            zoned(out, 0x52, values);
            return true;
        }
        _ => return false,
    };
    let [first, second] = long;
    put(out, first);
    put(out, second);
    true
}

#[inline(never)]
fn time_as_text(out: &mut Vec<u8>, value: Typed<'_>) -> bool {
    let tag = match value {
        Typed::Date(_) => 0x3a,
        Typed::Time {
            offset: Some(_), ..
        } => 0x42,
        Typed::Time { offset: None, .. } => 0x4a,
        Typed::Moment { .. } => 0x52,
        Typed::Clock { .. } => 0x5a,
        _ => return false,
    };
    let start = out.len();
    // No such text is as long as 126 bytes.
    out.extend_from_slice(&[0x2a, 0, tag, 0]);
    if !value.write_time(out) {
        out.truncate(start);
        return false;
    }
    let length = (out.len() - start - 4) as u8;
    out[start + 1] = length + 2;
    out[start + 3] = length;
    true
}

/// A value of no more than 16 bytes, the first one lowest, and how many it has. It stays in registers.
pub(super) type Short = (u128, usize);

/// The same in two parts, of which the second may be of no bytes.
pub(super) type Long = [Short; 2];

#[inline(always)]
fn put(out: &mut Vec<u8>, (bytes, length): Short) {
    varint::put(out, &bytes.to_le_bytes(), length);
}

#[inline(always)]
pub(super) fn null() -> Short {
    (u32::from_le_bytes(NULL).into(), NULL.len())
}

#[inline(always)]
pub(super) fn boolean(value: bool) -> Short {
    (
        u32::from_le_bytes([0x2a, 0x02, 0x08, u8::from(value)]).into(),
        4,
    )
}

#[inline(always)]
pub(super) fn integer(layout: Layout, value: i64) -> Short {
    let value = match layout {
        Layout::V1 => value.cast_unsigned(),
        Layout::V2 => zigzag(value),
    };
    number(0x18, value)
}

/// `None` for what is no number.
#[inline(always)]
pub(super) fn double(value: f64) -> Option<Short> {
    let bytes = u128::from(value.to_bits()) << 24 | 0x29_09_2a;
    value.is_finite().then_some((bytes, 11))
}

/// A day, in the newer layout.
#[inline(always)]
pub(super) fn date(days: i64) -> Short {
    number(0x38, zigzag(days))
}

/// The time of a day in no zone, in the newer layout.
#[inline(always)]
pub(super) fn time_of_day(nanos: u64) -> Short {
    number(0x48, nanos)
}

/// A moment, as a clock in UTC shows it, in the newer layout.
#[inline(always)]
pub(super) fn moment(seconds: i64, nanos: u32) -> Long {
    numbers(0x52, zigzag(seconds), nanos.into())
}

/// A day and the time of it in no zone, in the newer layout.
#[inline(always)]
pub(super) fn clock(days: i64, nanos: u64) -> Long {
    numbers(0x5a, zigzag(days), nanos)
}

#[inline(always)]
fn number(tag: u8, value: u64) -> Short {
    let (bytes, length) = varint::spread(value);
    let head = [0x2a, length as u8 + 1, tag, 0];
    // Ten bytes of a number and three before them: there is room for all.
    let all = bytes << 24 | u128::from(u32::from_le_bytes(head));
    (all, length + 3)
}

/// A message of two numbers; what is zero is not written.
#[inline(always)]
fn numbers(tag: u8, first: u64, second: u64) -> Long {
    let (first, second) = (member(0x08, first), member(0x10, second));
    let length = (first.1 + second.1) as u8;
    let head = u32::from_le_bytes([0x2a, length + 2, tag, length]);
    // Eleven bytes of a number and its tag, and four before them.
    [(first.0 << 32 | u128::from(head), first.1 + 4), second]
}

/// A number with its tag.
#[inline(always)]
fn member(tag: u8, value: u64) -> Short {
    let (bytes, length) = varint::spread(value);
    match value {
        0 => (0, 0),
        _ => (bytes << 8 | u128::from(tag), length + 1),
    }
}

/// A time with a zone, of three numbers: those that are zero are not written.
#[inline(never)]
fn zoned(out: &mut Vec<u8>, tag: u8, values: [u64; 3]) {
    let start = out.len();
    out.extend_from_slice(&[0x2a, 0, tag, 0]);
    for (tag, value) in [0x08, 0x10, 0x18].into_iter().zip(values) {
        put(out, member(tag, value));
    }
    // Three numbers take 33 bytes at most.
    let length = (out.len() - start - 4) as u8;
    out[start + 1] = length + 2;
    out[start + 3] = length;
}

/// How long the texts are that are copied in one step, whatever their length.
pub(super) const STEP: usize = 64;

/// The cases of texts and of JSON texts.
pub(super) const TEXT: u8 = 0x12;
pub(super) const JSON: u8 = 0x62;

/// How many bytes a text of this length takes.
#[inline(always)]
pub(super) fn text_length(length: usize) -> usize {
    if length < 126 {
        return 4 + length;
    }
    let inner = 1 + varint::length(length as u64) + length;
    1 + varint::length(inner as u64) + inner
}

#[inline(always)]
fn bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    text_head(out, bytes.len(), tag);
    out.extend_from_slice(bytes);
}

/// Appends what stands before a text of this length.
#[inline(always)]
pub(super) fn text_head(out: &mut Vec<u8>, length: usize, tag: u8) {
    if length < 126 {
        out.extend_from_slice(&[0x2a, length as u8 + 2, tag, length as u8]);
    } else {
        out.push(0x2a);
        varint::write(out, (1 + varint::length(length as u64) + length) as u64);
        out.push(tag);
        varint::write(out, length as u64);
    }
}
