//! A column while it is being filled.

use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, ListArray, PrimitiveArray, StringArray, StructArray,
};
use arrow_buffer::{
    BooleanBuffer, BooleanBufferBuilder, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer,
};
use arrow_schema::{ArrowError, FieldRef, Fields};

use super::arrow_field;
use crate::schema::{DataType, Field, Nested};

/// A column of texts or bytes would exceed 2 GiB, which its 32-bit offsets cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// Values of any length, one after another.
#[derive(Debug)]
pub(super) struct Texts {
    /// All values; what stands after the last offset is a value being written.
    pub(super) bytes: Vec<u8>,
    /// Where each value begins, and where the last ends.
    offsets: Vec<i32>,
}

impl Texts {
    pub(super) fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            bytes: Vec::with_capacity(bytes),
            offsets,
        }
    }

    /// Ends the value whose bytes were appended.
    #[inline(always)]
    pub(super) fn close(&mut self) -> Result<(), Overflow> {
        let end = i32::try_from(self.bytes.len()).map_err(|_| Overflow)?;
        self.offsets.push(end);
        Ok(())
    }

    /// Takes back the bytes of the value being written.
    pub(super) fn abandon(&mut self) {
        self.truncate(self.offsets.len() - 1);
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        let end = self.offsets.last().copied().unwrap_or_default();
        self.bytes
            .truncate(usize::try_from(end).unwrap_or_default());
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        // One huge value must not reserve as much for ever after.
        let anew = Self::with_capacity(self.offsets.len() - 1, self.bytes.len().min(16 << 20));
        let filled = std::mem::replace(self, anew);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(filled.offsets));
        (offsets, Buffer::from_vec(filled.bytes))
    }
}

/// The values of a column in the form that Arrow wants.
#[derive(Debug)]
pub(super) enum Values {
    Text(Texts),
    Json(Texts),
    Binary(Texts),
    Boolean(Vec<bool>),
    Integer(Vec<i64>),
    Number(Vec<f64>),
    Date(Vec<i32>),
    Timestamp { micros: Vec<i64>, zoned: bool },
    Time(Vec<i64>),
    Struct(Members),
    List(Elements),
}

/// The columns of a struct's members.
#[derive(Debug)]
pub(super) struct Members {
    fields: Fields,
    pub(super) columns: Vec<Column>,
}

impl Members {
    /// The index of the member with this name, which is likely to be `guess`.
    pub(super) fn find(&self, name: &[u8], guess: usize) -> Option<usize> {
        let is = |field: &FieldRef| field.name().as_bytes() == name;
        if self.fields.get(guess).is_some_and(is) {
            return Some(guess);
        }
        self.fields.iter().position(is)
    }

    /// Its name.
    pub(super) fn name(&self, index: usize) -> &str {
        self.fields[index].name()
    }
}

/// The elements of all lists of a column, one after another.
#[derive(Debug)]
pub(super) struct Elements {
    field: FieldRef,
    pub(super) column: Box<Column>,
    /// Where each list begins, and where the last ends.
    offsets: Vec<i32>,
}

impl Elements {
    /// Ends the list whose elements were appended.
    pub(super) fn close(&mut self) -> Result<(), Overflow> {
        let end = i32::try_from(self.column.filled).map_err(|_| Overflow)?;
        self.offsets.push(end);
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        let end = self.offsets.last().copied().unwrap_or_default();
        self.column
            .truncate(usize::try_from(end).unwrap_or_default());
    }
}

/// A column: values, and which of them are null.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) values: Values,
    /// Rows that are null, ascending. Most columns have few, so that no bit need be written for
    /// the others.
    nulls: Vec<u32>,
    /// Number of rows it has.
    pub(super) filled: usize,
}

impl Column {
    /// A column for a field.
    pub(super) fn of(field: &Field) -> Self {
        let values = match &field.nested {
            None => return Self::new(field.data_type),
            Some(Nested::Struct(members)) => Values::Struct(Members {
                fields: members.iter().map(arrow_field).collect(),
                columns: members.iter().map(Self::of).collect(),
            }),
            Some(Nested::List(element)) => Values::List(Elements {
                field: Arc::new(arrow_field(element)),
                column: Box::new(Self::of(element)),
                offsets: vec![0],
            }),
        };
        Self {
            values,
            nulls: Vec::new(),
            filled: 0,
        }
    }

    /// Whether it is a struct or a list.
    pub(super) fn is_structured(&self) -> bool {
        matches!(self.values, Values::Struct(_) | Values::List(_))
    }

    /// A column without parts.
    pub(super) fn new(data_type: DataType) -> Self {
        let texts = || Texts::with_capacity(0, 0);
        let timestamp = |zoned| Values::Timestamp {
            micros: Vec::new(),
            zoned,
        };
        let values = match data_type {
            DataType::String | DataType::TimeWithTimezone => Values::Text(texts()),
            DataType::Json => Values::Json(texts()),
            DataType::Binary => Values::Binary(texts()),
            DataType::Boolean => Values::Boolean(Vec::new()),
            DataType::Integer => Values::Integer(Vec::new()),
            DataType::Number => Values::Number(Vec::new()),
            DataType::Date => Values::Date(Vec::new()),
            DataType::TimestampWithTimezone => timestamp(true),
            DataType::TimestampWithoutTimezone => timestamp(false),
            DataType::TimeWithoutTimezone => Values::Time(Vec::new()),
        };
        Self {
            values,
            nulls: Vec::new(),
            filled: 0,
        }
    }

    /// Adds a null. The caller has abandoned what it had begun to write.
    pub(super) fn push_null(&mut self) -> Result<(), Overflow> {
        self.nulls
            .push(u32::try_from(self.filled).map_err(|_| Overflow)?);
        match &mut self.values {
            Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => texts.close()?,
            Values::Boolean(values) => values.push(false),
            Values::Integer(values) | Values::Time(values) => values.push(0),
            Values::Timestamp { micros, .. } => micros.push(0),
            Values::Number(values) => values.push(0.0),
            Values::Date(values) => values.push(0),
            Values::Struct(members) => {
                for column in &mut members.columns {
                    column.pad(self.filled + 1)?;
                }
            }
            Values::List(elements) => elements.close()?,
        }
        self.filled += 1;
        Ok(())
    }

    /// Fills up to `rows` with nulls.
    pub(super) fn pad(&mut self, rows: usize) -> Result<(), Overflow> {
        while self.filled < rows {
            self.push_null()?;
        }
        Ok(())
    }

    /// Forgets all rows from `rows` on, and a value half written.
    pub(super) fn truncate(&mut self, rows: usize) {
        match &mut self.values {
            Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => {
                texts.truncate(rows);
            }
            Values::Boolean(values) => values.truncate(rows),
            Values::Integer(values) | Values::Time(values) => values.truncate(rows),
            Values::Timestamp { micros, .. } => micros.truncate(rows),
            Values::Number(values) => values.truncate(rows),
            Values::Date(values) => values.truncate(rows),
            Values::Struct(members) => members.columns.iter_mut().for_each(|c| c.truncate(rows)),
            Values::List(elements) => elements.truncate(rows),
        }
        while self.nulls.last().is_some_and(|null| *null as usize >= rows) {
            self.nulls.pop();
        }
        self.filled = self.filled.min(rows);
    }

    /// Whether any row is not null.
    pub(super) fn has_values(&self) -> bool {
        self.filled > self.nulls.len()
    }

    /// Memory that the values take.
    pub(super) fn bytes(&self) -> usize {
        let values = match &self.values {
            Values::Text(texts) | Values::Json(texts) | Values::Binary(texts) => {
                texts.bytes.len() + self.filled * 4
            }
            Values::Boolean(_) => self.filled,
            Values::Integer(_) | Values::Time(_) | Values::Timestamp { .. } | Values::Number(_) => {
                self.filled * 8
            }
            Values::Date(_) => self.filled * 4,
            Values::Struct(members) => members.columns.iter().map(Self::bytes).sum(),
            Values::List(elements) => elements.column.bytes() + self.filled * 4,
        };
        values + self.nulls.len() * 4
    }

    /// The column as an array; starts anew with room for as much again.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self.take_nulls();
        let rows = std::mem::take(&mut self.filled);
        Ok(match &mut self.values {
            Values::Text(texts) | Values::Json(texts) => {
                let (offsets, bytes) = texts.take();
                Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
            }
            Values::Binary(texts) => {
                let (offsets, bytes) = texts.take();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            Values::Boolean(values) => {
                let values = BooleanBuffer::from(take(values));
                Arc::new(BooleanArray::new(values, nulls))
            }
            Values::Integer(values) => Arc::new(PrimitiveArray::<Int64Type>::try_new(
                take(values).into(),
                nulls,
            )?),
            Values::Number(values) => Arc::new(PrimitiveArray::<Float64Type>::try_new(
                take(values).into(),
                nulls,
            )?),
            Values::Date(values) => Arc::new(PrimitiveArray::<Date32Type>::try_new(
                take(values).into(),
                nulls,
            )?),
            Values::Time(values) => {
                let values = take(values).into();
                Arc::new(PrimitiveArray::<Time64MicrosecondType>::try_new(
                    values, nulls,
                )?)
            }
            Values::Timestamp { micros, zoned } => {
                let values = take(micros).into();
                let array = PrimitiveArray::<TimestampMicrosecondType>::try_new(values, nulls)?;
                Arc::new(array.with_timezone_opt(zoned.then_some("UTC")))
            }
            Values::Struct(Members { fields, columns }) => {
                let arrays = columns.iter_mut().map(Self::finish);
                let arrays = arrays.collect::<Result<Vec<_>, _>>()?;
                let (fields, length) = (fields.clone(), rows);
                Arc::new(StructArray::try_new_with_length(
                    fields, arrays, nulls, length,
                )?)
            }
            Values::List(Elements {
                field,
                column,
                offsets,
            }) => {
                let mut anew = Vec::with_capacity(offsets.len());
                anew.push(0);
                let offsets = std::mem::replace(offsets, anew);
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                Arc::new(ListArray::try_new(
                    field.clone(),
                    offsets,
                    column.finish()?,
                    nulls,
                )?)
            }
        })
    }

    fn take_nulls(&mut self) -> Option<NullBuffer> {
        if self.nulls.is_empty() {
            return None;
        }
        let mut valid = BooleanBufferBuilder::new(self.filled);
        valid.append_n(self.filled, true);
        for row in self.nulls.drain(..) {
            valid.set_bit(row as usize, false);
        }
        Some(NullBuffer::new(valid.finish()))
    }
}

fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let anew = Vec::with_capacity(values.len());
    std::mem::replace(values, anew)
}
