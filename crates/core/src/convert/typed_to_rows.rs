//! Typed values into rows of JSON text.

use std::borrow::Cow;

use bytes::Bytes;

use super::change::Change;
use super::metadata::write_metadata;
use super::text::write_string;
use super::typed::Typed;
use crate::batch::{RowSpans, Rows, RowsBuilder, Span, WireForm};
use crate::code;
use crate::error::{Error, Result};

/// Collects typed values as rows: a [`put`](Self::put) for each field in their order, and an
/// [`end_row`](Self::end_row). Every field is a member in every row, as in
/// [`columns_to_rows`](super::columns_to_rows). A value is written by its own kind: whether it suits the
/// field's type is up to whoever reads the row.
#[derive(Debug)]
pub struct TypedToRows {
    names: Vec<String>,
    /// `,"name":` of each field.
    keys: Vec<Box<[u8]>>,
    buffer: Vec<u8>,
    rows: RowsBuilder,
    changes: Vec<(usize, Change)>,
    row: Row,
}

/// The row being written.
#[derive(Debug, Default)]
struct Row {
    start: usize,
    line: Span,
    after: usize,
    /// So many fields have a value.
    filled: usize,
}

impl TypedToRows {
    /// Starts with no rows. `names` are the fields, in the order in which their values will come.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        let key = |name: &String| {
            let mut key = vec![b','];
            write_string(&mut key, name.as_bytes());
            key.push(b':');
            key.into_boxed_slice()
        };
        Self {
            keys: names.iter().map(key).collect(),
            names,
            buffer: Vec::new(),
            rows: RowsBuilder::default(),
            changes: Vec::new(),
            row: Row::default(),
        }
    }

    /// Number of rows ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is ended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Keeps the row's wire form; before its first value.
    pub fn put_line(&mut self, line: &[u8]) -> Result<()> {
        self.buffer.extend_from_slice(line);
        self.row.line = span(self.row.start, self.buffer.len())?;
        self.row.after = self.buffer.len();
        Ok(())
    }

    /// Gives the row being written the value of the next field; what comes after the last is left out.
    pub fn put(&mut self, value: Typed<'_>) {
        let Some(key) = self.keys.get(self.row.filled) else {
            return;
        };
        match self.row.filled {
            0 => {
                self.buffer.push(b'{');
                self.buffer.extend_from_slice(&key[1..]);
            }
            _ => self.buffer.extend_from_slice(key),
        }
        if let Some(change) = value.write_json(&mut self.buffer) {
            self.changes.push((self.row.filled, change));
        }
        self.row.filled += 1;
    }

    /// Ends the row: fields that got nothing are null. `metadata` is the record's own, a JSON object, to which
    /// it is added what had to be changed.
    pub fn end_row(&mut self, emitted_at: i64, metadata: Option<&[u8]>) -> Result<()> {
        while self.row.filled < self.keys.len() {
            self.put(Typed::Null);
        }
        self.buffer
            .extend_from_slice(if self.keys.is_empty() { b"{}" } else { b"}" });
        let after = span(self.row.after, self.buffer.len())?;
        let mut noted = Span::NONE;
        if metadata.is_some() || !self.changes.is_empty() {
            let start = self.buffer.len();
            let names = &self.names;
            let changes = self.changes.iter();
            let changes =
                changes.map(|(index, change)| (Cow::Borrowed(names[*index].as_str()), *change));
            if write_metadata(&mut self.buffer, metadata, changes) {
                noted = span(start, self.buffer.len())?;
            }
            self.changes.clear();
        }
        self.rows.push(RowSpans {
            after,
            metadata: noted,
            emitted_at,
            line: self.row.line,
            ..RowSpans::default()
        });
        self.begin();
        Ok(())
    }

    fn begin(&mut self) {
        self.row = Row {
            start: self.buffer.len(),
            after: self.buffer.len(),
            ..Row::default()
        };
    }

    /// Takes back the row that is not ended.
    pub fn abandon_row(&mut self) {
        self.buffer.truncate(self.row.start);
        self.changes.clear();
        self.begin();
    }

    /// The rows; starts anew. `form` names the form of the lines, where they were kept.
    pub fn finish(&mut self, form: Option<WireForm>) -> Rows {
        self.abandon_row();
        let anew = Vec::with_capacity(self.buffer.len().min(16 << 20));
        let buffer = std::mem::replace(&mut self.buffer, anew);
        self.begin();
        self.rows.finish(Bytes::from(buffer), form)
    }
}

fn span(start: usize, end: usize) -> Result<Span> {
    Span::new(start, end).ok_or_else(|| {
        Error::new(
            &code::DATA_INVALID,
            "the rows of a batch would exceed 4 GiB",
        )
        .hint("read smaller batches; a single value of this size cannot be in a row")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_whole_and_can_be_taken_back() {
        let names = || vec!["a".to_owned(), "b\"".to_owned()];
        let mut rows = TypedToRows::new(names());
        rows.put_line(b"line").unwrap();
        rows.put(Typed::Number(f64::NAN));
        rows.abandon_row();
        rows.put_line(b"line").unwrap();
        rows.end_row(1, Some(br#"{"x":1}"#)).unwrap();
        rows.put(Typed::Integer(1));
        rows.put(Typed::Integer(2));
        rows.put(Typed::Integer(3));
        rows.end_row(2, None).unwrap();
        rows.put(Typed::Integer(4));
        let rows = rows.finish(Some("form"));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows.after(0), br#"{"a":null,"b\"":null}"#);
        assert_eq!(rows.line(0), Some(&b"line"[..]));
        assert_eq!(rows.metadata(0), Some(&br#"{"x":1}"#[..]));
        assert_eq!(rows.after(1), br#"{"a":1,"b\"":2}"#);
        assert_eq!((rows.line(1), rows.metadata(1)), (None, None));
        let mut none = TypedToRows::new(Vec::new());
        none.put(Typed::Null);
        none.end_row(0, None).unwrap();
        assert_eq!(none.finish(None).after(0), b"{}");
    }
}
