//! Columns to lines of CSV (RFC 4180, with LF as line end).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use crossdock_core::batch::Body;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};

use crate::file::row_texts::RowTexts;
use crate::semantics::column_shape::ColumnShape;
use crate::semantics::plain_text::{WriteText, plain_text};
use crate::semantics::shape::Shape;
use crate::semantics::target::Target;

/// How fields are told apart.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) delimiter: u8,
    /// What stands for a null.
    pub(crate) null: Arc<[u8]>,
}

/// Whole lines, and the header of their stream.
pub(crate) struct CsvLines {
    pub(crate) header: Arc<[u8]>,
    pub(crate) rows: RowTexts,
}

/// Makes lines of one stream's records.
pub(crate) struct CsvShape {
    manner: Manner,
    columns: ColumnShape,
    header: Arc<[u8]>,
}

impl CsvShape {
    pub(crate) fn new(target: &Target, metadata_columns: bool, manner: Manner) -> Self {
        let columns = ColumnShape::new(target, metadata_columns);
        let mut header = Vec::new();
        for (at, field) in columns.schema().fields().iter().enumerate() {
            if at > 0 {
                header.push(manner.delimiter);
            }
            manner.text(&mut header, field.name().as_bytes());
        }
        header.push(b'\n');
        Self {
            manner,
            columns,
            header: header.into(),
        }
    }
}

impl Shape<CsvLines> for CsvShape {
    fn tells_deletes(&self) -> bool {
        self.columns.tells_deletes()
    }

    fn shape(&mut self, body: Body) -> Result<CsvLines> {
        let batch = self.columns.shape(body)?;
        Ok(CsvLines {
            header: self.header.clone(),
            rows: self.manner.lines(&batch)?,
        })
    }
}

impl Manner {
    fn lines(&self, batch: &RecordBatch) -> Result<RowTexts> {
        let columns = batch
            .columns()
            .iter()
            .map(Column::new)
            .collect::<Result<Vec<_>>>()?;
        let mut rows = RowTexts::with_capacity(batch.get_array_memory_size(), batch.num_rows());
        for row in 0..batch.num_rows() {
            let out = &mut rows.text;
            for (at, column) in columns.iter().enumerate() {
                if at > 0 {
                    out.push(self.delimiter);
                }
                column.write(self, out, row);
            }
            out.push(b'\n');
            rows.end_row();
        }
        Ok(rows)
    }

    /// A text, in quotes where it has to be.
    fn text(&self, out: &mut Vec<u8>, text: &[u8]) {
        // An empty text would read as a null, and so would the one that stands for it.
        let is_special =
            |byte: &u8| matches!(*byte, b'"' | b'\n' | b'\r') || *byte == self.delimiter;
        if !text.is_empty() && *text != *self.null && !text.iter().any(is_special) {
            out.extend_from_slice(text);
            return;
        }
        out.push(b'"');
        for part in text.split_inclusive(|byte| *byte == b'"') {
            out.extend_from_slice(part);
            if part.ends_with(b"\"") {
                out.push(b'"');
            }
        }
        out.push(b'"');
    }
}

struct Column<'a> {
    array: &'a ArrayRef,
    /// How its values are written; texts may need quotes.
    write: Option<WriteText>,
}

impl<'a> Column<'a> {
    fn new(array: &'a ArrayRef) -> Result<Self> {
        let data_type = array.data_type();
        let write = plain_text(data_type).ok_or_else(|| {
            Error::new(
                &code::INTERNAL,
                "a column of a type that has no place in CSV",
            )
            .with("type", data_type)
        })?;
        Ok(Self {
            array,
            write: (*data_type != DataType::Utf8).then_some(write),
        })
    }

    fn write(&self, manner: &Manner, out: &mut Vec<u8>, row: usize) {
        if self.array.is_null(row) {
            out.extend_from_slice(&manner.null);
        } else if let Some(write) = self.write {
            write(out, self.array, row);
        } else {
            manner.text(out, self.array.as_string::<i32>().value(row).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_they_have_to_be() {
        let manner = |delimiter, null: &str| Manner {
            delimiter,
            null: null.as_bytes().into(),
        };
        let check = |manner: &Manner, text: &str, expected: &str| {
            let mut out = Vec::new();
            manner.text(&mut out, text.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected, "{text:?}");
        };
        let comma = manner(b',', "");
        check(&comma, "plain text", "plain text");
        check(&comma, "a,b", "\"a,b\"");
        check(&comma, "a;b", "a;b");
        check(&comma, "say \"hi\"", "\"say \"\"hi\"\"\"");
        check(&comma, "\"", "\"\"\"\"");
        check(&comma, "two\nlines", "\"two\nlines\"");
        check(&comma, "cr\r", "\"cr\r\"");
        check(&comma, "", "\"\"");
        check(&comma, "Ö", "Ö");
        let semicolon = manner(b';', "NULL");
        check(&semicolon, "a;b", "\"a;b\"");
        check(&semicolon, "a,b", "a,b");
        check(&semicolon, "NULL", "\"NULL\"");
        check(&semicolon, "NULLS", "NULLS");
    }
}
