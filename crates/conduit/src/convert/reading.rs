//! From a source's messages to batches. Pure: what needs to be asked for, such as a schema, is named
//! and given.
//!
//! | on the wire | in a batch |
//! |---|---|
//! | `opencdc.collection`, else the connector's name | the stream |
//! | structured data | the object |
//! | raw data with a schema in the metadata | the object that they encode (Avro) |
//! | other raw data | `{"raw": "text"}`, or `{"raw_base64": "…"}` if they are not UTF-8 |
//! | metadata | the record's metadata |
//! | `opencdc.readAt` | the time at which it was emitted |

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::convert::write_string;
use crossdock_core::event::Event;
use crossdock_core::json::scan::{self, Members};
use crossdock_core::learnt::Learnt;
use crossdock_core::raw::{self, RAW_PARTS, RawParts};
use crossdock_core::stream::StreamId;

use super::encoding::{SchemaName, decode, described, schema_name, schema_text};
use super::unacknowledged::{PositionFault, Unacknowledged};
use crate::wire::FORM;
use crate::wire::record::{
    COLLECTION, CONNECTOR_ID, Data, KEY_SCHEMA, PAYLOAD_SCHEMA, Place, READ_AT, RecordView,
    Records, SchemaKeys, append_metadata, operation,
};
use crate::wire::structured;
use crossdock_avro as avro;
use crossdock_core::fault::Fault;

/// Why a message cannot be taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is broken.
    Broken(Fault),
    /// A position cannot be one.
    Position(PositionFault),
    /// This schema is needed: give it, and the message again.
    Schema(SchemaName),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

/// What the batches must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The records as they came.
    pub(crate) lines: bool,
    /// Their values.
    pub(crate) values: bool,
}

struct Building {
    learnt: Learnt,
    rows: RowsBuilder,
    /// The schema that its last record named: its columns are known.
    declared: Option<SchemaName>,
    /// The schemas that its last record named, of payload and key: most records name the same.
    last: [Option<LastSchema>; 2],
}

/// A schema by the words that name it.
struct LastSchema {
    subject: String,
    version: String,
    schema: Arc<avro::Schema>,
}

/// The state of a read.
pub(crate) struct Reading {
    wanted: Wanted,
    /// The stream of records that name none.
    nameless: String,
    /// The connector's full name, which each record is told; empty: it has none.
    connector: String,
    streams: Vec<Building>,
    by_name: HashMap<String, usize>,
    schemas: HashMap<SchemaName, Arc<avro::Schema>>,
    view: RecordView,
    buffer: Vec<u8>,
    /// Records whose operation is unspecified, which count as created.
    pub(crate) unspecified: u64,
}

impl Reading {
    /// `nameless` is the stream of records that name none; `catalog` has the streams that are known.
    pub(crate) fn new(nameless: &str, catalog: &ConfiguredCatalog, wanted: Wanted) -> Self {
        let mut this = Self {
            wanted,
            nameless: nameless.to_owned(),
            connector: String::new(),
            streams: Vec::new(),
            by_name: HashMap::new(),
            schemas: HashMap::new(),
            view: RecordView::default(),
            buffer: Vec::new(),
            unspecified: 0,
        };
        for stream in &catalog.streams {
            this.add(Learnt::known(&stream.stream));
        }
        this
    }

    /// Has each record told the connector that it came from.
    pub(crate) fn named(mut self, connector: String) -> Self {
        self.connector = connector;
        self
    }

    fn add(&mut self, learnt: Learnt) -> usize {
        let name = learnt.id.name.to_string();
        self.by_name.insert(name, self.streams.len());
        self.streams.push(Building {
            learnt,
            rows: RowsBuilder::default(),
            declared: None,
            last: [None, None],
        });
        self.streams.len() - 1
    }

    /// A schema that was asked for.
    pub(crate) fn give(&mut self, name: SchemaName, schema: avro::Schema) {
        self.schemas.insert(name, Arc::new(schema));
    }

    /// Takes the messages of one group; each record's position goes to `book`. On an error nothing was
    /// taken.
    pub(crate) fn take(
        &mut self,
        messages: &[Bytes],
        now_ms: i64,
        book: &mut Unacknowledged,
    ) -> Result<Vec<Event>, Refused> {
        if !self.wanted.values {
            return self.relay(messages, now_ms, book);
        }
        for message in messages {
            if let Err(refused) = self.message(message, now_ms, book) {
                self.buffer.clear();
                for building in &mut self.streams {
                    building.rows = RowsBuilder::default();
                }
                book.forget_group();
                return Err(refused);
            }
        }
        Ok(self.finish())
    }

    fn message(
        &mut self,
        message: &[u8],
        now_ms: i64,
        book: &mut Unacknowledged,
    ) -> Result<(), Refused> {
        // Kept as a whole, so that lines in a row stay neighbours.
        let start = self.buffer.len();
        let marks = !self.connector.is_empty();
        if self.wanted.lines && !marks {
            self.buffer.extend_from_slice(message);
        }
        let mut records = Records::new(message);
        while let Some(Place { line, record }) = records.next()? {
            let mut view = std::mem::take(&mut self.view);
            view.read(message, record.clone())?;
            let line = if self.wanted.lines && marks {
                let start = self.buffer.len();
                append_metadata(
                    &message[record],
                    CONNECTOR_ID,
                    &self.connector,
                    &mut self.buffer,
                );
                start..self.buffer.len()
            } else {
                start + line.start..start + line.end
            };
            let taken = self.record(message, line, &view, now_ms, book);
            self.view = view;
            taken?;
        }
        Ok(())
    }

    /// Everything as it came, in one stream: nobody looks inside.
    fn relay(
        &mut self,
        messages: &[Bytes],
        now_ms: i64,
        book: &mut Unacknowledged,
    ) -> Result<Vec<Event>, Refused> {
        let name = self.nameless.clone();
        let at = self.place(&name);
        // Messages are lists of records, so one after the other they are one list: a batch for each would
        // be a batch for each record where a connector sends them one by one.
        let message = match messages {
            [only] => only.clone(),
            many => many.concat().into(),
        };
        let mut records = Records::new(&message);
        while let Some(Place { line, record }) = records.next()? {
            let position = crate::wire::record::position(&message, record.clone())?;
            book.push(&message[position]).map_err(Refused::Position)?;
            let line = if self.connector.is_empty() {
                span(line.start, line.end)?
            } else {
                let start = self.buffer.len();
                append_metadata(
                    &message[record],
                    CONNECTOR_ID,
                    &self.connector,
                    &mut self.buffer,
                );
                span(start, self.buffer.len())?
            };
            self.streams[at].rows.push_line(Span::NONE, now_ms, line);
        }
        let message = match self.connector.as_str() {
            "" => message,
            _ => Bytes::from(std::mem::take(&mut self.buffer)),
        };
        let building = &mut self.streams[at];
        let mut events = Vec::new();
        if !building.rows.is_empty() {
            events.extend(building.learnt.news().map(Event::Schema));
            let rows = building.rows.finish(message, Some(FORM));
            events.push(batch(building.learnt.id.clone(), rows));
        }
        Ok(events)
    }

    fn place(&mut self, name: &str) -> usize {
        match self.by_name.get(name) {
            Some(at) => *at,
            None => self.add(Learnt::new(StreamId::new(name))),
        }
    }

    fn record(
        &mut self,
        message: &[u8],
        line: std::ops::Range<usize>,
        view: &RecordView,
        now_ms: i64,
        book: &mut Unacknowledged,
    ) -> Result<(), Refused> {
        book.push(&message[view.position.clone()])
            .map_err(Refused::Position)?;
        let at = match view
            .metadata(message, COLLECTION)
            .filter(|name| !name.is_empty())
        {
            Some(name) => self.place(name),
            None => match self.by_name.get(&self.nameless) {
                Some(at) => *at,
                None => self.add(Learnt::new(StreamId::new(self.nameless.as_str()))),
            },
        };
        let operation = operation(view.operation).unwrap_or_else(|| {
            self.unspecified += 1;
            Operation::Create
        });
        let read_at = view
            .metadata(message, READ_AT)
            .and_then(|nanos| nanos.parse::<i64>().ok());
        let mut spans = RowSpans {
            operation,
            emitted_at: read_at.map_or(now_ms, |nanos| nanos / 1_000_000),
            ..RowSpans::default()
        };
        spans.after = self.data(message, view, &view.after, PAYLOAD_SCHEMA, at)?;
        if spans.after.is_empty() && operation != Operation::Delete {
            spans.after = self.written(|out| out.extend_from_slice(b"{}"))?;
        }
        spans.before = self.data(message, view, &view.before, PAYLOAD_SCHEMA, at)?;
        spans.key = self.data(message, view, &view.key, KEY_SCHEMA, at)?;
        let is_raw = |data: &Data, span: Span, keys: SchemaKeys| {
            matches!(data, Data::Raw(_))
                && !span.is_empty()
                && schema_text(view, message, keys).is_none()
        };
        let parts = RawParts {
            key: is_raw(&view.key, spans.key, KEY_SCHEMA),
            before: is_raw(&view.before, spans.before, PAYLOAD_SCHEMA),
            after: is_raw(&view.after, spans.after, PAYLOAD_SCHEMA),
        };
        // The wrapping of raw bytes is no field of the entity.
        if !spans.key.is_empty() && !parts.key {
            self.key_fields(spans.key, at)?;
        }
        let connector = std::mem::take(&mut self.connector);
        spans.metadata = self.written(|out| {
            write_metadata(
                message,
                view,
                &[
                    (CONNECTOR_ID, &connector),
                    (RAW_PARTS, parts.text().unwrap_or_default()),
                ],
                out,
            );
        })?;
        self.connector = connector;
        if self.wanted.lines {
            spans.line = span(line.start, line.end)?;
        }
        self.streams[at].rows.push(spans);
        Ok(())
    }

    fn written(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<Span, Fault> {
        let start = self.buffer.len();
        write(&mut self.buffer);
        span(start, self.buffer.len())
    }

    /// Appends data as an object; what it tells of the columns goes to the stream.
    fn data(
        &mut self,
        message: &[u8],
        view: &RecordView,
        data: &Data,
        keys: SchemaKeys,
        at: usize,
    ) -> Result<Span, Refused> {
        let start = self.buffer.len();
        let building = &mut self.streams[at];
        let is_payload = keys.subject == PAYLOAD_SCHEMA.subject;
        match data {
            Data::Absent => return Ok(Span::NONE),
            Data::Structured(range) => {
                let seen = is_payload.then_some(&mut building.learnt.members);
                if structured::write_json(message, range.clone(), &mut self.buffer, seen)? {
                    building.learnt.infer();
                }
            }
            Data::Raw(range) if range.is_empty() && view.operation == 3 => return Ok(Span::NONE),
            Data::Raw(range) => {
                let bytes = &message[range.clone()];
                let Some((subject, version)) = schema_text(view, message, keys) else {
                    raw::wrap(bytes, &mut self.buffer);
                    let (seen, is_new) = building.learnt.members.member(raw::member_name(bytes));
                    if seen.mark(crossdock_core::inference::ValueKind::String) | is_new
                        && is_payload
                    {
                        building.learnt.infer();
                    }
                    return Ok(span(start, self.buffer.len())?);
                };
                let last = &mut building.last[usize::from(!is_payload)];
                let is_last =
                    |last: &&LastSchema| last.subject == subject && last.version == version;
                if let Some(last) = last.as_ref().filter(is_last) {
                    decode(&last.schema, bytes, &mut self.buffer)?;
                    return Ok(span(start, self.buffer.len())?);
                }
                let name = schema_name(subject, version)?;
                let schema = self.schemas.get(&name).cloned();
                let schema = schema.ok_or_else(|| Refused::Schema(name.clone()))?;
                decode(&schema, bytes, &mut self.buffer)?;
                if is_payload && building.declared.as_ref() != Some(&name) {
                    building.learnt.declare(&described(&schema));
                    building.declared = Some(name);
                }
                *last = Some(LastSchema {
                    subject: subject.to_owned(),
                    version: version.to_owned(),
                    schema,
                });
            }
        }
        Ok(span(start, self.buffer.len())?)
    }

    /// The names of a key's fields, for the primary key.
    fn key_fields(&mut self, key: Span, at: usize) -> Result<(), Fault> {
        let learnt = &mut self.streams[at].learnt;
        if learnt.has_key() {
            return Ok(());
        }
        let text = &self.buffer[key.start as usize..key.end as usize];
        let broken = |error: scan::ScanError| Fault::new(format!("a key is broken: {error}"));
        let mut names = Vec::new();
        let mut members = Members::new(text, 0).map_err(broken)?;
        while let Some(member) = members.next().map_err(broken)? {
            let quoted = &text[member.key_start - 1..=member.key_end];
            names.extend(scan::unquote(quoted).map(std::borrow::Cow::into_owned));
        }
        learnt.see_key(names.iter().map(String::as_str));
        Ok(())
    }

    /// The batches of everything taken, news of their streams before them.
    fn finish(&mut self) -> Vec<Event> {
        let buffer = Bytes::from(std::mem::take(&mut self.buffer));
        let form = self.wanted.lines.then_some(FORM);
        let mut events = Vec::new();
        for building in &mut self.streams {
            if !building.rows.is_empty() {
                events.extend(building.learnt.news().map(Event::Schema));
            }
        }
        for building in &mut self.streams {
            if !building.rows.is_empty() {
                let rows = building.rows.finish(buffer.clone(), form);
                events.push(batch(building.learnt.id.clone(), rows));
            }
        }
        events
    }
}

fn batch(stream: StreamId, rows: crossdock_core::batch::Rows) -> Event {
    Event::Batch(Batch {
        stream,
        body: Body::Rows(rows),
    })
}

fn span(start: usize, end: usize) -> Result<Span, Fault> {
    Span::new(start, end).ok_or_else(|| Fault::new("records of more than 4 GiB came at once"))
}

/// The record's own metadata, and those of `more` that have a value.
fn write_metadata(message: &[u8], view: &RecordView, more: &[(&str, &str)], out: &mut Vec<u8>) {
    let mut separator = b'{';
    for (name, value) in &view.metadata {
        out.push(separator);
        separator = b',';
        write_string(out, &message[name.clone()]);
        out.push(b':');
        write_string(out, &message[value.clone()]);
    }
    for (name, value) in more.iter().filter(|(_, value)| !value.is_empty()) {
        out.push(separator);
        separator = b',';
        write_string(out, name.as_bytes());
        out.push(b':');
        write_string(out, value.as_bytes());
    }
    if separator == b',' {
        out.push(b'}');
    }
}
