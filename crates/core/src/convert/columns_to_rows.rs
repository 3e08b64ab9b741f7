//! Columns into rows of JSON text.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{
    Array, ArrowPrimitiveType, BinaryArray, BinaryViewArray, BooleanArray, Decimal128Array,
    Decimal256Array, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray, OffsetSizeTrait,
    PrimitiveArray, StringArray, StringViewArray,
};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType as Arrow, Field, TimeUnit};
use bytes::Bytes;

use super::text::{write_base64, write_string};
use super::undeclared::Undeclared;
use super::{JSON_EXTENSION, nested, time};
use crate::batch::{Columns, RowSpans, Rows, RowsBuilder, Span};
use crate::code;
use crate::error::{Error, Result};

/// The rows of `columns`, as JSON text on one line each.
///
/// Every column is a member in every row: a null is written as `null`, since a column cannot tell
/// it from an absent one. Numbers keep all their digits; timestamps and dates are written in the
/// form of Airbyte §1.9, binary as base64, `NaN` and infinities as `null`. Text columns of
/// the extension type [`JSON_EXTENSION`] are written as the JSON that they hold. The members of the
/// object in the column `additional` are spread back into the row, and nothing is written for its
/// nulls; one that has a column's name takes the column's place.
///
/// Lists become arrays, structs and maps with text keys objects, other maps arrays of `key` and
/// `value`.
///
/// Errors: a column of a type that has no place in a record (intervals, durations, unions), one that
/// is nested deeper than 100 levels, or rows of more than 4 GiB together.
pub fn columns_to_rows(columns: &Columns, additional: Option<&str>) -> Result<Rows> {
    let fields = columns.values.schema();
    let mut members = Vec::with_capacity(columns.values.num_columns());
    let mut spread = None;
    for (field, array) in fields.fields().iter().zip(columns.values.columns()) {
        if additional == Some(field.name()) && *field.data_type() == Arrow::Utf8 {
            spread = Some(array.as_string::<i32>());
        } else {
            let member = Member::new(field, array, 0).ok_or_else(|| unwritable(field))?;
            members.push(member);
        }
    }
    let mut out = Vec::new();
    let mut rows = RowsBuilder::default();
    for row in 0..columns.len() {
        let start = out.len();
        write_row(&mut out, row, &members, spread);
        let after = span(start, out.len())?;
        let start = out.len();
        if let Some(metadata) = columns.metadata.as_ref().filter(|m| m.is_valid(row)) {
            out.extend_from_slice(metadata.value(row).as_bytes());
        }
        rows.push(RowSpans {
            after,
            metadata: span(start, out.len())?,
            emitted_at: columns.emitted_at.get(row).copied().unwrap_or_default(),
            operation: columns.operations.get(row),
            ..RowSpans::default()
        });
    }
    Ok(rows.finish(Bytes::from(out), None))
}

fn unwritable(field: &Field) -> Error {
    Error::new(
        &code::DATA_INVALID,
        "a column's type cannot be written as JSON",
    )
    .with("column", field.name())
    .with("type", field.data_type())
}

fn span(start: usize, end: usize) -> Result<Span> {
    Span::new(start, end).ok_or_else(|| {
        Error::new(
            &code::DATA_INVALID,
            "the rows of a batch would exceed 4 GiB",
        )
        .hint("slice the columns into smaller batches")
    })
}

fn write_row(out: &mut Vec<u8>, row: usize, members: &[Member<'_>], spread: Option<&StringArray>) {
    let spread = spread.filter(|spread| spread.is_valid(row));
    let undeclared = spread.and_then(|spread| Undeclared::of(spread.value(row)));
    out.push(b'{');
    let mut first = true;
    for member in members {
        // The whole value of a column that could not hold all of it.
        if undeclared.as_ref().is_some_and(|u| u.has(&member.key)) {
            continue;
        }
        // The key has a comma before it, which the first does without.
        out.extend_from_slice(&member.key[usize::from(std::mem::take(&mut first))..]);
        member.value.write(out, row);
    }
    if let Some(undeclared) = undeclared {
        if !first {
            out.push(b',');
        }
        undeclared.write(out);
    }
    out.push(b'}');
}

/// A column of the rows, or a field of a struct.
struct Member<'a> {
    /// `,"name":`.
    key: Vec<u8>,
    value: Value<'a>,
}

/// The values of a column at any depth.
struct Value<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// How deep columns may be nested.
const DEEPEST: usize = 100;

enum Values<'a> {
    Null,
    Boolean(&'a BooleanArray),
    Int8(&'a PrimitiveArray<Int8Type>),
    Int16(&'a PrimitiveArray<Int16Type>),
    Int32(&'a PrimitiveArray<Int32Type>),
    Int64(&'a PrimitiveArray<Int64Type>),
    UInt8(&'a PrimitiveArray<UInt8Type>),
    UInt16(&'a PrimitiveArray<UInt16Type>),
    UInt32(&'a PrimitiveArray<UInt32Type>),
    UInt64(&'a PrimitiveArray<UInt64Type>),
    Float32(&'a PrimitiveArray<Float32Type>),
    Float64(&'a PrimitiveArray<Float64Type>),
    Decimal(&'a Decimal128Array),
    LongDecimal(&'a Decimal256Array),
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    Json(&'a StringArray),
    Binary(&'a BinaryArray),
    LargeBinary(&'a LargeBinaryArray),
    FixedBinary(&'a FixedSizeBinaryArray),
    TextView(&'a StringViewArray),
    BinaryView(&'a BinaryViewArray),
    List(&'a [i32], Box<Value<'a>>),
    LargeList(&'a [i64], Box<Value<'a>>),
    FixedList(usize, Box<Value<'a>>),
    Struct(Vec<Member<'a>>),
    Map(&'a [i32], Box<Value<'a>>, Box<Value<'a>>),
    /// Which of the values each row has.
    Dictionary(Vec<usize>, Box<Value<'a>>),
    Date(&'a PrimitiveArray<Date32Type>),
    DateMillis(&'a PrimitiveArray<Date64Type>),
    Time(Micros<'a>),
    Timestamp(Micros<'a>, bool),
}

/// Times of any unit, seen as microseconds.
enum Micros<'a> {
    Multiplied(&'a [i64], i64),
    Multiplied32(&'a [i32], i64),
    Divided(&'a [i64], i64),
}

impl Micros<'_> {
    /// `None` if it is beyond 64 bits of microseconds.
    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Self::Multiplied(values, factor) => values.get(row)?.checked_mul(*factor),
            Self::Multiplied32(values, factor) => i64::from(*values.get(row)?).checked_mul(*factor),
            Self::Divided(values, divisor) => Some(values.get(row)?.div_euclid(*divisor)),
        }
    }
}

fn raw<T: ArrowPrimitiveType>(array: &dyn Array) -> &[T::Native] {
    array.as_primitive::<T>().values()
}

impl<'a> Value<'a> {
    fn new(field: &Field, array: &'a dyn Array, depth: usize) -> Option<Self> {
        if depth > DEEPEST {
            return None;
        }
        Some(Self {
            nulls: array.nulls(),
            values: Values::new(field, array, depth + 1)?,
        })
    }
}

impl<'a> Values<'a> {
    fn new(field: &Field, array: &'a dyn Array, depth: usize) -> Option<Self> {
        let inner =
            |field: &Field, array: &'a dyn Array| Value::new(field, array, depth).map(Box::new);
        Some(match array.data_type() {
            Arrow::Utf8View => Self::TextView(array.as_string_view()),
            Arrow::BinaryView => Self::BinaryView(array.as_binary_view()),
            Arrow::List(field) => {
                let list = array.as_list::<i32>();
                Self::List(list.value_offsets(), inner(field, list.values())?)
            }
            Arrow::LargeList(field) => {
                let list = array.as_list::<i64>();
                Self::LargeList(list.value_offsets(), inner(field, list.values())?)
            }
            Arrow::FixedSizeList(field, length) => {
                let list = array.as_fixed_size_list();
                Self::FixedList(usize::try_from(*length).ok()?, inner(field, list.values())?)
            }
            Arrow::Struct(fields) => {
                let columns = fields.iter().zip(array.as_struct().columns());
                let members = columns.map(|(field, column)| Member::new(field, column, depth));
                Self::Struct(members.collect::<Option<_>>()?)
            }
            Arrow::Map(entry, _) => {
                let map = array.as_map();
                let Arrow::Struct(fields) = entry.data_type() else {
                    return None;
                };
                let [key, value] = fields.as_ref() else {
                    return None;
                };
                let (keys, values) = (inner(key, map.keys())?, inner(value, map.values())?);
                Self::Map(map.value_offsets(), keys, values)
            }
            Arrow::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary();
                Self::Dictionary(
                    dictionary.normalized_keys(),
                    inner(field, dictionary.values())?,
                )
            }
            Arrow::Null => Self::Null,
            Arrow::Boolean => Self::Boolean(array.as_boolean()),
            Arrow::Int8 => Self::Int8(array.as_primitive()),
            Arrow::Int16 => Self::Int16(array.as_primitive()),
            Arrow::Int32 => Self::Int32(array.as_primitive()),
            Arrow::Int64 => Self::Int64(array.as_primitive()),
            Arrow::UInt8 => Self::UInt8(array.as_primitive()),
            Arrow::UInt16 => Self::UInt16(array.as_primitive()),
            Arrow::UInt32 => Self::UInt32(array.as_primitive()),
            Arrow::UInt64 => Self::UInt64(array.as_primitive()),
            Arrow::Float32 => Self::Float32(array.as_primitive()),
            Arrow::Float64 => Self::Float64(array.as_primitive()),
            Arrow::Decimal128(..) => Self::Decimal(array.as_primitive()),
            Arrow::Decimal256(..) => Self::LongDecimal(array.as_primitive()),
            Arrow::Utf8 if field.extension_type_name() == Some(JSON_EXTENSION) => {
                Self::Json(array.as_string())
            }
            Arrow::Utf8 => Self::Text(array.as_string()),
            Arrow::LargeUtf8 => Self::LargeText(array.as_string()),
            Arrow::Binary => Self::Binary(array.as_binary()),
            Arrow::LargeBinary => Self::LargeBinary(array.as_binary()),
            Arrow::FixedSizeBinary(_) => Self::FixedBinary(array.as_fixed_size_binary()),
            Arrow::Date32 => Self::Date(array.as_primitive()),
            Arrow::Date64 => Self::DateMillis(array.as_primitive()),
            Arrow::Time32(TimeUnit::Second) => Self::Time(Micros::Multiplied32(
                raw::<Time32SecondType>(array),
                1_000_000,
            )),
            Arrow::Time32(_) => Self::Time(Micros::Multiplied32(
                raw::<Time32MillisecondType>(array),
                1_000,
            )),
            Arrow::Time64(TimeUnit::Nanosecond) => {
                Self::Time(Micros::Divided(raw::<Time64NanosecondType>(array), 1_000))
            }
            Arrow::Time64(_) => {
                Self::Time(Micros::Multiplied(raw::<Time64MicrosecondType>(array), 1))
            }
            Arrow::Timestamp(unit, zone) => {
                let micros = match unit {
                    TimeUnit::Second => {
                        Micros::Multiplied(raw::<TimestampSecondType>(array), 1_000_000)
                    }
                    TimeUnit::Millisecond => {
                        Micros::Multiplied(raw::<TimestampMillisecondType>(array), 1_000)
                    }
                    TimeUnit::Microsecond => {
                        Micros::Multiplied(raw::<TimestampMicrosecondType>(array), 1)
                    }
                    TimeUnit::Nanosecond => {
                        Micros::Divided(raw::<TimestampNanosecondType>(array), 1_000)
                    }
                };
                Self::Timestamp(micros, zone.is_some())
            }
            _ => return None,
        })
    }
}

fn integer(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn double(out: &mut Vec<u8>, value: impl zmij::Float, is_finite: bool) {
    if is_finite {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
    } else {
        out.extend_from_slice(b"null");
    }
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    write_base64(out, bytes);
    out.push(b'"');
}

fn json(out: &mut Vec<u8>, text: &[u8]) {
    // A native connector may have set the marker on what is no JSON: then it is a string after all.
    match nested::check(text, 0) {
        Some(checked) if checked.end == text.len() => nested::copy(text, checked, out),
        _ => write_string(out, text),
    }
}

/// Writes `value` in quotes if there is one.
fn quoted(out: &mut Vec<u8>, value: Option<i64>, write: impl FnOnce(&mut Vec<u8>, i64) -> bool) {
    let start = out.len();
    out.push(b'"');
    if value.is_some_and(|value| write(out, value)) {
        out.push(b'"');
    } else {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

fn always(write: impl FnOnce(&mut Vec<u8>, i64)) -> impl FnOnce(&mut Vec<u8>, i64) -> bool {
    |out, value| {
        write(out, value);
        true
    }
}

/// Writes the values of `range` as an array.
fn list(out: &mut Vec<u8>, range: Range<usize>, mut write: impl FnMut(&mut Vec<u8>, usize)) {
    out.push(b'[');
    for at in range.clone() {
        if at > range.start {
            out.push(b',');
        }
        write(out, at);
    }
    out.push(b']');
}

fn range<O: OffsetSizeTrait>(offsets: &[O], row: usize) -> Range<usize> {
    offsets[row].as_usize()..offsets[row + 1].as_usize()
}

impl<'a> Member<'a> {
    fn new(field: &Field, array: &'a dyn Array, depth: usize) -> Option<Self> {
        let mut key = vec![b','];
        write_string(&mut key, field.name().as_bytes());
        key.push(b':');
        let value = Value::new(field, array, depth)?;
        Some(Self { key, value })
    }
}

impl Value<'_> {
    /// Whether the value is written as a string.
    fn is_text(&self) -> bool {
        matches!(
            self.values,
            Values::Text(_) | Values::LargeText(_) | Values::TextView(_)
        )
    }

    fn write(&self, out: &mut Vec<u8>, row: usize) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return out.extend_from_slice(b"null");
        }
        match &self.values {
            Values::Null => out.extend_from_slice(b"null"),
            Values::Boolean(array) => {
                let value: &[u8] = if array.value(row) { b"true" } else { b"false" };
                out.extend_from_slice(value);
            }
            Values::Int8(array) => integer(out, array.value(row)),
            Values::Int16(array) => integer(out, array.value(row)),
            Values::Int32(array) => integer(out, array.value(row)),
            Values::Int64(array) => integer(out, array.value(row)),
            Values::UInt8(array) => integer(out, array.value(row)),
            Values::UInt16(array) => integer(out, array.value(row)),
            Values::UInt32(array) => integer(out, array.value(row)),
            Values::UInt64(array) => integer(out, array.value(row)),
            Values::Float32(array) => double(out, array.value(row), array.value(row).is_finite()),
            Values::Float64(array) => double(out, array.value(row), array.value(row).is_finite()),
            Values::Decimal(array) => out.extend_from_slice(array.value_as_string(row).as_bytes()),
            Values::LongDecimal(array) => {
                out.extend_from_slice(array.value_as_string(row).as_bytes())
            }
            Values::Text(array) => write_string(out, array.value(row).as_bytes()),
            Values::LargeText(array) => write_string(out, array.value(row).as_bytes()),
            Values::Json(array) => json(out, array.value(row).as_bytes()),
            Values::Binary(array) => base64(out, array.value(row)),
            Values::LargeBinary(array) => base64(out, array.value(row)),
            Values::FixedBinary(array) => base64(out, array.value(row)),
            Values::TextView(array) => write_string(out, array.value(row).as_bytes()),
            Values::BinaryView(array) => base64(out, array.value(row)),
            Values::List(offsets, values) => {
                list(out, range(offsets, row), |out, at| values.write(out, at));
            }
            Values::LargeList(offsets, values) => {
                list(out, range(offsets, row), |out, at| values.write(out, at));
            }
            Values::FixedList(length, values) => {
                let first = row * length;
                list(out, first..first + length, |out, at| values.write(out, at));
            }
            Values::Struct(members) => write_row(out, row, members, None),
            Values::Map(offsets, keys, values) if keys.is_text() => {
                out.push(b'{');
                for at in range(offsets, row) {
                    if at > range(offsets, row).start {
                        out.push(b',');
                    }
                    keys.write(out, at);
                    out.push(b':');
                    values.write(out, at);
                }
                out.push(b'}');
            }
            Values::Map(offsets, keys, values) => {
                list(out, range(offsets, row), |out, at| {
                    out.extend_from_slice(b"{\"key\":");
                    keys.write(out, at);
                    out.extend_from_slice(b",\"value\":");
                    values.write(out, at);
                    out.push(b'}');
                });
            }
            Values::Dictionary(places, values) => values.write(out, places[row]),
            Values::Date(array) => {
                quoted(out, Some(array.value(row).into()), always(time::write_date));
            }
            Values::DateMillis(array) => {
                let days = array.value(row).div_euclid(86_400_000);
                quoted(out, Some(days), always(time::write_date));
            }
            Values::Time(micros) => quoted(out, micros.get(row), time::write_time),
            Values::Timestamp(micros, zoned) => {
                let write = |out: &mut Vec<u8>, value| time::write_timestamp(out, value, *zoned);
                quoted(out, micros.get(row), always(write));
            }
        }
    }
}
