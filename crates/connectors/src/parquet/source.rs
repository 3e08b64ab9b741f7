//! The Parquet source: batches of columns as they are in the file, where the types allow it.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{Array as _, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{DataType as Arrow, Field, Schema, TimeUnit};
use crossdock_core::batch::{Body, Columns, Operations};
use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::convert::{self, JSON_EXTENSION};
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, StreamSchema, data_type, json_schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use serde_json::{Map, Value, json};

use super::source_config::SourceConfig;
use super::widen::widened;
use crate::file::column_file::CREATED_BY;
use crate::file::fault::io;
use crate::file_source::list::Found;
use crate::file_source::record::{Records, SourceFormat, Step};
use crate::file_source::setting::{BadLines, Patterns, patterns};
use crate::file_source::source::{FileSource, FileSourceConfig};
use crate::semantics::column_shape::ADDITIONAL;
use crate::semantics::evolution::widest;

/// About how large a batch is.
const BATCH_BYTES: i64 = 4 << 20;
/// The most rows of a batch.
const BATCH_ROWS: i64 = 64 << 10;

/// Reads Parquet files.
pub type ParquetSource = FileSource<SourceConfig>;

impl FileSourceConfig for SourceConfig {
    fn patterns(&self) -> Result<Patterns> {
        patterns(self.path.as_deref(), self.stream.as_deref(), &self.streams)
    }

    fn bad_lines(&self) -> BadLines {
        // A file is whole or it is not: it has no lines.
        BadLines::Fail
    }

    fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }

    fn hive_partitions(&self) -> bool {
        self.hive_partitions
    }

    fn format(self) -> Result<Arc<dyn SourceFormat>> {
        Ok(Arc::new(ParquetFiles))
    }
}

struct ParquetFiles;

impl SourceFormat for ParquetFiles {
    fn infer(&self, files: &[Found]) -> Result<Value> {
        let mut properties: Map<String, Value> = Map::new();
        for found in files {
            let schema = open(found)?.schema().clone();
            for field in schema.fields().iter().filter(|f| f.name() != ADDITIONAL) {
                let schema = property(field);
                let merged = match properties.get(field.name()) {
                    Some(known) if *known != schema => {
                        json_schema(widest(data_type(known), data_type(&schema)))
                    }
                    _ => schema,
                };
                properties.insert(field.name().clone(), merged);
            }
        }
        Ok(json!({"type": "object", "properties": properties}))
    }

    fn records(
        &self,
        stream: &ConfiguredStream,
        found: &Found,
        (row, _): (u64, u64),
    ) -> Result<Box<dyn Records>> {
        let builder = open(found)?;
        let wanted = StreamSchema::from_json_schema(&stream.stream.json_schema);
        // Only what was selected is read.
        let selected = |name: &str| {
            wanted.fields.is_empty()
                || name == ADDITIONAL
                || wanted.fields.iter().any(|f| f.name == name)
        };
        let fields = builder.schema().fields().iter().enumerate();
        let places: Vec<_> = fields
            .filter(|(_, field)| selected(field.name()))
            .map(|(at, _)| at)
            .collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), places);
        let groups = builder.metadata().row_groups();
        let (rows, bytes) = groups.iter().fold((0, 0), |(rows, bytes), group| {
            (rows + group.num_rows(), bytes + group.total_byte_size())
        });
        let row_bytes = (bytes / rows.max(1)).max(1);
        let batch_rows = (BATCH_BYTES / row_bytes).clamp(1, BATCH_ROWS);
        let from = usize::try_from(row).unwrap_or(usize::MAX);
        let reader = guarded(found, || {
            builder
                .with_projection(mask)
                .with_batch_size(usize::try_from(batch_rows).unwrap_or(1))
                .with_offset(from)
                .build()
        })?;
        Ok(Box::new(Rows {
            reader,
            found: found.clone(),
            schema: wanted,
            row,
        }))
    }

    fn continues(&self, _: &Found, _: u64) -> Result<bool> {
        // The footer stands at the end: a file that has grown is another one.
        Ok(false)
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["parquet", "pq"]
    }
}

/// Opens a file. The types are Parquet's own, since what Arrow notes beside them differs by writer;
/// but our own note says which texts are JSON.
fn open(found: &Found) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let file = File::open(&found.path).map_err(io("open the file", &found.path))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(found, || {
        let foot = ArrowReaderMetadata::load(&file, options.clone())?;
        let by = foot.metadata().file_metadata().created_by();
        let is_ours = by.is_some_and(|by| by.starts_with(CREATED_BY));
        let options = options.with_skip_arrow_metadata(!is_ours);
        let foot = ArrowReaderMetadata::try_new(foot.metadata().clone(), options)?;
        Ok::<_, ParquetError>(ParquetRecordBatchReaderBuilder::new_with_metadata(
            file, foot,
        ))
    })
}

/// Calls the library so that no file makes it panic us (P11).
fn guarded<T, E: std::error::Error + Send + Sync + 'static>(
    found: &Found,
    call: impl FnOnce() -> Result<T, E>,
) -> Result<T> {
    let unreadable = || {
        Error::new(&code::DATA_INVALID, "the file cannot be read as Parquet")
            .with("path", &found.name)
            .hint("it may be damaged, not finished, or of another format")
    };
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(cause)) => Err(unreadable().caused_by(cause)),
        Err(_) => Err(unreadable()),
    }
}

/// The JSON Schema of a column.
fn property(field: &Field) -> Value {
    match field.data_type() {
        Arrow::Struct(fields) => {
            let properties: Map<String, Value> = fields
                .iter()
                .map(|f| (f.name().clone(), property(f)))
                .collect();
            json!({"type": ["null", "object"], "properties": properties})
        }
        Arrow::List(item) | Arrow::LargeList(item) | Arrow::FixedSizeList(item, _) => {
            json!({"type": ["null", "array"], "items": property(item)})
        }
        // Wider than a 64-bit integer or a double: the digits are kept as text.
        Arrow::UInt64 => {
            json!({"type": ["null", "string"], "airbyte_type": "big_integer"})
        }
        Arrow::Decimal128(digits, _) if *digits > 15 => json_schema(DataType::String),
        Arrow::Decimal256(..) => json_schema(DataType::String),
        Arrow::Utf8 if field.extension_type_name() == Some(JSON_EXTENSION) => {
            json_schema(DataType::Json)
        }
        other => json_schema(column_type(other)),
    }
}

fn column_type(arrow: &Arrow) -> DataType {
    match arrow {
        Arrow::Boolean => DataType::Boolean,
        Arrow::Int8
        | Arrow::Int16
        | Arrow::Int32
        | Arrow::Int64
        | Arrow::UInt8
        | Arrow::UInt16
        | Arrow::UInt32 => DataType::Integer,
        Arrow::Float16 | Arrow::Float32 | Arrow::Float64 | Arrow::Decimal128(..) => {
            DataType::Number
        }
        Arrow::Utf8 | Arrow::LargeUtf8 | Arrow::Utf8View => DataType::String,
        Arrow::Binary | Arrow::LargeBinary | Arrow::BinaryView | Arrow::FixedSizeBinary(_) => {
            DataType::Binary
        }
        Arrow::Date32 | Arrow::Date64 => DataType::Date,
        Arrow::Time32(_) | Arrow::Time64(_) => DataType::TimeWithoutTimezone,
        Arrow::Timestamp(
            TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond | TimeUnit::Nanosecond,
            zone,
        ) => {
            if zone.is_some() {
                DataType::TimestampWithTimezone
            } else {
                DataType::TimestampWithoutTimezone
            }
        }
        _ => DataType::Json,
    }
}

/// The rows of one file that are left.
struct Rows {
    reader: ParquetRecordBatchReader,
    found: Found,
    schema: StreamSchema,
    /// The next row.
    row: u64,
}

impl Records for Rows {
    fn next(&mut self, _: &mut Vec<u8>) -> Result<Step> {
        let Self { reader, found, .. } = self;
        let batch = guarded(found, || reader.next().transpose())?;
        let Some(batch) = batch.filter(|b| b.num_rows() > 0) else {
            return Ok(Step::End);
        };
        self.row += batch.num_rows() as u64;
        self.body(batch)
            .map(Step::Batch)
            .map_err(|e| e.with("path", &self.found.name))
    }

    fn place(&self) -> (u64, u64) {
        (self.row, self.row + 1)
    }
}

impl Rows {
    /// Columns, if the file's types are the stream's or can be widened to them; else rows, which
    /// every destination reads by its own types.
    fn body(&self, batch: RecordBatch) -> Result<Body> {
        let columns = |values: RecordBatch| Columns {
            operations: Operations::default(),
            emitted_at: vec![SystemClock.now_ms(); values.num_rows()],
            metadata: None,
            values,
        };
        let has_undeclared = batch
            .column_by_name(ADDITIONAL)
            .is_some_and(|column| column.null_count() < column.len());
        match self.fitted(&batch) {
            Some(values) if !has_undeclared => Ok(Body::Columns(columns(values))),
            _ => Ok(Body::Rows(convert::columns_to_rows(
                &columns(batch),
                Some(ADDITIONAL),
            )?)),
        }
    }

    fn fitted(&self, batch: &RecordBatch) -> Option<RecordBatch> {
        if self.schema.fields.is_empty() {
            return None;
        }
        let schema = convert::arrow_schema(&self.schema, None);
        let arrays = schema
            .fields()
            .iter()
            .map(|field| match batch.column_by_name(field.name()) {
                Some(array) => widened(array, field.data_type()),
                None => Some(new_null_array(field.data_type(), batch.num_rows())),
            });
        let arrays = arrays.collect::<Option<Vec<_>>>()?;
        let schema = Schema::new(schema.fields().clone());
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options).ok()
    }
}
