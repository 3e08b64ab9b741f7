//! Fields that stand in the names of folders, as in `orders/country=DE/year=2026/data.csv`: what
//! Hive began, and what partitioned destinations write, ours too.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use bytes::Bytes;
use crossdock_core::batch::{Body, Columns, Operations, Rows, RowsBuilder, Span};
use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::code;
use crossdock_core::convert::{RowsToColumns, write_string};
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::StreamSchema;
use serde_json::{Map, Value};

use super::kind::{Guess, Kind};
use super::list::Found;
use super::record::{Records, SourceFormat, Step};
use crate::semantics::partition::NULL;

/// Marks the schema of a field that is not in the files.
const MARK: &str = "in_path";

/// A format, and the fields of its files' folders.
pub(crate) struct Hive(pub(crate) Arc<dyn SourceFormat>);

impl SourceFormat for Hive {
    fn infer(&self, files: &[Found]) -> Result<Value> {
        let mut schema = self.0.infer(files)?;
        let mut guesses: BTreeMap<String, (usize, Guess)> = BTreeMap::new();
        for found in files {
            for (depth, (key, value)) in fields(&found.name).enumerate() {
                let (_, guess) = guesses.entry(key).or_insert((depth, Guess::default()));
                value.iter().for_each(|value| guess.see(value));
            }
        }
        let mut guesses: Vec<_> = guesses.into_iter().collect();
        guesses.sort_by_key(|(_, (depth, _))| *depth);
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for (key, (_, guess)) in guesses {
                // What the files themselves say is nearer to the truth.
                if let serde_json::map::Entry::Vacant(entry) = properties.entry(key) {
                    let mut property = guess.kind().schema();
                    property[MARK] = true.into();
                    entry.insert(property);
                }
            }
        }
        Ok(schema)
    }

    fn records(
        &self,
        stream: &ConfiguredStream,
        found: &Found,
        place: (u64, u64),
    ) -> Result<Box<dyn Records>> {
        let records = self.0.records(stream, found, place)?;
        let properties = stream.stream.json_schema.get("properties");
        let properties = properties.and_then(Value::as_object);
        let marked = properties.into_iter().flatten();
        let marked: Map<String, Value> = marked
            .filter(|(_, property)| property[MARK] == true)
            .map(|(name, property)| (name.clone(), property.clone()))
            .collect();
        if marked.is_empty() {
            return Ok(records);
        }
        let values: BTreeMap<String, Option<String>> = fields(&found.name).collect();
        let mut members = Vec::new();
        for (name, property) in &marked {
            members.push(b',');
            write_string(&mut members, name.as_bytes());
            members.push(b':');
            write_value(
                &mut members,
                property,
                values.get(name).and_then(Option::as_deref),
            );
        }
        let schema = serde_json::json!({ "properties": marked });
        Ok(Box::new(WithFields {
            records,
            schema: StreamSchema::from_json_schema(&schema),
            members,
        }))
    }

    fn continues(&self, found: &Found, offset: u64) -> Result<bool> {
        self.0.continues(found, offset)
    }

    fn extensions(&self) -> &'static [&'static str] {
        self.0.extensions()
    }
}

/// The fields of a file's folders, the outermost first.
fn fields(path: &str) -> impl Iterator<Item = (String, Option<String>)> {
    let folders = path.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders.split('/').filter_map(|folder| {
        let (key, value) = folder.split_once('=').filter(|(key, _)| !key.is_empty())?;
        Some((decoded(key), (value != NULL).then(|| decoded(value))))
    })
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn write_value(out: &mut Vec<u8>, property: &Value, value: Option<&str>) {
    let Some(value) = value else {
        out.extend_from_slice(b"null");
        return;
    };
    let kind = Kind::of_schema(property);
    match kind {
        Kind::Integer | Kind::Number if kind.fits(value) => out.extend_from_slice(value.as_bytes()),
        Kind::Boolean if kind.fits(value) => {
            out.extend_from_slice(value.to_ascii_lowercase().as_bytes());
        }
        _ => write_string(out, value.as_bytes()),
    }
}

/// The records of a file, each with the fields of its folders.
struct WithFields {
    records: Box<dyn Records>,
    schema: StreamSchema,
    /// `,"name":value` for each field.
    members: Vec<u8>,
}

impl Records for WithFields {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Step> {
        let start = out.len();
        Ok(match self.records.next(out)? {
            Step::Record => {
                self.extend(out, start);
                Step::Record
            }
            Step::Batch(Body::Rows(rows)) => Step::Batch(Body::Rows(self.rows(&rows)?)),
            Step::Batch(Body::Columns(columns)) => {
                Step::Batch(Body::Columns(self.columns(columns)?))
            }
            other => other,
        })
    }

    fn place(&self) -> (u64, u64) {
        self.records.place()
    }
}

impl WithFields {
    /// Adds the fields to the object that begins at `start` and ends with `out`.
    fn extend(&self, out: &mut Vec<u8>, start: usize) {
        out.pop();
        let is_empty = out[start..].trim_ascii_end() == b"{";
        out.extend_from_slice(&self.members[usize::from(is_empty)..]);
        out.push(b'}');
    }

    fn rows(&self, rows: &Rows) -> Result<Rows> {
        let mut out = Vec::with_capacity(rows.bytes() + rows.len() * self.members.len());
        let mut extended = RowsBuilder::default();
        for row in 0..rows.len() {
            let start = out.len();
            out.extend_from_slice(rows.after(row));
            self.extend(&mut out, start);
            let span = Span::new(start, out.len())
                .ok_or_else(|| Error::new(&code::RECORD_TOO_LARGE, "a batch exceeds 4 GiB"))?;
            extended.push_line(span, rows.emitted_at(row), Span::NONE);
        }
        Ok(extended.finish(Bytes::from(out), None))
    }

    /// The same value in every row. The columns stand there already, with nulls.
    fn columns(&self, columns: Columns) -> Result<Columns> {
        let mut row = Vec::from(b"{");
        row.extend_from_slice(&self.members[1..]);
        row.push(b'}');
        let mut one = RowsBuilder::default();
        one.push_line(Span::new(0, row.len()).unwrap_or(Span::NONE), 0, Span::NONE);
        let mut collect = RowsToColumns::new(&self.schema, None);
        collect.append(&one.finish(Bytes::from(row), None))?;
        let same = collect.finish()?.select(&vec![0; columns.len()])?.values;
        let given = columns.values.schema();
        let arrays = given.fields().iter().zip(columns.values.columns());
        let arrays = arrays.map(|(field, array)| {
            let same = same.column_by_name(field.name());
            same.unwrap_or(array).clone()
        });
        let schema = Schema::new(given.fields().clone());
        let values = RecordBatch::try_new(Arc::new(schema), arrays.collect());
        let values = values.map_err(|cause| {
            Error::new(&code::INTERNAL, "the fields of a folder do not fit").caused_by(cause)
        })?;
        Ok(Columns {
            values,
            operations: Operations::default(),
            ..columns
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_tell_fields() {
        let check = |path: &str, expected: &[(&str, Option<&str>)]| {
            let found: Vec<_> = fields(path).collect();
            let expected = expected.iter();
            let expected: Vec<_> = expected
                .map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned)))
                .collect();
            assert_eq!(found, expected, "{path}");
        };
        check("data.csv", &[]);
        check("a=1.csv", &[]);
        check(
            "x/a=1/b=c=d/data.csv",
            &[("a", Some("1")), ("b", Some("c=d"))],
        );
        check("a%3D=%C3%BC%2F%/=x/d", &[("a=", Some("ü/%"))]);
        check(
            "/a=/b=__HIVE_DEFAULT_PARTITION__/d",
            &[("a", Some("")), ("b", None)],
        );
    }
}
