//! Batches of either shape to one Arrow batch with the destination's columns.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use crossdock_core::batch::{Body, Columns, Rows};
use crossdock_core::code;
use crossdock_core::convert::{self, RowsToColumns};
use crossdock_core::error::{Error, Result};

use super::metadata::{self, EXTRACTED_AT, GENERATION_ID, META, Meta, RAW_ID};
use super::nested_text::NestedText;
use super::shape::Shape;
use super::target::Target;

/// The column for properties of a record that the stream's schema does not have. Always there, so
/// that all files and tables of a stream have the same columns whatever the records hold.
pub(crate) const ADDITIONAL: &str = "_airbyte_additional_properties";

/// The columns of a target's files.
fn file_schema(target: &Target, own: &SchemaRef, metadata_columns: bool) -> SchemaRef {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let metadata = [
        Field::new(RAW_ID, DataType::Utf8, false),
        Field::new(EXTRACTED_AT, utc, false),
        Field::new(META, DataType::Utf8, false),
        Field::new(GENERATION_ID, DataType::Int64, false),
    ];
    let metadata = metadata
        .into_iter()
        .filter(|_| metadata_columns)
        .map(Arc::new);
    let own = own
        .fields
        .iter()
        .filter(|field| !target.is_in_path(field.name()));
    Arc::new(Schema::new(
        metadata.chain(own.cloned()).collect::<Vec<_>>(),
    ))
}

/// The column of this name: nulls where a source left it out, since it had nothing for it.
pub(crate) fn column(values: &RecordBatch, name: &str, wants: &DataType) -> Result<ArrayRef> {
    let Some(array) = values.column_by_name(name) else {
        return Ok(new_null_array(wants, values.num_rows()));
    };
    if array.data_type() == wants {
        return Ok(array.clone());
    }
    let has = array.data_type();
    Err(Error::new(
        &code::DATA_INVALID,
        format!("a column is of type {has} where the schema says {wants}"),
    )
    .with("field", name))
}

/// Brings the batches of one stream into the columns of its files.
pub(crate) struct ColumnShape {
    target: Target,
    schema: SchemaRef,
    own: SchemaRef,
    meta: Option<Meta>,
    collect: RowsToColumns,
    nested_text: NestedText,
}

impl ColumnShape {
    pub(crate) fn new(target: &Target, metadata_columns: bool) -> Self {
        let own = convert::arrow_schema(&target.schema, Some(ADDITIONAL));
        Self {
            schema: file_schema(target, &own, metadata_columns),
            nested_text: NestedText::new(&target.schema, &own, ADDITIONAL),
            own,
            meta: metadata_columns.then(|| Meta::new(target.sync_id)),
            collect: RowsToColumns::new(&target.schema, Some(ADDITIONAL)),
            target: target.clone(),
        }
    }

    /// The columns of its batches.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn joined(
        &self,
        columns: &Columns,
        own: Vec<ArrayRef>,
        rows: Option<&Rows>,
    ) -> Result<RecordBatch> {
        let mut arrays = match &self.meta {
            Some(meta) => metadata::columns(meta, self.target.generation_id, columns, rows),
            None => Vec::with_capacity(own.len()),
        };
        let fields = self.own.fields().iter().zip(own);
        let in_file = fields.filter(|(field, _)| !self.target.is_in_path(field.name()));
        arrays.extend(in_file.map(|(_, array)| array));
        let options = RecordBatchOptions::new().with_row_count(Some(columns.len()));
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)
            .map_err(|e| Error::new(&code::INTERNAL, "columns do not fit the schema").caused_by(e))
    }

    fn of_rows(&mut self, rows: &Rows) -> Result<RecordBatch> {
        self.collect.append(rows)?;
        let columns = self.collect.finish()?;
        self.joined(&columns, columns.values.columns().to_vec(), Some(rows))
    }

    /// The columns of a column batch in the order of ours: by name, since a source may leave out
    /// what it has nothing for.
    fn by_name(&self, columns: &Columns) -> Result<Vec<ArrayRef>> {
        let given = columns.values.schema();
        if let Some(stranger) = given
            .fields()
            .iter()
            .find(|f| self.own.index_of(f.name()).is_err())
        {
            return Err(Error::new(
                &code::DATA_INVALID,
                "a batch has a column that is not in the schema",
            )
            .with("field", stranger.name()));
        }
        let ours = self.own.fields().iter();
        ours.map(|field| column(&columns.values, field.name(), field.data_type()))
            .collect()
    }
}

impl Shape<RecordBatch> for ColumnShape {
    fn tells_deletes(&self) -> bool {
        self.meta.is_some()
    }

    fn shape(&mut self, body: Body) -> Result<RecordBatch> {
        match body {
            Body::Rows(rows) => self.of_rows(&rows),
            Body::Columns(columns) if self.nested_text.is_in(&columns) => {
                let columns = self.nested_text.read(&columns)?;
                self.joined(&columns, columns.values.columns().to_vec(), None)
            }
            Body::Columns(columns) => {
                let own = self.by_name(&columns)?;
                self.joined(&columns, own, None)
            }
        }
    }
}
