//! The cells of Arrow columns as values in frames: what is to be done for a column is settled once for a batch.

use std::ops::Range;

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

use super::encoded::{Encoded, Slots, Texts};
use super::{Layout, encode};

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
    Text(&'a StringArray),
    Json(&'a StringArray),
    Binary(&'a BinaryArray),
    Date(&'a [i32]),
    Time(&'a [i64]),
    Moment(&'a [i64]),
    Clock(&'a [i64]),
    /// Of a type that is not the schema's: by its JSON text, in rows of one member.
    Other(Rows),
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
            (DataType::String, Arrow::Utf8) if !is_json => Values::Text(array.as_string()),
            (DataType::Json, Arrow::Utf8) if is_json => Values::Json(array.as_string()),
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

    /// The values of these rows as they stand in frames, in `slots` if they are of a type that has such; tells
    /// of each row whose value is not all there. The types of columns part here, and each goes on by itself: so the
    /// choice of a value's case is made by the compiler.
    pub(super) fn encode(
        &self,
        rows: Range<usize>,
        layout: Layout,
        data_type: DataType,
        slots: Slots,
        mut changed: impl FnMut(usize, Fit),
    ) -> Encoded<'a> {
        macro_rules! short {
            (|$row:ident| $value:expr) => {
                Encoded::Short(slots.short(rows, self.nulls, |$row| $value))
            };
        }
        macro_rules! text_or {
            (|$row:ident| $value:expr, $newer:expr) => {
                match layout {
                    Layout::V1 => self.any(rows, changed, |out, $row| {
                        encode::fitting(out, layout, data_type, $value, Fit::Whole)
                    }),
                    Layout::V2 => $newer,
                }
            };
        }
        let mut scratch = Vec::new();
        match &self.values {
            Values::Nothing => short!(|_row| encode::null()),
            Values::Boolean(values) => short!(|row| encode::boolean(values.value(row))),
            Values::Integer(values) => short!(|row| encode::integer(layout, values[row])),
            Values::ShortInteger(values) => {
                short!(|row| encode::integer(layout, values[row].into()))
            }
            Values::Number(values) => short!(|row| {
                encode::double(values[row]).unwrap_or_else(|| {
                    changed(row, Fit::Nothing);
                    encode::null()
                })
            }),
            Values::Date(values) => text_or!(
                |row| Typed::Date(values[row].into()),
                short!(|row| encode::date(values[row].into()))
            ),
            Values::Time(values) => text_or!(
                |row| time_of_day(values[row]),
                short!(|row| encode::time_of_day(nanos_of_day(values[row])))
            ),
            Values::Moment(values) => text_or!(
                |row| moment(values[row]),
                Encoded::Long(slots.long(rows, self.nulls, |row| {
                    let (seconds, nanos) = seconds(values[row]);
                    encode::moment(seconds, nanos)
                }))
            ),
            Values::Clock(values) => text_or!(
                |row| clock(values[row]),
                Encoded::Long(slots.long(rows, self.nulls, |row| {
                    let (days, nanos) = days(values[row]);
                    encode::clock(days, nanos)
                }))
            ),
            Values::Text(texts) => Encoded::Texts(Texts::of(texts, &rows), encode::TEXT),
            Values::Json(texts) => Encoded::Texts(Texts::of(texts, &rows), encode::JSON),
            Values::Binary(values) => self.any(rows, changed, |out, row| {
                scratch.clear();
                scratch.push(b'"');
                write_base64(&mut scratch, values.value(row));
                scratch.push(b'"');
                let value = Typed::Json(&scratch);
                encode::fitting(out, layout, data_type, value, Fit::Whole)
            }),
            Values::Other(found) => self.any(rows, changed, |out, row| {
                let token = only_member(found.after(row));
                let (value, fit) = Typed::of_json(data_type, token, &mut scratch);
                encode::fitting(out, layout, data_type, value, fit)
            }),
        }
    }

    /// Values of any length, each written by `write`, which says how much of it that is.
    fn any(
        &self,
        rows: Range<usize>,
        mut changed: impl FnMut(usize, Fit),
        mut write: impl FnMut(&mut Vec<u8>, usize) -> Fit,
    ) -> Encoded<'a> {
        Encoded::any(rows, |out, row| {
            if self.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                return out.extend_from_slice(&encode::NULL);
            }
            let fit = write(out, row);
            if fit != Fit::Whole {
                changed(row, fit);
            }
        })
    }
}

#[inline(always)]
fn time_of_day(micros: i64) -> Typed<'static> {
    Typed::Time {
        nanos: nanos_of_day(micros),
        offset: None,
    }
}

/// A moment of a clock that shows UTC.
pub(super) fn moment(micros: i64) -> Typed<'static> {
    let (seconds, nanos) = seconds(micros);
    Typed::Moment {
        seconds,
        nanos,
        offset: 0,
    }
}

fn clock(micros: i64) -> Typed<'static> {
    let (days, nanos) = days(micros);
    Typed::Clock { days, nanos }
}

#[inline(always)]
fn nanos_of_day(micros: i64) -> u64 {
    u64::try_from(micros).map_or(u64::MAX, |micros| micros.saturating_mul(1000))
}

/// Seconds, and nanoseconds after them.
#[inline(always)]
fn seconds(micros: i64) -> (i64, u32) {
    let second = 1_000_000;
    // Less than a second of nanoseconds.
    let nanos = micros.rem_euclid(second) as u32 * 1000;
    (micros.div_euclid(second), nanos)
}

/// Days, and nanoseconds after them.
#[inline(always)]
fn days(micros: i64) -> (i64, u64) {
    const DAY: i64 = 86_400_000_000;
    let nanos = micros.rem_euclid(DAY).cast_unsigned() * 1000;
    (micros.div_euclid(DAY), nanos)
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
