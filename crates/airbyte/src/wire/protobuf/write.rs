//! Batches and messages to frames.

use std::collections::HashMap;
use std::ops::Range;

use crossdock_core::batch::{Columns, Operation, Rows};
use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::code;
use crossdock_core::convert::{Fit, Typed};
use crossdock_core::error::{Error, Result};
use crossdock_core::json::scan::{Members, ScanError, unquote};
use crossdock_core::schema::DataType;

use super::cells::{self, Cells, Taker};
use super::position::Positions;
use super::{Layout, encode, meta, relay, varint};

/// The property that tells deletes of change-data-capture sources (§1.9).
const DELETED_AT: &str = "_ab_cdc_deleted_at";

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
    frame: Frame,
    scratch: Vec<u8>,
    changes: Vec<Change>,
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
    nulled: bool,
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
            frame: Frame::default(),
            scratch: Vec::new(),
            changes: Vec::new(),
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
        let start = out.len();
        let first = range.start.min(columns.len());
        let last = range.end.clamp(first, columns.len());
        let values = columns.values.slice(first, last - first);
        let schema = values.schema_ref();
        let cells = self.fields.iter().map(|field| {
            let index = schema.index_of(&field.name).ok();
            Ok((Cells::of(&values, index, field.data_type)?, field.data_type))
        });
        let cells = cells.collect::<Result<Vec<_>>>()?;
        for record in first..last {
            let row = record - first;
            let emitted_at = columns.emitted_at.get(record).copied().unwrap_or_default();
            let deleted = self.deleted(columns.operations.get(record));
            let deleted = deleted.inspect_err(|_| out.truncate(start))?;
            self.frame.begin(out, self.head.at(partition, emitted_at));
            for (place, (cells, data_type)) in cells.iter().enumerate() {
                if deleted == Some(place) && cells.is_null(row) {
                    write_deleted(out, self.layout, *data_type, emitted_at);
                    continue;
                }
                let mut value = Value {
                    out,
                    layout: self.layout,
                    data_type: *data_type,
                    field: place,
                    changes: &mut self.changes,
                };
                cells.give(row, *data_type, &mut self.scratch, &mut value);
            }
            let metadata = columns.metadata.as_ref();
            let metadata = metadata.filter(|m| arrow_array::Array::is_valid(*m, record));
            self.end(
                out,
                metadata.map(|metadata| metadata.value(record).as_bytes()),
            );
        }
        Ok(())
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
            self.frame.begin(out, self.head.at(partition, emitted_at));
            relay::values(frame, out)?;
            self.frame.end(out);
            return Ok(());
        }
        let operation = rows.operation(row);
        let deleted = self.deleted(operation)?;
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
        self.frame.begin(out, self.head.at(partition, emitted_at));
        for (place, (field, (from, to))) in self.fields.iter().zip(&self.places).enumerate() {
            let token = &text[*from..*to];
            if deleted == Some(place) && matches!(token, b"" | b"null") {
                write_deleted(out, self.layout, field.data_type, emitted_at);
            } else if token.is_empty() {
                out.extend_from_slice(&encode::NULL);
            } else {
                let (read, fit) = Typed::of_json(field.data_type, token, &mut self.scratch);
                let mut value = Value {
                    out,
                    layout: self.layout,
                    data_type: field.data_type,
                    field: place,
                    changes: &mut self.changes,
                };
                value.take(read, fit);
            }
        }
        self.end(out, rows.metadata(row));
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

    /// The place of the mark that a record of this operation gets.
    fn deleted(&self, operation: Operation) -> Result<Option<usize>> {
        match (operation, self.deleted_at) {
            (Operation::Delete, None) => Err(Error::new(
                &code::DATA_INVALID,
                "a delete cannot be sent: the stream's schema has no property that tells it",
            )
            .with("property", DELETED_AT)
            .hint("add the property to the stream's schema, or use the data channel's form JSONL")),
            (Operation::Delete, place) => Ok(place),
            _ => Ok(None),
        }
    }

    /// Ends the record's frame with what had to be changed.
    #[inline(always)]
    fn end(&mut self, out: &mut Vec<u8>, metadata: Option<&[u8]>) {
        if metadata.is_some() || !self.changes.is_empty() {
            self.note(out, metadata);
        }
        self.frame.end(out);
    }

    #[cold]
    fn note(&mut self, out: &mut Vec<u8>, metadata: Option<&[u8]>) {
        self.scratch.clear();
        if let Some(metadata) = metadata {
            meta::write_metadata(&mut self.scratch, metadata);
        }
        for change in self.changes.drain(..) {
            let (kind, reason) = match change.nulled {
                true => (meta::NULLED, meta::SOURCE_SERIALIZATION),
                false => (meta::TRUNCATED, meta::SOURCE_FIELD_SIZE),
            };
            let name = self.fields[change.field].name.as_bytes();
            meta::write_entry(&mut self.scratch, name, kind, reason);
        }
        if !self.scratch.is_empty() {
            out.push(0x32);
            varint::write(out, self.scratch.len() as u64);
            out.extend_from_slice(&self.scratch);
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

/// A value of a record that is being written.
struct Value<'a> {
    out: &'a mut Vec<u8>,
    layout: Layout,
    data_type: DataType,
    field: usize,
    changes: &'a mut Vec<Change>,
}

impl Taker for Value<'_> {
    /// Appends the value, or a null with a change to be told.
    #[inline(always)]
    fn take(&mut self, value: Typed<'_>, fit: Fit) {
        let written = encode::write(self.out, self.layout, self.data_type, value);
        if !written {
            self.out.extend_from_slice(&encode::NULL);
        }
        if !written || fit != Fit::Whole {
            self.changes.push(Change {
                field: self.field,
                nulled: !written || fit == Fit::Nothing,
            });
        }
    }

    #[inline(always)]
    fn take_text(&mut self, ahead: &[u8], length: usize, is_json: bool) {
        encode::text_ahead(self.out, ahead, length, is_json);
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

/// What stands before the values of a record, prepared for the next record as it was for the last.
#[derive(Debug)]
struct Head {
    bytes: Vec<u8>,
    /// The length of the part that is the stream's own.
    stream: usize,
    partition: String,
    emitted_at: Option<i64>,
}

impl Head {
    fn new(name: &str, namespace: Option<&str>) -> Self {
        let mut bytes = Vec::new();
        let mut text = |tag: u8, text: &str| {
            bytes.push(tag);
            varint::write(&mut bytes, text.len() as u64);
            bytes.extend_from_slice(text.as_bytes());
        };
        if let Some(namespace) = namespace {
            text(0x0a, namespace);
        }
        text(0x12, name);
        Self {
            stream: bytes.len(),
            bytes,
            partition: String::new(),
            emitted_at: None,
        }
    }

    #[inline(always)]
    fn at(&mut self, partition: &str, emitted_at: i64) -> &[u8] {
        if self.emitted_at != Some(emitted_at) || self.partition != partition {
            self.change(partition, emitted_at);
        }
        &self.bytes
    }

    #[inline(never)]
    fn change(&mut self, partition: &str, emitted_at: i64) {
        self.bytes.truncate(self.stream);
        // As everywhere in proto3, what is zero or empty is not written.
        if emitted_at > 0 {
            self.bytes.push(0x18);
            varint::write(&mut self.bytes, emitted_at.cast_unsigned());
        }
        if !partition.is_empty() {
            self.bytes.push(0x22);
            varint::write(&mut self.bytes, partition.len() as u64);
            self.bytes.extend_from_slice(partition.as_bytes());
        }
        if self.partition != partition {
            partition.clone_into(&mut self.partition);
        }
        self.emitted_at = Some(emitted_at);
    }
}

/// A frame that is being written. Its two lengths stand before what they count, so room is left for as
/// many bytes as those of the last frame took; mostly that is right, and nothing need be moved.
#[derive(Debug, Default)]
struct Frame {
    start: usize,
    room: usize,
}

impl Frame {
    #[inline(always)]
    fn begin(&mut self, out: &mut Vec<u8>, head: &[u8]) {
        self.start = out.len();
        self.room = self.room.max(3);
        out.extend_from_slice(&[0; 16][..self.room]);
        out.extend_from_slice(head);
    }

    #[inline(always)]
    fn end(&mut self, out: &mut Vec<u8>) {
        let content = self.start + self.room;
        let record = (out.len() - content) as u64;
        let message = 1 + varint::length(record) as u64 + record;
        let room = varint::length(message) + 1 + varint::length(record);
        if room != self.room {
            self.move_content(out, room);
        }
        let mut at = self.start;
        for (value, tag) in [(message, 0x0a), (record, 0)] {
            let mut rest = value;
            while rest >= 0x80 {
                out[at] = rest as u8 | 0x80;
                rest >>= 7;
                at += 1;
            }
            out[at] = rest as u8;
            at += 1;
            if tag != 0 {
                out[at] = tag;
                at += 1;
            }
        }
    }

    #[cold]
    fn move_content(&mut self, out: &mut Vec<u8>, room: usize) {
        let content = self.start + self.room;
        let length = out.len() - content;
        let end = self.start + room + length;
        out.resize(out.len().max(end), 0);
        out.copy_within(content..content + length, self.start + room);
        out.truncate(end);
        self.room = room;
    }
}
