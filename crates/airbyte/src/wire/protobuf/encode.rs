//! One value, written.

use crossdock_core::convert::Typed;
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
        Typed::Boolean(value) => out.extend_from_slice(&[0x2a, 0x02, 0x08, u8::from(value)]),
        Typed::Text(text) => bytes(out, 0x12, text),
        Typed::Json(text) => bytes(out, 0x62, text),
        Typed::Integer(value) => number(
            out,
            0x18,
            match layout {
                Layout::V1 => value.cast_unsigned(),
                Layout::V2 => zigzag(value),
            },
        ),
        Typed::Number(value) if value.is_finite() => {
            let [a, b, c, d, e, f, g, h] = value.to_le_bytes();
            out.extend_from_slice(&[0x2a, 0x09, 0x29, a, b, c, d, e, f, g, h]);
        }
        Typed::Number(_) => return false,
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

/// A day or a time, in one of two quite different forms.
#[inline(always)]
fn time(out: &mut Vec<u8>, layout: Layout, value: Typed<'_>) -> bool {
    if layout == Layout::V1 {
        return time_as_text(out, value);
    }
    match value {
        Typed::Date(days) => number(out, 0x38, zigzag(days)),
        Typed::Time {
            nanos,
            offset: None,
        } => number(out, 0x48, nanos),
        Typed::Time {
            nanos,
            offset: Some(offset),
        } => numbers(out, 0x42, [nanos, zigzag(offset.into()), 0]),
        Typed::Moment {
            seconds,
            nanos,
            offset,
        } => numbers(
            out,
            0x52,
            [zigzag(seconds), nanos.into(), zigzag(offset.into())],
        ),
        Typed::Clock { days, nanos } => numbers(out, 0x5a, [zigzag(days), nanos, 0]),
        _ => return false,
    }
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

#[inline(always)]
fn number(out: &mut Vec<u8>, tag: u8, value: u64) {
    let (bytes, length) = varint::spread(value);
    let head = [0x2a, length as u8 + 1, tag, 0];
    // Ten bytes of a number and three before them: there is room for all.
    let all = bytes << 24 | u128::from(u32::from_le_bytes(head));
    varint::put(out, &all.to_le_bytes(), length + 3);
}

/// A message of three numbers; what is zero is not written.
#[inline(always)]
fn numbers(out: &mut Vec<u8>, tag: u8, values: [u64; 3]) {
    let start = out.len();
    out.extend_from_slice(&[0x2a, 0, tag, 0]);
    for (tag, value) in [0x08, 0x10, 0x18].into_iter().zip(values) {
        if value != 0 {
            let (bytes, length) = varint::spread(value);
            let all = bytes << 8 | tag;
            varint::put(out, &all.to_le_bytes(), length + 1);
        }
    }
    // Three numbers take 33 bytes at most.
    let length = (out.len() - start - 4) as u8;
    out[start + 1] = length + 2;
    out[start + 3] = length;
}

/// How long the texts are that are written in one step, whatever their length.
pub(super) const STEP: usize = 64;

/// Appends a text, or with `is_json` one of JSON, that stands at the start of `ahead`. What follows it there lets
/// short ones be copied in one step.
#[inline(always)]
pub(super) fn text_ahead(out: &mut Vec<u8>, ahead: &[u8], length: usize, is_json: bool) {
    let tag = if is_json { 0x62 } else { 0x12 };
    match ahead.first_chunk::<STEP>() {
        Some(step) if length <= STEP => {
            out.extend_from_slice(&[0x2a, length as u8 + 2, tag, length as u8]);
            varint::put(out, step, length);
        }
        _ => bytes(out, tag, &ahead[..length]),
    }
}

#[inline(always)]
fn bytes(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    let length = bytes.len();
    if length < 126 {
        out.extend_from_slice(&[0x2a, length as u8 + 2, tag, length as u8]);
    } else {
        out.push(0x2a);
        varint::write(out, (1 + varint::length(length as u64) + length) as u64);
        out.push(tag);
        varint::write(out, length as u64);
    }
    out.extend_from_slice(bytes);
}
