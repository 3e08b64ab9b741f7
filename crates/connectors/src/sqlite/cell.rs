//! Values of Arrow columns as SQLite keeps them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray,
};
use arrow_schema::{DataType, TimeUnit};
use crossdock_core::code;
use crossdock_core::convert;
use crossdock_core::error::{Error, Result};
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A column, with its type looked up once.
enum Column<'a> {
    Text(&'a StringArray),
    Blob(&'a BinaryArray),
    Boolean(&'a BooleanArray),
    Integer(&'a PrimitiveArray<Int64Type>),
    Real(&'a PrimitiveArray<Float64Type>),
    Date(&'a PrimitiveArray<Date32Type>),
    Time(&'a PrimitiveArray<Time64MicrosecondType>),
    Timestamp(&'a PrimitiveArray<TimestampMicrosecondType>, bool),
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef) -> Option<Self> {
        Some(match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Blob(array.as_binary()),
            DataType::Boolean => Self::Boolean(array.as_boolean()),
            DataType::Int64 => Self::Integer(array.as_primitive()),
            DataType::Float64 => Self::Real(array.as_primitive()),
            DataType::Date32 => Self::Date(array.as_primitive()),
            DataType::Time64(TimeUnit::Microsecond) => Self::Time(array.as_primitive()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Self::Timestamp(array.as_primitive(), zone.is_some())
            }
            _ => return None,
        })
    }
}

/// The columns of a batch, read cell by cell.
pub(crate) struct Cells<'a> {
    columns: Vec<(Column<'a>, &'a ArrayRef)>,
    text: Vec<u8>,
}

impl<'a> Cells<'a> {
    /// The cells of a batch whose types are those of [`convert::arrow_type`].
    pub(crate) fn new(batch: &'a RecordBatch) -> Result<Self> {
        let column = |array: &'a ArrayRef| {
            let column = Column::new(array).ok_or_else(|| {
                Error::new(
                    &code::INTERNAL,
                    "a column of a type that has no place in SQLite",
                )
                .with("type", array.data_type())
            })?;
            Ok((column, array))
        };
        let columns = batch.columns().iter().map(column).collect::<Result<_>>()?;
        Ok(Self {
            columns,
            text: Vec::new(),
        })
    }

    /// Whether a cell has no value.
    pub(crate) fn is_null(&self, column: usize, row: usize) -> bool {
        self.columns[column].1.is_null(row)
    }

    /// One cell.
    pub(crate) fn get(&mut self, column: usize, row: usize) -> ToSqlOutput<'_> {
        let (values, array) = &self.columns[column];
        if array.is_null(row) {
            return ToSqlOutput::Borrowed(ValueRef::Null);
        }
        self.text.clear();
        let value = match values {
            Column::Text(values) => ValueRef::Text(values.value(row).as_bytes()),
            Column::Blob(values) => ValueRef::Blob(values.value(row)),
            Column::Boolean(values) => ValueRef::Integer(values.value(row).into()),
            Column::Integer(values) => ValueRef::Integer(values.value(row)),
            Column::Real(values) => ValueRef::Real(values.value(row)),
            Column::Date(values) => {
                convert::write_date(&mut self.text, values.value(row).into());
                ValueRef::Text(&self.text)
            }
            Column::Time(values) => {
                if convert::write_time(&mut self.text, values.value(row)) {
                    ValueRef::Text(&self.text)
                } else {
                    ValueRef::Null
                }
            }
            Column::Timestamp(values, zoned) => {
                convert::write_sortable_timestamp(&mut self.text, values.value(row), *zoned);
                ValueRef::Text(&self.text)
            }
        };
        ToSqlOutput::Borrowed(value)
    }
}
