//! The records of one CSV file: found, checked against the types of the columns, and told as JSON.

use std::collections::HashSet;
use std::io::BufRead;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossdock_core::code;
use crossdock_core::convert::write_string;
use crossdock_core::error::{Error, Result};
use csv::{ByteRecord, ErrorKind, Reader};

use super::dialect::Dialect;
use crate::file::fault::io;
use crate::file_source::input::{Input, Limited, not_utf8};
use crate::file_source::kind::Kind;
use crate::file_source::list::Found;
use crate::file_source::record::{Records, Step};
use crate::semantics::column_shape::ADDITIONAL;
use crate::semantics::undeclared::spread;

/// Longest record that is read, in bytes (P11).
const LONGEST: u64 = 256 << 20;

/// A column that is read.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// The name with its quotes and colon, as it stands before a value.
    key: Vec<u8>,
    name: String,
    kind: Kind,
}

impl Column {
    /// A column of this name and type.
    pub(crate) fn new(name: &str, kind: Kind) -> Self {
        let mut key = Vec::new();
        write_string(&mut key, name.as_bytes());
        key.push(b':');
        Self {
            key,
            name: name.to_owned(),
            kind,
        }
    }
}

/// The fields of a file, one line after another.
pub(crate) struct Fields {
    reader: Reader<Limited<Box<dyn BufRead + Send>>>,
    taken: Arc<AtomicU64>,
    found: Found,
    offset: u64,
    line: u64,
    record: ByteRecord,
}

impl Fields {
    pub(crate) fn new(dialect: Dialect, input: Input, found: &Found, line: u64) -> Self {
        let taken = Arc::new(AtomicU64::new(0));
        let limited = Limited::new(input.text, taken.clone(), LONGEST);
        Self {
            reader: dialect.builder().from_reader(limited),
            taken,
            found: found.clone(),
            offset: input.offset,
            line,
            record: ByteRecord::new(),
        }
    }

    /// The next line's fields and its number.
    pub(crate) fn next(&mut self) -> Result<Option<(&ByteRecord, u64)>> {
        self.taken.store(0, Ordering::Relaxed);
        let more = self
            .reader
            .read_byte_record(&mut self.record)
            .map_err(|cause| {
                let line = self.line + self.reader.position().line() - 1;
                match cause.into_kind() {
                    ErrorKind::Io(cause) => {
                        io("read the file", &self.found.path)(cause).with("line", line)
                    }
                    other => Error::new(
                        &code::DATA_INVALID,
                        format!("the file cannot be read on: {other:?}"),
                    )
                    .with("path", &self.found.name)
                    .with("line", line),
                }
            })?;
        let line = self.record.position().map_or(0, csv::Position::line);
        Ok(more.then_some((&self.record, self.line + line - 1)))
    }

    /// Offset and line of the next record.
    fn place(&self) -> (u64, u64) {
        let position = self.reader.position();
        (
            self.offset + position.byte(),
            self.line + position.line() - 1,
        )
    }

    /// The names in the first line. `None`: the file is empty.
    pub(crate) fn header(&mut self) -> Result<Option<Vec<String>>> {
        let name = self.found.name.clone();
        let wrong = |why: String| {
            Error::new(&code::DATA_INVALID, why)
                .with("path", &name)
                .with("line", 1)
                .hint("correct the header, or set `header: false` and `columns`")
        };
        let Some((record, _)) = self.next()? else {
            return Ok(None);
        };
        let mut names = Vec::new();
        let mut known = HashSet::new();
        for (at, field) in record.iter().enumerate() {
            let text = std::str::from_utf8(field).map_err(|_| wrong(not_utf8("the header")))?;
            let text = if text.trim().is_empty() {
                unnamed(at)
            } else {
                text.trim().to_owned()
            };
            if !known.insert(text.clone()) {
                return Err(wrong(format!("two columns are named `{text}`")));
            }
            names.push(text);
        }
        Ok(Some(names))
    }
}

/// The name of the column `at` that has none.
pub(crate) fn unnamed(at: usize) -> String {
    format!("column_{}", at + 1)
}

/// The records of one file.
pub(crate) struct Table {
    pub(crate) fields: Fields,
    /// What is read of each field of a line.
    pub(crate) columns: Vec<Option<Column>>,
    pub(crate) null_values: Vec<String>,
}

impl Records for Table {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Step> {
        let Some((record, line)) = self.fields.next()? else {
            return Ok(Step::End);
        };
        let start = out.len();
        let bad = |reason: String| {
            let fields: Vec<&[u8]> = record.iter().collect();
            Ok(Step::Bad {
                line,
                reason,
                text: fields.join(&b","[..]),
            })
        };
        if record.len() != self.columns.len() {
            let fields = match record.len() {
                1 => "1 field".to_owned(),
                count => format!("{count} fields"),
            };
            let columns = self.columns.len();
            return bad(format!(
                "the line has {fields} where there are {columns} columns"
            ));
        }
        out.push(b'{');
        for (field, column) in record.iter().zip(&self.columns) {
            let Some(column) = column else {
                continue;
            };
            if column.name == ADDITIONAL && (field.is_empty() || spread(out, field)) {
                continue;
            }
            if out.len() > start + 1 {
                out.push(b',');
            }
            out.extend_from_slice(&column.key);
            let Ok(text) = std::str::from_utf8(field) else {
                out.truncate(start);
                return bad(not_utf8(&format!("the field `{}`", column.name)));
            };
            if self.null_values.iter().any(|null| null == text) {
                out.extend_from_slice(b"null");
                continue;
            }
            if !column.kind.fits(text) {
                out.truncate(start);
                let shown: String = text.chars().take(40).collect();
                return bad(format!(
                    "the field `{}` is `{shown}`, which is not {}; `types` can set another type",
                    column.name,
                    column.kind.word()
                ));
            }
            match column.kind {
                Kind::Integer | Kind::Number | Kind::Json => out.extend_from_slice(field),
                Kind::Boolean if field.len() == 4 => out.extend_from_slice(b"true"),
                Kind::Boolean => out.extend_from_slice(b"false"),
                Kind::String | Kind::Date | Kind::Timestamp | Kind::LocalTimestamp => {
                    write_string(out, field);
                }
            }
        }
        out.push(b'}');
        Ok(Step::Record)
    }

    fn place(&self) -> (u64, u64) {
        self.fields.place()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_is_valid_json(text in any::<String>()) {
            let mut out = Vec::new();
            super::write_string(&mut out, text.as_bytes());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
