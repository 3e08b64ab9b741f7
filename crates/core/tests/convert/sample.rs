//! Schemas and rows for the tests.

use bytes::Bytes;
use crossdock_core::batch::{RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::convert::{RowsToColumns, columns_to_rows};
use crossdock_core::schema::{DataType, Field, StreamSchema};

/// A schema of the fields `(name, type)`.
pub(crate) fn schema(fields: &[(&str, DataType)]) -> StreamSchema {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, *data_type);
    StreamSchema {
        fields: fields.iter().map(field).collect(),
    }
}

/// Rows of these data and metadata texts; an empty metadata is none.
pub(crate) fn rows<T: AsRef<[u8]>>(texts: impl IntoIterator<Item = (T, T)>) -> Rows {
    let mut buffer = Vec::new();
    let mut builder = RowsBuilder::default();
    for (time, (data, metadata)) in texts.into_iter().enumerate() {
        let mut add = |text: &[u8]| {
            let start = buffer.len();
            buffer.extend_from_slice(text);
            Span::new(start, buffer.len()).unwrap()
        };
        builder.push(RowSpans {
            after: add(data.as_ref()),
            metadata: add(metadata.as_ref()),
            emitted_at: i64::try_from(time).unwrap(),
            ..RowSpans::default()
        });
    }
    builder.finish(Bytes::from(buffer), None)
}

/// Rows of these data texts alone.
pub(crate) fn data_rows(texts: &[&str]) -> Rows {
    rows(texts.iter().map(|text| (*text, "")))
}

/// A row's data and metadata after the way through columns and back.
pub(crate) fn there_and_back(
    schema: &StreamSchema,
    additional: Option<&str>,
    data: &[u8],
) -> (String, Option<String>) {
    let mut columns = RowsToColumns::new(schema, additional);
    columns.append(&rows([(data, &b""[..])])).unwrap();
    let rows = columns_to_rows(&columns.finish().unwrap(), additional).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(rows.after(0)), rows.metadata(0).map(text))
}
