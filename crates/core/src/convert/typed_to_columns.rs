//! Typed values into columns, cell by cell.

use std::borrow::Cow;

use arrow_array::{RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{ArrowError, SchemaRef};

use super::cell::{self, Fault};
use super::change::Change;
use super::column::{Column, Overflow, Values};
use super::metadata::write_metadata;
use super::typed::Typed;
use super::{nested, number, text, time};
use crate::batch::{Columns, Operations};
use crate::code;
use crate::error::{Error, Result};
use crate::schema::{DataType, Field, StreamSchema};

/// Collects typed values as columns of a stream's schema, nested ones as JSON text. A row is a
/// [`put`](Self::put) for each place that has a value, in any order, and an [`end_row`](Self::end_row). What
/// becomes of values that do not fit is what the [module](crate::convert) says of their JSON text.
#[derive(Debug)]
pub struct TypedToColumns {
    schema: SchemaRef,
    /// For each place the column's index in the schema.
    order: Vec<usize>,
    /// In the order of the places, as the columns.
    names: Vec<String>,
    columns: Vec<Column>,
    emitted_at: Vec<i64>,
    metadata: Column,
    changes: Vec<(usize, Change)>,
    scratch: Vec<u8>,
}

impl TypedToColumns {
    /// Starts with no rows. `order` tells for each place of a row which of the schema's columns its value
    /// belongs to; columns that it leaves out are null.
    ///
    /// Panics if `order` names a column twice, or one that is not there: a defect of the caller.
    #[must_use]
    pub fn new(schema: &StreamSchema, order: &[usize]) -> Self {
        let flat = |field: &Field| Field::new(field.name.as_str(), field.data_type);
        let flat = StreamSchema {
            fields: schema.fields.iter().map(flat).collect(),
        };
        let mut order = order.to_vec();
        let mut is_placed = vec![false; flat.fields.len()];
        for index in &order {
            let before = std::mem::replace(&mut is_placed[*index], true);
            assert!(!before, "column {index} has two places");
        }
        order.extend((0..flat.fields.len()).filter(|index| !is_placed[*index]));
        let fields = order.iter().map(|index| &flat.fields[*index]);
        Self {
            schema: super::arrow_schema(&flat, None),
            names: fields.clone().map(|field| field.name.clone()).collect(),
            columns: fields.map(Column::of).collect(),
            order,
            emitted_at: Vec::new(),
            metadata: Column::new(DataType::Json),
            changes: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Number of rows ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.emitted_at.len()
    }

    /// Whether no row is ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.emitted_at.is_empty()
    }

    /// Gives the row being written its value of the place `index`, which has none yet. A value beyond the last
    /// place is left out.
    #[inline(always)]
    pub fn put(&mut self, index: usize, value: Typed<'_>) -> Result<()> {
        let Some(column) = self.columns.get_mut(index) else {
            return Ok(());
        };
        match (&mut column.values, value) {
            (Values::Text(texts), Typed::Text(text)) => {
                if !put_text(&mut texts.bytes, text) {
                    return self.put_unusual(index, value);
                }
                texts.close().map_err(overflow)?;
            }
            (Values::Integer(values), Typed::Integer(value)) => values.push(value),
            (Values::Number(values), Typed::Number(value)) if value.is_finite() => {
                values.push(value);
            }
            (Values::Boolean(values), Typed::Boolean(value)) => values.push(value),
            (
                Values::Timestamp {
                    micros,
                    zoned: true,
                },
                Typed::Moment { seconds, nanos, .. },
            ) if in_micros(seconds, u64::from(nanos), 1) => {
                micros.push(seconds * 1_000_000 + i64::from(nanos / 1000));
            }
            (
                Values::Timestamp {
                    micros,
                    zoned: false,
                },
                Typed::Clock { days, nanos },
            ) if in_micros(days, nanos, 86_400) => {
                micros.push(days * 86_400_000_000 + (nanos / 1000).cast_signed());
            }
            (Values::Date(values), Typed::Date(days)) if i32::try_from(days).is_ok() => {
                values.push(days as i32);
            }
            (
                Values::Time(values),
                Typed::Time {
                    nanos,
                    offset: None,
                },
            ) if in_micros(0, nanos, 86_400) => values.push((nanos / 1000).cast_signed()),
            (_, Typed::Null) => return column.push_null().map_err(overflow),
            _ => return self.put_unusual(index, value),
        }
        column.filled += 1;
        Ok(())
    }

    #[inline(never)]
    fn put_unusual(&mut self, index: usize, value: Typed<'_>) -> Result<()> {
        let column = &mut self.columns[index];
        let quick = match (&mut column.values, value) {
            (Values::Number(values), Typed::Digits(digits)) => {
                let short = number::parse(digits).and_then(|decimal| decimal.short_double());
                short.map(|value| values.push(value)).is_some()
            }
            (Values::Json(texts), Typed::Json(json)) => match nested::check(json, 0) {
                Some(checked)
                    if checked.is_clean() && checked.end == json.len() && json != b"null" =>
                {
                    let valid = put_text(&mut texts.bytes, json);
                    if valid {
                        texts.close().map_err(overflow)?;
                    }
                    valid
                }
                _ => false,
            },
            (Values::Timestamp { micros, zoned }, Typed::Text(text)) => {
                self.scratch.clear();
                self.scratch.extend_from_slice(text);
                self.scratch.extend_from_slice(b"\"        ");
                let read = time::short_timestamp(&self.scratch, *zoned);
                let whole = read.filter(|(_, end)| *end == text.len());
                whole.map(|(value, _)| micros.push(value)).is_some()
            }
            (Values::Date(values), Typed::Text(text)) if text.len() == 10 => {
                let days = time::short_date(text).and_then(|days| i32::try_from(days).ok());
                days.map(|days| values.push(days)).is_some()
            }
            (Values::Text(texts), time @ Typed::Time { .. }) => {
                let written = time.write_time(&mut texts.bytes);
                if written {
                    texts.close().map_err(overflow)?;
                }
                written
            }
            (Values::Binary(texts), Typed::Json([b'"', inner @ .., b'"'])) => {
                let decoded = text::decode_base64(inner, &mut texts.bytes);
                if decoded {
                    texts.close().map_err(overflow)?;
                } else {
                    texts.abandon();
                }
                decoded
            }
            _ => false,
        };
        if quick {
            column.filled += 1;
            return Ok(());
        }
        // By its JSON text, for which it is settled what fits where.
        self.scratch.clear();
        let change = value.write_json(&mut self.scratch);
        self.scratch.push(b',');
        let found = match cell::read_usual(column, &self.scratch, 0) {
            Some(end) if end + 1 == self.scratch.len() => None,
            Some(_) => {
                column.truncate(self.emitted_at.len());
                self.read_text(index)?
            }
            None => self.read_text(index)?,
        };
        if let Some(change) = change.or(found) {
            self.changes.push((index, change));
        }
        Ok(())
    }

    fn read_text(&mut self, index: usize) -> Result<Option<Change>> {
        let read = cell::read_unusual(&mut self.columns[index], &self.scratch, 0);
        read.map(|(_, change)| change).map_err(|fault| match fault {
            Fault::Overflow => overflow(Overflow),
            Fault::Scan(error) => {
                Error::new(&code::INTERNAL, "a value's own text cannot be read").caused_by(error)
            }
        })
    }

    /// Ends the row: columns that got nothing are null. `metadata` is the record's own, a JSON object, to which
    /// it is added what had to be changed.
    #[inline]
    pub fn end_row(&mut self, emitted_at: i64, metadata: Option<&[u8]>) -> Result<()> {
        let rows = self.emitted_at.len() + 1;
        for column in &mut self.columns {
            if column.filled < rows {
                column.pad(rows).map_err(overflow)?;
            }
        }
        if metadata.is_some() || !self.changes.is_empty() {
            self.note(metadata)?;
        }
        self.emitted_at.push(emitted_at);
        Ok(())
    }

    #[inline(never)]
    fn note(&mut self, own: Option<&[u8]>) -> Result<()> {
        self.metadata.pad(self.emitted_at.len()).map_err(overflow)?;
        let names = &self.names;
        let changes = self.changes.iter();
        let changes =
            changes.map(|(index, change)| (Cow::Borrowed(names[*index].as_str()), *change));
        if let Values::Json(texts) = &mut self.metadata.values
            && write_metadata(&mut texts.bytes, own, changes)
        {
            texts.close().map_err(overflow)?;
            self.metadata.filled += 1;
        }
        self.changes.clear();
        Ok(())
    }

    /// Takes back the values of the row that is not ended.
    pub fn abandon_row(&mut self) {
        let rows = self.emitted_at.len();
        for column in &mut self.columns {
            column.truncate(rows);
        }
        self.metadata.truncate(rows);
        self.changes.clear();
    }

    /// The columns; starts anew, with room for as much again. A row that is not ended is not among
    /// them.
    pub fn finish(&mut self) -> Result<Columns> {
        self.abandon_row();
        let rows = self.emitted_at.len();
        let mut finish = || -> Result<_, ArrowError> {
            let mut placed = Vec::with_capacity(self.columns.len());
            for (index, column) in self.order.iter().zip(&mut self.columns) {
                placed.push((*index, column.finish()?));
            }
            placed.sort_by_key(|(index, _)| *index);
            let arrays = placed.into_iter().map(|(_, array)| array).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let values = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
            let metadata = if self.metadata.has_values() {
                let full = |_| ArrowError::OffsetOverflowError(rows);
                self.metadata.pad(rows).map_err(full)?;
                Some(StringArray::from(self.metadata.finish()?.to_data()))
            } else {
                self.metadata.truncate(0);
                None
            };
            Ok((values, metadata))
        };
        let finished = finish();
        let anew = Vec::with_capacity(rows);
        let emitted_at = std::mem::replace(&mut self.emitted_at, anew);
        if finished.is_err() {
            self.abandon_row();
        }
        let (values, metadata) = finished.map_err(|e| {
            Error::new(
                &code::INTERNAL,
                "the columns of a batch do not fit together",
            )
            .caused_by(e)
        })?;
        Ok(Columns {
            values,
            operations: Operations::default(),
            emitted_at,
            metadata,
        })
    }
}

/// Appends text that is UTF-8.
#[inline(always)]
fn put_text(out: &mut Vec<u8>, text: &[u8]) -> bool {
    if !text.is_ascii() && std::str::from_utf8(text).is_err() {
        return false;
    }
    out.extend_from_slice(text);
    true
}

/// Whether `count` units of `unit` seconds and `nanos` within one are whole microseconds and fit.
#[inline(always)]
fn in_micros(count: i64, nanos: u64, unit: i64) -> bool {
    let seconds_per_range = i64::MAX / 1_000_000 - 86_400;
    nanos.is_multiple_of(1000)
        && nanos < (unit as u64) * 1_000_000_000
        && count.unsigned_abs() < (seconds_per_range / unit) as u64
}

#[cold]
fn overflow(Overflow: Overflow) -> Error {
    Error::new(&code::DATA_INVALID, "a column would exceed 2 GiB")
        .hint("write smaller batches; a single value of this size cannot be a column's")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::batch::{RowSpans, RowsBuilder, Span};
    use crate::convert::RowsToColumns;

    #[test]
    fn columns_are_those_of_the_same_rows() {
        let schema = StreamSchema {
            fields: vec![
                Field::new("a", DataType::Integer),
                Field::new("b", DataType::String),
            ],
        };
        let mut columns = TypedToColumns::new(&schema, &[]);
        for round in 0..3 {
            columns.put(1, Typed::Text(b"x")).unwrap();
            columns.put(0, Typed::Text(b"bad")).unwrap();
            columns.abandon_row();
            columns.put(1, Typed::Text(b"x")).unwrap();
            columns.put(7, Typed::Integer(9)).unwrap();
            columns.end_row(round, None).unwrap();
            columns.put(0, Typed::Text(b"bad")).unwrap();
            columns.end_row(round, Some(br#"{"x":1}"#)).unwrap();
            columns.put(0, Typed::Integer(1)).unwrap();
            let ours = columns.finish().unwrap();
            assert_eq!(ours.emitted_at, [round, round]);
            let lines = [r#"{"a":null,"b":"x"}"#, r#"{"a":"bad","b":null}"#];
            let text = lines.concat();
            let mut rows = RowsBuilder::default();
            for (start, end) in [(0, lines[0].len()), (lines[0].len(), text.len())] {
                let after = Span::new(start, end).unwrap();
                rows.push(RowSpans {
                    after,
                    ..RowSpans::default()
                });
            }
            let mut theirs = RowsToColumns::new(&schema, None);
            theirs
                .append(&rows.finish(Bytes::from(text), None))
                .unwrap();
            assert_eq!(ours.values, theirs.finish().unwrap().values);
            let noted = ours.metadata.unwrap();
            assert_eq!(
                noted.iter().collect::<Vec<_>>(),
                [
                    None,
                    Some(
                        r#"{"x":1,"changes":[{"field":"a","change":"NULLED","reason":"DESTINATION_TYPECAST_ERROR"}]}"#
                    )
                ]
            );
        }
    }

    #[test]
    fn places_are_those_of_the_order() {
        let schema = StreamSchema {
            fields: ["a", "b", "c"]
                .map(|name| Field::new(name, DataType::Integer))
                .to_vec(),
        };
        let mut columns = TypedToColumns::new(&schema, &[2, 0]);
        columns.put(0, Typed::Integer(1)).unwrap();
        columns.put(1, Typed::Boolean(true)).unwrap();
        columns.end_row(0, None).unwrap();
        let found = columns.finish().unwrap();
        let names: Vec<_> = found
            .values
            .schema_ref()
            .fields()
            .iter()
            .map(|f| f.name().clone())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        let nulls: Vec<_> = found
            .values
            .columns()
            .iter()
            .map(|c| c.null_count())
            .collect();
        assert_eq!(nulls, [1, 1, 0]);
        assert!(found.metadata.unwrap().value(0).contains(r#""field":"a""#));
    }
}
