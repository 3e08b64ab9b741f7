//! Batches and messages to frames.

use std::collections::HashMap;
use std::mem;
use std::ops::Range;

use crossdock_core::batch::{Columns, Operation, Rows};
use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::code;
use crossdock_core::convert::{Fit, Typed};
use crossdock_core::error::{Error, Result};
use crossdock_core::json::scan::{Members, ScanError, unquote};
use crossdock_core::schema::DataType;

use super::cells::{self, Cells};
use super::encoded::{Encoded, RUN, Records, Slots};
use super::envelope::Head;
use super::position::Positions;
use super::{Layout, encode, meta, relay, varint};
use crate::wire::deletion::DELETED_AT;

/// Writes the records of one stream as frames, and messages.
#[derive(Debug)]
pub struct FrameWriter {
    layout: Layout,
    fields: Vec<Field>,
    by_name: HashMap<Box<[u8]>, usize>,
    deleted_at: Option<usize>,
    /// For each member of the last row, in its order, the field that it was.
    order: Vec<usize>,
    head: Head,
    /// The values of a row that is being written.
    record: Vec<u8>,
    scratch: Vec<u8>,
    /// Room that columns were encoded in and records put together, to be used again.
    slots: Vec<Slots>,
    room: Vec<u8>,
    /// Where each field's value stands in a row, `0..0` for those that it lacks.
    places: Vec<(usize, usize)>,
}

/// A field, in its place on the wire.
#[derive(Debug)]
struct Field {
    name: String,
    data_type: DataType,
}

/// A value that is not all there.
#[derive(Clone, Copy, Debug)]
struct Change {
    field: usize,
    fit: Fit,
}

impl FrameWriter {
    /// A writer of the records of `stream`, which is called as in the reader's catalog and has the reader's
    /// schema: that is where the order of the values comes from.
    #[must_use]
    pub fn new(layout: Layout, stream: &ConfiguredStream) -> Self {
        let positions = Positions::of(&stream.stream.json_schema);
        let fields: Vec<Field> = positions
            .fields()
            .map(|(name, data_type)| Field {
                name: name.to_owned(),
                data_type,
            })
            .collect();
        let names = fields.iter().enumerate();
        Self {
            layout,
            by_name: names
                .map(|(place, field)| (field.name.as_bytes().into(), place))
                .collect(),
            deleted_at: fields.iter().position(|field| field.name == DELETED_AT),
            places: vec![(0, 0); fields.len()],
            order: Vec::new(),
            fields,
            head: Head::new(&stream.stream.name, stream.stream.namespace.as_deref()),
            record: Vec::new(),
            scratch: Vec::new(),
            slots: Vec::new(),
            room: Vec::new(),
        }
    }

    /// Appends a frame for each record. Columns are found by their names; one that the batch lacks is null in
    /// every record, and one that the schema does not know has no place here. A value that does not suit
    /// the schema's type is null, and `meta.changes` says so.
    ///
    /// Errors, and then nothing is appended: a delete where the schema has no `_ab_cdc_deleted_at` to tell it
    /// by, or a column of a type that cannot be written.
    pub fn columns(&mut self, columns: &Columns, partition: &str, out: &mut Vec<u8>) -> Result<()> {
        self.columns_range(columns, 0..columns.len(), partition, out)
    }

    /// The same of the records `range` alone; a range beyond the records is cut.
    pub fn columns_range(
        &mut self,
        columns: &Columns,
        range: Range<usize>,
        partition: &str,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let first = range.start.min(columns.len());
        let last = range.end.clamp(first, columns.len());
        let values = columns.values.slice(first, last - first);
        let schema = values.schema_ref();
        let cells = self.fields.iter().map(|field| {
            let index = schema.index_of(&field.name).ok();
            Cells::of(&values, index, field.data_type)
        });
        let cells = cells.collect::<Result<Vec<_>>>()?;
        if (first..last).any(|record| columns.operations.get(record) == Operation::Delete) {
            self.place_of_deletes()?;
        }
        for from in (0..last - first).step_by(RUN) {
            let rows = from..(last - first).min(from + RUN);
            self.run(&cells, columns, first, rows, partition, out);
        }
        Ok(())
    }

    /// Appends frames of these rows of `cells`, whose first one is record `first` of `columns`.
    fn run(
        &mut self,
        cells: &[Cells<'_>],
        columns: &Columns,
        first: usize,
        rows: Range<usize>,
        partition: &str,
        out: &mut Vec<u8>,
    ) {
        let emitted_at = |row: usize| columns.emitted_at.get(first + row).copied();
        let is_delete = |row: usize| columns.operations.get(first + row) == Operation::Delete;
        let mut changes = Vec::new();
        let mut parts = Vec::with_capacity(self.fields.len() + 1);
        for (place, (field, cells)) in self.fields.iter().zip(cells).enumerate() {
            let changed = |row, fit| changes.push((row, Change { field: place, fit }));
            let slots = self.slots.pop().unwrap_or_default();
            let part = cells.encode(rows.clone(), self.layout, field.data_type, slots, changed);
            let deletes = self.deleted_at == Some(place) && rows.clone().any(is_delete);
            parts.push(if deletes {
                let found = Records::of(&[part], rows.len(), Vec::new());
                Encoded::any(rows.clone(), |out, row| match found.get(row - rows.start) {
                    value if is_delete(row) && value == encode::NULL => {
                        let at = emitted_at(row).unwrap_or_default();
                        write_deleted(out, self.layout, field.data_type, at);
                    }
                    value => out.extend_from_slice(value),
                })
            } else {
                part
            });
        }
        let metadata = columns.metadata.as_ref();
        if metadata.is_some() || !changes.is_empty() {
            // Those of one record are together, in the order of the fields.
            changes.sort_by_key(|(row, _)| *row);
            parts.push(Encoded::any(rows.clone(), |out, row| {
                let from = changes.partition_point(|(of, _)| *of < row);
                let own = changes[from..].iter().take_while(|(of, _)| *of == row);
                let metadata = metadata.filter(|m| arrow_array::Array::is_valid(*m, first + row));
                let metadata = metadata.map(|m| m.value(first + row).as_bytes());
                self.notes(metadata, own.map(|(_, change)| change), out);
            }));
        }
        let records = Records::of(&parts, rows.len(), mem::take(&mut self.room));
        out.reserve(records.bytes());
        for (row, record) in rows.zip(records.iter()) {
            let at = emitted_at(row).unwrap_or_default();
            self.head.append(partition, at, record, out);
        }
        self.room = records.into_room();
        self.slots
            .extend(parts.into_iter().filter_map(Encoded::into_slots));
    }

    /// The same of rows: their values are read as of the types of the schema, leniently and with all of their
    /// digits. Members that the schema does not declare have no place here. Rows that have frames of this layout
    /// for lines and no values ([`Wanted::Nothing`](super::Wanted::Nothing)) are passed on under this stream's name:
    /// their stream must have the same properties.
    ///
    /// Errors, and then nothing is appended: a row that is no JSON object, or a delete as above.
    pub fn rows(&mut self, rows: &Rows, partition: &str, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        for row in 0..rows.len() {
            if let Err(error) = self.row(rows, row, partition, out) {
                out.truncate(start);
                return Err(error.with("row", row));
            }
        }
        Ok(())
    }

    fn row(&mut self, rows: &Rows, row: usize, partition: &str, out: &mut Vec<u8>) -> Result<()> {
        let emitted_at = rows.emitted_at(row);
        if rows.form() == Some(self.layout.form())
            && rows.after(row).is_empty()
            && let Some(frame) = rows.line(row)
        {
            self.record.clear();
            relay::values(frame, &mut self.record)?;
            self.head.append(partition, emitted_at, &self.record, out);
            return Ok(());
        }
        let operation = rows.operation(row);
        let deleted = match operation {
            Operation::Delete => Some(self.place_of_deletes()?),
            _ => None,
        };
        let mut text = rows.after(row);
        if operation == Operation::Delete {
            // A delete carries the row that it removes, or its key.
            let is_object = |text: &&[u8]| text.trim_ascii_start().starts_with(b"{");
            let gone = [Some(text), rows.before(row), rows.key(row)];
            text = gone.into_iter().flatten().find(is_object).unwrap_or(b"{}");
        }
        self.find(text).map_err(|cause| {
            Error::new(&code::DATA_INVALID, "a record's data is not a JSON object").caused_by(cause)
        })?;
        let mut changes = Vec::new();
        let mut record = mem::take(&mut self.record);
        record.clear();
        for (place, (field, (from, to))) in self.fields.iter().zip(&self.places).enumerate() {
            let token = &text[*from..*to];
            if deleted == Some(place) && matches!(token, b"" | b"null") {
                write_deleted(&mut record, self.layout, field.data_type, emitted_at);
            } else if token.is_empty() {
                record.extend_from_slice(&encode::NULL);
            } else {
                let (value, fit) = Typed::of_json(field.data_type, token, &mut self.scratch);
                let fit = encode::fitting(&mut record, self.layout, field.data_type, value, fit);
                if fit != Fit::Whole {
                    changes.push(Change { field: place, fit });
                }
            }
        }
        self.notes(rows.metadata(row), changes.iter(), &mut record);
        self.head.append(partition, emitted_at, &record, out);
        self.record = record;
        Ok(())
    }

    /// Finds the fields' values in a row. Of a key that stands twice the last counts.
    fn find(&mut self, text: &[u8]) -> Result<(), ScanError> {
        self.places.fill((0, 0));
        let mut members = Members::new(text, 0)?;
        let mut ordinal = 0;
        while let Some(member) = members.next()? {
            let raw = member.raw_key(text);
            let guess = self.order.get(ordinal).copied().unwrap_or(usize::MAX);
            let guessed = self
                .fields
                .get(guess)
                .is_some_and(|f| f.name.as_bytes() == raw);
            let field = if guessed {
                Some(guess)
            } else {
                let quoted = &text[member.key_start - 1..=member.key_end];
                let name = unquote(quoted);
                let found = name.and_then(|name| self.by_name.get(name.as_bytes()).copied());
                self.order
                    .resize(self.order.len().max(ordinal + 1), usize::MAX);
                self.order[ordinal] = found.unwrap_or(usize::MAX);
                found
            };
            if let Some(field) = field {
                self.places[field] = (member.value_start, member.value_end);
            }
            ordinal += 1;
        }
        let end = crossdock_core::json::scan::skip_space(text, members.end());
        if end != text.len() {
            return Err(ScanError {
                at: end,
                expected: "the end of the object",
            });
        }
        Ok(())
    }

    /// The place of the mark that deletes get.
    fn place_of_deletes(&self) -> Result<usize> {
        self.deleted_at.ok_or_else(|| {
            Error::new(
                &code::DATA_INVALID,
                "a delete cannot be sent: the stream's schema has no property that tells it",
            )
            .with("property", DELETED_AT)
            .hint("add the property to the stream's schema, or use the data channel's form JSONL")
        })
    }

    /// Appends what is to be said of a record, if anything is.
    fn notes<'a>(
        &self,
        metadata: Option<&[u8]>,
        changes: impl Iterator<Item = &'a Change>,
        out: &mut Vec<u8>,
    ) {
        let mut entries = Vec::new();
        if let Some(metadata) = metadata {
            meta::write_metadata(&mut entries, metadata);
        }
        for change in changes {
            let (kind, reason) = match change.fit {
                Fit::Nothing => (meta::NULLED, meta::SOURCE_SERIALIZATION),
                _ => (meta::TRUNCATED, meta::SOURCE_FIELD_SIZE),
            };
            let name = self.fields[change.field].name.as_bytes();
            meta::write_entry(&mut entries, name, kind, reason);
        }
        if !entries.is_empty() {
            out.push(0x32);
            varint::write(out, entries.len() as u64);
            out.extend_from_slice(&entries);
        }
    }

    /// Appends a frame with a message that is no record: its complete JSON text, with or without the line's
    /// end.
    pub fn message(line: &[u8], out: &mut Vec<u8>) {
        let text = line.trim_ascii_end();
        let length = text.len() as u64;
        varint::write(out, 1 + varint::length(length) as u64 + length);
        out.push(0x12);
        varint::write(out, length);
        out.extend_from_slice(text);
    }

    /// Appends a sign of life, which readers skip.
    pub fn probe(out: &mut Vec<u8>) {
        out.extend_from_slice(&[0x02, 0x1a, 0x00]);
    }
}

/// When a record was deleted, in the type that the schema has for it.
#[cold]
fn write_deleted(out: &mut Vec<u8>, layout: Layout, data_type: DataType, emitted_at: i64) {
    let micros = emitted_at.saturating_mul(1000);
    let mut text = vec![b'"'];
    cells::moment(micros).write_time(&mut text);
    text.push(b'"');
    let mut scratch = Vec::new();
    let (value, _) = Typed::of_json(data_type, &text, &mut scratch);
    // A type that takes no time at all: what counts is that there is a value.
    let value = match value {
        Typed::Null => Typed::Json(b"true"),
        value => value,
    };
    encode::write(out, layout, data_type, value);
}
