//! Column batches whose structs and lists are JSON text, as those of wires without nested types are: that
//! text is read as that of rows is, and whatever would come back from rows as it went is not sent there.

use std::collections::HashSet;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, DataType as Arrow, Field, SchemaRef};
use crossdock_core::batch::Columns;
use crossdock_core::code;
use crossdock_core::convert::{JSON_EXTENSION, RowsToColumns, columns_to_rows};
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, StreamSchema};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;
/// The days of the years 1 to 9999: texts of others are not taken for granted.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// Reads such batches of one stream.
pub(super) struct NestedText {
    declared: StreamSchema,
    own: SchemaRef,
    /// The last of them, for what is not declared.
    additional: &'static str,
    /// The columns that were read of late, and what collects them: mostly the same ones for all batches.
    reading: Option<(Vec<usize>, RowsToColumns)>,
}

/// Where a column of ours comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The batch has none of this name.
    Nowhere,
    /// It is the batch's at this place.
    Taken(usize),
    /// It is read.
    Read,
}

impl NestedText {
    /// `own` are the Arrow columns of what is `declared`, and `additional`, for what is not.
    pub(super) fn new(declared: &StreamSchema, own: &SchemaRef, additional: &'static str) -> Self {
        Self {
            declared: declared.clone(),
            own: own.clone(),
            additional,
            reading: None,
        }
    }

    /// Whether a column is the JSON text of what is a struct or a list here.
    pub(super) fn is_in(&self, columns: &Columns) -> bool {
        let given = columns.values.schema_ref();
        let mut nested = self
            .own
            .fields()
            .iter()
            .filter(|f| f.data_type().is_nested());
        nested.any(|ours| {
            let theirs = given.field_with_name(ours.name());
            theirs.is_ok_and(|theirs| *theirs.data_type() == Arrow::Utf8)
        })
    }

    /// The batch in our columns. All is as if it had gone through rows as a whole.
    pub(super) fn read(&mut self, columns: &Columns) -> Result<Columns> {
        let origins = self.origins(&columns.values);
        let read = self.read_from_text(columns, &origins)?;
        let (Some(additional), rows) = (read.values.columns().last(), columns.len()) else {
            return Err(misfit(None));
        };
        let mut next = read.values.columns().iter();
        let mut arrays = Vec::with_capacity(self.own.fields().len());
        for (origin, ours) in origins.iter().zip(self.own.fields()) {
            arrays.push(match origin {
                Origin::Nowhere => new_null_array(ours.data_type(), rows),
                Origin::Taken(index) => columns.values.column(*index).clone(),
                Origin::Read => next.next().ok_or_else(|| misfit(None))?.clone(),
            });
        }
        arrays.push(additional.clone());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let values = RecordBatch::try_new_with_options(self.own.clone(), arrays, &options);
        Ok(Columns {
            values: values.map_err(|cause| misfit(Some(cause)))?,
            ..read
        })
    }

    fn origins(&self, given: &RecordBatch) -> Vec<Origin> {
        let schema = given.schema_ref();
        let names: HashSet<_> = schema.fields().iter().map(|field| field.name()).collect();
        // Of two columns with one name a row has the latter, and what was put aside may take any column's place.
        let is_mixed = names.len() < given.num_columns() || self.puts_aside(given);
        let declared = self.declared.fields.iter().zip(self.own.fields());
        let origin =
            |(field, ours): (&crossdock_core::schema::Field, &std::sync::Arc<Field>)| match schema
                .column_with_name(&field.name)
            {
                _ if is_mixed => Origin::Read,
                None => Origin::Nowhere,
                Some((index, theirs))
                    if theirs.data_type() == ours.data_type()
                        && field.nested.is_none()
                        && stays(field.data_type, theirs, given.column(index)) =>
                {
                    Origin::Taken(index)
                }
                Some(_) => Origin::Read,
            };
        declared.map(origin).collect()
    }

    /// Whether the batch has values that its source put aside, to be put into the rows again.
    fn puts_aside(&self, given: &RecordBatch) -> bool {
        let aside = given.column_by_name(self.additional);
        aside.is_some_and(|aside| aside.null_count() < aside.len())
    }

    /// The columns that are read, and the additional one behind them.
    fn read_from_text(&mut self, columns: &Columns, origins: &[Origin]) -> Result<Columns> {
        let is_taken = |index: &usize| origins.contains(&Origin::Taken(*index));
        let through: Vec<usize> = (0..columns.values.num_columns())
            .filter(|index| !is_taken(index))
            .collect();
        let values = columns.values.project(&through);
        let rows = Columns {
            values: values.map_err(|cause| misfit(Some(cause)))?,
            operations: columns.operations.clone(),
            emitted_at: columns.emitted_at.clone(),
            metadata: columns.metadata.clone(),
        };
        let rows = columns_to_rows(&rows, Some(self.additional))?;
        let places = origins.iter().enumerate();
        let read: Vec<usize> = places
            .filter(|(_, origin)| **origin == Origin::Read)
            .map(|(place, _)| place)
            .collect();
        let same = self.reading.take().filter(|(earlier, _)| *earlier == read);
        let (_, collect) = self.reading.insert(same.unwrap_or_else(|| {
            let fields = read
                .iter()
                .map(|place| self.declared.fields[*place].clone());
            let schema = StreamSchema {
                fields: fields.collect(),
            };
            (read, RowsToColumns::new(&schema, Some(self.additional)))
        }));
        collect.append(&rows)?;
        collect.finish()
    }
}

/// Whether the values of a column, which has our type already, would come back from JSON text as they are.
fn stays(data_type: DataType, theirs: &Field, array: &dyn Array) -> bool {
    let moments = || {
        array
            .as_primitive::<TimestampMicrosecondType>()
            .values()
            .iter()
    };
    match data_type {
        DataType::String => theirs.extension_type_name() != Some(JSON_EXTENSION),
        DataType::Binary | DataType::Boolean | DataType::Integer => true,
        DataType::Number => {
            let mut values = array.as_primitive::<Float64Type>().values().iter();
            values.all(|value| value.is_finite())
        }
        DataType::Date => {
            let mut days = array.as_primitive::<Date32Type>().values().iter();
            days.all(|days| DAYS.contains(&i64::from(*days)))
        }
        DataType::TimeWithoutTimezone => {
            let mut times = array
                .as_primitive::<Time64MicrosecondType>()
                .values()
                .iter();
            times.all(|time| (0..DAY).contains(time))
        }
        DataType::TimestampWithTimezone | DataType::TimestampWithoutTimezone => {
            let (first, last) = (DAYS.start() * DAY, DAYS.end() * DAY);
            moments().all(|moment| (first..=last).contains(moment))
        }
        // Texts that are read and checked.
        DataType::TimeWithTimezone | DataType::Json => false,
    }
}

fn misfit(cause: Option<ArrowError>) -> Error {
    let error = Error::new(&code::INTERNAL, "columns do not fit the schema");
    match cause {
        Some(cause) => error.caused_by(cause),
        None => error,
    }
}

#[cfg(test)]
mod tests;
