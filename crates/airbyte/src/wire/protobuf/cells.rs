//! The cells of Arrow columns as typed values: what is to be done for a column is settled once for a batch.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float64Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{BinaryArray, BooleanArray, RecordBatch, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::extension::EXTENSION_TYPE_NAME_KEY;
use arrow_schema::{DataType as Arrow, TimeUnit};
use crossdock_core::batch::{Columns, Operations, Rows};
use crossdock_core::convert::{Fit, JSON_EXTENSION, Typed, columns_to_rows, write_base64};
use crossdock_core::error::Result;
use crossdock_core::json::scan::Members;
use crossdock_core::schema::DataType;

/// What takes the cells.
pub(super) trait Taker {
    /// Takes a value, and how much of it that is.
    fn take(&mut self, value: Typed<'_>, fit: Fit);

    /// Takes a text, or with `is_json` one of JSON, that stands at the start of `ahead` and has this length.
    fn take_text(&mut self, ahead: &[u8], length: usize, is_json: bool);
}

/// A column of a batch.
pub(super) struct Cells<'a> {
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

enum Values<'a> {
    /// The batch has no such column.
    Nothing,
    Boolean(&'a BooleanArray),
    Integer(&'a [i64]),
    ShortInteger(&'a [i32]),
    Number(&'a [f64]),
    Text(Texts<'a>),
    Json(Texts<'a>),
    Binary(&'a BinaryArray),
    Date(&'a [i32]),
    Time(&'a [i64]),
    Moment(&'a [i64]),
    Clock(&'a [i64]),
    /// Of a type that is not the schema's: by its JSON text, in rows of one member.
    Other(Rows),
}

/// The texts of a column, one after another.
struct Texts<'a> {
    /// Where each begins, and where the last ends.
    offsets: &'a [i32],
    bytes: &'a [u8],
}

impl<'a> Texts<'a> {
    fn of(array: &'a StringArray) -> Self {
        Self {
            offsets: array.value_offsets(),
            bytes: array.value_data(),
        }
    }

    /// The text of row `row` with all that follows it, and its length.
    #[inline(always)]
    fn ahead(&self, row: usize) -> (&'a [u8], usize) {
        // Offsets are never negative.
        let (start, end) = (self.offsets[row] as usize, self.offsets[row + 1] as usize);
        (&self.bytes[start..], end - start)
    }
}

impl<'a> Cells<'a> {
    /// The column `index` of the batch as values of type `data_type`.
    pub(super) fn of(
        batch: &'a RecordBatch,
        index: Option<usize>,
        data_type: DataType,
    ) -> Result<Self> {
        let Some(index) = index.filter(|index| *index < batch.num_columns()) else {
            return Ok(Self {
                nulls: None,
                values: Values::Nothing,
            });
        };
        let array = batch.column(index).as_ref();
        let schema = batch.schema_ref();
        let extension = schema.field(index).metadata().get(EXTENSION_TYPE_NAME_KEY);
        let is_json = extension.is_some_and(|name| name == JSON_EXTENSION);
        let micros = || array.as_primitive::<TimestampMicrosecondType>().values();
        let values = match (data_type, array.data_type()) {
            (DataType::Boolean, Arrow::Boolean) => Values::Boolean(array.as_boolean()),
            (DataType::Integer, Arrow::Int64) => {
                Values::Integer(array.as_primitive::<Int64Type>().values())
            }
            (DataType::Integer, Arrow::Int32) => {
                Values::ShortInteger(array.as_primitive::<Int32Type>().values())
            }
            (DataType::Number, Arrow::Float64) => {
                Values::Number(array.as_primitive::<Float64Type>().values())
            }
            (DataType::String, Arrow::Utf8) if !is_json => {
                Values::Text(Texts::of(array.as_string()))
            }
            (DataType::Json, Arrow::Utf8) if is_json => Values::Json(Texts::of(array.as_string())),
            (DataType::Binary, Arrow::Binary) => Values::Binary(array.as_binary()),
            (DataType::Date, Arrow::Date32) => {
                Values::Date(array.as_primitive::<Date32Type>().values())
            }
            (DataType::TimeWithoutTimezone, Arrow::Time64(TimeUnit::Microsecond)) => {
                Values::Time(array.as_primitive::<Time64MicrosecondType>().values())
            }
            (DataType::TimestampWithTimezone, Arrow::Timestamp(TimeUnit::Microsecond, Some(_))) => {
                Values::Moment(micros())
            }
            (DataType::TimestampWithoutTimezone, Arrow::Timestamp(TimeUnit::Microsecond, None)) => {
                Values::Clock(micros())
            }
            _ => Values::Other(as_rows(batch, index)?),
        };
        Ok(Self {
            nulls: array.nulls(),
            values,
        })
    }

    /// Whether row `row` has no value.
    pub(super) fn is_null(&self, row: usize) -> bool {
        matches!(self.values, Values::Nothing) || self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Gives the value of row `row` to `taker`. The types of columns part here, and each goes on by itself: so
    /// the taker's choice by type is made by the compiler.
    #[inline(always)]
    pub(super) fn give(
        &self,
        row: usize,
        data_type: DataType,
        scratch: &mut Vec<u8>,
        taker: &mut impl Taker,
    ) {
        if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
            return taker.take(Typed::Null, Fit::Whole);
        }
        let whole = Fit::Whole;
        match &self.values {
            Values::Nothing => taker.take(Typed::Null, whole),
            Values::Boolean(values) => taker.take(Typed::Boolean(values.value(row)), whole),
            Values::Integer(values) => taker.take(Typed::Integer(values[row]), whole),
            Values::ShortInteger(values) => {
                taker.take(Typed::Integer(values[row].into()), whole);
            }
            Values::Number(values) => taker.take(Typed::Number(values[row]), whole),
            Values::Text(values) => {
                let (ahead, length) = values.ahead(row);
                taker.take_text(ahead, length, false);
            }
            Values::Json(values) => {
                let (ahead, length) = values.ahead(row);
                taker.take_text(ahead, length, true);
            }
            Values::Date(values) => taker.take(Typed::Date(values[row].into()), whole),
            Values::Time(values) => {
                let time = Typed::Time {
                    nanos: u64::try_from(values[row])
                        .map_or(u64::MAX, |micros| micros.saturating_mul(1000)),
                    offset: None,
                };
                taker.take(time, whole);
            }
            Values::Moment(values) => taker.take(moment(values[row]), whole),
            Values::Clock(values) => taker.take(clock(values[row]), whole),
            Values::Binary(values) => {
                scratch.clear();
                scratch.push(b'"');
                write_base64(scratch, values.value(row));
                scratch.push(b'"');
                taker.take(Typed::Json(scratch), whole);
            }
            Values::Other(rows) => {
                let token = only_member(rows.after(row));
                let (value, fit) = Typed::of_json(data_type, token, scratch);
                taker.take(value, fit);
            }
        }
    }
}

/// A moment of a clock that shows UTC.
#[inline(always)]
pub(super) fn moment(micros: i64) -> Typed<'static> {
    Typed::Moment {
        seconds: micros.div_euclid(1_000_000),
        nanos: micros.rem_euclid(1_000_000) as u32 * 1000,
        offset: 0,
    }
}

#[inline(always)]
pub(super) fn clock(micros: i64) -> Typed<'static> {
    const DAY: i64 = 86_400_000_000;
    Typed::Clock {
        days: micros.div_euclid(DAY),
        nanos: micros.rem_euclid(DAY).cast_unsigned() * 1000,
    }
}

fn as_rows(batch: &RecordBatch, index: usize) -> Result<Rows> {
    let values = batch.project(&[index]).map_err(|cause| {
        crossdock_core::Error::new(
            &crossdock_core::code::INTERNAL,
            "a batch lacks a column of its own",
        )
        .caused_by(cause)
    })?;
    let columns = Columns {
        emitted_at: vec![0; values.num_rows()],
        values,
        operations: Operations::default(),
        metadata: None,
    };
    columns_to_rows(&columns, None)
}

fn only_member(object: &[u8]) -> &[u8] {
    let member = Members::new(object, 0).and_then(|mut members| members.next());
    match member {
        Ok(Some(member)) => member.value(object),
        _ => b"null",
    }
}
