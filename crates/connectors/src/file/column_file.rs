//! Arrow batches to Parquet files.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::{Array, ArrayRef, BinaryArray, ListArray, RecordBatch, StringArray, StructArray};
use arrow_schema::{DataType, Field, SchemaRef};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use super::fault::io;
use super::format::Encode;
use crate::semantics::metadata::RAW_ID;

/// Extension of Parquet files.
pub(crate) const EXTENSION: &str = "parquet";

/// What our files say of their writer, before its version.
pub(crate) const CREATED_BY: &str = "crossdock";

/// The same with the version.
pub(crate) fn created_by() -> String {
    format!("{CREATED_BY} {}", env!("CARGO_PKG_VERSION"))
}

/// Chooses each column's encoding by its type and by how its first values look. Dictionaries are
/// the greatest cost of writing, and where values do not repeat they also make the file larger.
fn for_columns(mut properties: WriterPropertiesBuilder, first: &RecordBatch) -> WriterProperties {
    for (field, array) in first.schema().fields().iter().zip(first.columns()) {
        let column = ColumnPath::new(vec![field.name().clone()]);
        properties = match field.data_type() {
            DataType::Struct(_) | DataType::List(_) => {
                let large = is_large(array);
                of_parts(&mut vec![field.name().clone()], field, large, properties)
            }
            // Ids never repeat; what they share is a prefix.
            DataType::Utf8 if field.name() == RAW_ID => properties
                .set_column_encoding(column.clone(), Encoding::DELTA_BYTE_ARRAY)
                .set_column_statistics_enabled(column, EnabledStatistics::None),
            DataType::Utf8 | DataType::Binary if is_large(array) => {
                properties.set_column_statistics_enabled(column, EnabledStatistics::None)
            }
            DataType::Utf8 | DataType::Binary => {
                properties.set_column_dictionary_enabled(column, repeats(array))
            }
            DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_) => {
                properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
            }
            _ => properties,
        };
    }
    properties.build()
}

/// The same for the parts of a column; `large` if any of them is.
fn of_parts(
    path: &mut Vec<String>,
    field: &Field,
    large: bool,
    mut properties: WriterPropertiesBuilder,
) -> WriterPropertiesBuilder {
    let mut within = |names: &[&str], part: &Field, properties| {
        path.extend(names.iter().map(|name| (*name).to_owned()));
        let properties = of_parts(path, part, large, properties);
        path.truncate(path.len() - names.len());
        properties
    };
    match field.data_type() {
        DataType::Struct(members) => {
            for member in members {
                properties = within(&[member.name()], member, properties);
            }
            properties
        }
        // Parquet's own name for what repeats.
        DataType::List(element) => within(&["list", element.name()], element, properties),
        DataType::Int64 | DataType::Date32 | DataType::Timestamp(..) | DataType::Time64(_) => {
            let column = ColumnPath::new(path.clone());
            properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
        }
        DataType::Utf8 | DataType::Binary if large => {
            let column = ColumnPath::new(path.clone());
            properties.set_column_statistics_enabled(column, EnabledStatistics::None)
        }
        _ => properties,
    }
}

/// A text column with more bytes than this in one batch has single values of that size, most likely.
const LARGE: usize = 16 << 20;

/// Whether a column's values are so large that statistics of them would cost: the writer keeps two
/// copies of what may be one record of hundreds of megabytes (P7).
fn is_large(array: &ArrayRef) -> bool {
    let bytes = |offsets: &[i32]| match offsets {
        [first, .., last] => usize::try_from(last - first).unwrap_or(0),
        _ => 0,
    };
    if let Some(parts) = array.as_any().downcast_ref::<StructArray>() {
        parts.columns().iter().any(is_large)
    } else if let Some(lists) = array.as_any().downcast_ref::<ListArray>() {
        is_large(lists.values())
    } else if let Some(texts) = array.as_any().downcast_ref::<StringArray>() {
        bytes(texts.value_offsets()) > LARGE
    } else if let Some(values) = array.as_any().downcast_ref::<BinaryArray>() {
        bytes(values.value_offsets()) > LARGE
    } else {
        false
    }
}

/// How many values are looked at to tell whether they repeat.
const SAMPLE: usize = 1000;

/// Whether each value occurs four times or more among the first ones, on average.
fn repeats(array: &ArrayRef) -> bool {
    let sample = array.slice(0, array.len().min(SAMPLE));
    let values: Vec<&[u8]> = if let Some(texts) = sample.as_any().downcast_ref::<StringArray>() {
        texts.iter().flatten().map(str::as_bytes).collect()
    } else if let Some(bytes) = sample.as_any().downcast_ref::<BinaryArray>() {
        bytes.iter().flatten().collect()
    } else {
        return false;
    };
    let distinct = values.iter().collect::<HashSet<_>>().len();
    distinct * 4 <= values.len()
}

/// A Parquet error of our own writing: most often the disk's.
fn fault(doing: &'static str, path: &Path) -> impl FnOnce(ParquetError) -> Error {
    move |cause| match cause {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(cause) => io(doing, path)(*cause),
            Err(inner) => Error::new(&code::DATA_INVALID, format!("could not {doing}"))
                .with("path", path.display())
                .caused_by(inner),
        },
        cause => Error::new(&code::DATA_INVALID, format!("could not {doing}"))
            .with("path", path.display())
            .caused_by(cause),
    }
}

/// A Parquet file that is being written.
pub(crate) struct ColumnFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
    /// Chosen for large values.
    large: bool,
    /// How many columns it has.
    columns: u64,
}

/// About what a column takes beside its values while a row group is written: its compressor, mostly.
const COLUMN: u64 = 200 << 10;

impl ColumnFile {
    /// Begins a file that will begin with the batch `first`.
    pub(crate) fn begin(
        path: &Path,
        properties: WriterPropertiesBuilder,
        first: &RecordBatch,
    ) -> Result<Self> {
        let file = Self::create(path, first.schema(), for_columns(properties, first))?;
        Ok(Self {
            large: first.columns().iter().any(is_large),
            ..file
        })
    }

    fn create(path: &Path, schema: SchemaRef, properties: WriterProperties) -> Result<Self> {
        let file = File::create_new(path).map_err(io("create the file", path))?;
        let columns = schema.flattened_fields().len() as u64;
        let writer = ArrowWriter::try_new(file, schema, Some(properties))
            .map_err(fault("begin the file", path))?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            large: false,
            columns,
        })
    }
}

impl Encode<RecordBatch> for ColumnFile {
    fn takes(&self, batch: &RecordBatch) -> bool {
        self.large || !batch.columns().iter().any(is_large)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer
            .write(batch)
            .map_err(fault("write the file", &self.path))
    }

    fn bytes(&self) -> u64 {
        (self.writer.bytes_written() + self.writer.in_progress_size()) as u64
    }

    fn memory(&self) -> u64 {
        let values = self.writer.memory_size() as u64;
        if self.writer.in_progress_rows() > 0 {
            values + self.columns * COLUMN
        } else {
            values
        }
    }

    fn flush(&mut self) -> Result<()> {
        self.writer
            .flush()
            .map_err(fault("write the file", &self.path))
    }

    fn finish(self: Box<Self>) -> Result<File> {
        let Self { path, writer, .. } = *self;
        writer.into_inner().map_err(fault("end the file", &path))
    }
}

/// See [`super::split::split`].
pub(crate) fn split(from: &Path, rows: u64, head: &Path, tail: Option<&Path>) -> Result<()> {
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    copy(from, 0, Some(rows), head)?;
    tail.map_or(Ok(()), |tail| copy(from, rows, None, tail))
}

/// Copies the rows from `offset` on, at most `limit`.
fn copy(from: &Path, offset: usize, limit: Option<usize>, to: &Path) -> Result<()> {
    let file = File::open(from).map_err(io("read the file", from))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(fault("read the file", from))?;
    let schema = builder.schema().clone();
    let codec = builder
        .metadata()
        .row_groups()
        .first()
        .and_then(|g| g.columns().first());
    let codec = codec.map_or(parquet::basic::Compression::UNCOMPRESSED, |c| {
        c.compression()
    });
    let properties = WriterProperties::builder()
        .set_created_by(created_by())
        .set_compression(codec)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build();
    let mut builder = builder.with_offset(offset);
    if let Some(limit) = limit {
        builder = builder.with_limit(limit);
    }
    let mut out = ColumnFile::create(to, schema, properties)?;
    for batch in builder.build().map_err(fault("read the file", from))? {
        let batch = batch.map_err(|e| {
            Error::new(&code::DATA_INVALID, "could not read the file")
                .with("path", from.display())
                .caused_by(e)
        })?;
        out.write(&batch)?;
    }
    Box::new(out).finish().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dictionaries_are_for_values_that_repeat() {
        let check = |array: ArrayRef, expected: bool| assert_eq!(repeats(&array), expected);
        let texts = |n: usize, distinct: usize| -> ArrayRef {
            let text = |at| Some(format!("value {}", at % distinct));
            std::sync::Arc::new((0..n).map(text).collect::<StringArray>())
        };
        check(texts(5000, 250), true);
        check(texts(5000, 251), false);
        check(texts(3, 1), false);
        check(texts(4, 1), true);
        check(
            std::sync::Arc::new(BinaryArray::from(vec![&b"x"[..]; 9])),
            true,
        );
    }

    #[test]
    fn large_values_are_noticed() {
        let check = |array: ArrayRef, expected: bool| assert_eq!(is_large(&array), expected);
        let text = "x".repeat(LARGE + 1);
        let texts: ArrayRef = std::sync::Arc::new(StringArray::from(vec!["a", &text, "b"]));
        check(texts.slice(0, 1), false);
        check(texts.slice(2, 1), false);
        check(texts.slice(0, 0), false);
        check(texts, true);
        let bytes = BinaryArray::from(vec![text.as_bytes()]);
        check(std::sync::Arc::new(bytes), true);
    }
}
