//! From messages to batches.

use std::collections::HashMap;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::event::Event;
use crossdock_core::fault::Fault;
use crossdock_core::inference::ValueKind;
use crossdock_core::learnt::Learnt;
use crossdock_core::raw;
use crossdock_core::stream::StreamId;

use super::metadata::{Said, write_of_record};
use crate::wire::{FORM, MessageView, Payload, Written, members_of, write_message};

/// What the records are wanted for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// They are written again as they came.
    pub(crate) lines: bool,
    /// Somebody looks inside.
    pub(crate) values: bool,
}

struct Building {
    learnt: Learnt,
    rows: RowsBuilder,
}

/// The state of a read: takes messages and gives batches.
pub(crate) struct Reading {
    wanted: Wanted,
    /// The stream of messages that name none.
    nameless: StreamId,
    /// Its place, once it is known.
    nameless_at: Option<usize>,
    streams: Vec<Building>,
    places: HashMap<StreamId, usize>,
    buffer: Vec<u8>,
    /// The payload of the message that is being taken.
    payload: Vec<u8>,
}

impl Reading {
    /// `nameless` is the stream of messages that name none, and of all if nobody looks inside; `catalog` has
    /// the streams that are known.
    pub(crate) fn new(nameless: &str, catalog: &ConfiguredCatalog, wanted: Wanted) -> Self {
        let mut this = Self {
            wanted,
            nameless: StreamId::new(nameless),
            nameless_at: None,
            streams: Vec::new(),
            places: HashMap::new(),
            buffer: Vec::new(),
            payload: Vec::new(),
        };
        for stream in &catalog.streams {
            this.add(Learnt::known(&stream.stream));
        }
        this
    }

    fn add(&mut self, learnt: Learnt) -> usize {
        self.places.insert(learnt.id.clone(), self.streams.len());
        self.streams.push(Building {
            learnt,
            rows: RowsBuilder::default(),
        });
        self.streams.len() - 1
    }

    fn place(&mut self, id: StreamId) -> usize {
        match self.places.get(&id) {
            Some(at) => *at,
            None => self.add(Learnt::new(id)),
        }
    }

    fn nameless_place(&mut self) -> usize {
        if let Some(at) = self.nameless_at {
            return at;
        }
        let at = self.place(self.nameless.clone());
        self.nameless_at = Some(at);
        at
    }

    /// Whether the lines of a run can be kept where they are: nobody looks inside them.
    pub(crate) fn relays(&self) -> bool {
        !self.wanted.values
    }

    /// Takes a message, and tells its stream. On an error nothing of it is left.
    pub(crate) fn take(
        &mut self,
        line: &[u8],
        view: &MessageView,
        now_ms: i64,
    ) -> Result<StreamId, Fault> {
        let start = self.buffer.len();
        let taken = self.record(line, view, now_ms);
        if taken.is_err() {
            self.buffer.truncate(start);
        }
        taken
    }

    fn record(&mut self, line: &[u8], view: &MessageView, now_ms: i64) -> Result<StreamId, Fault> {
        let metadata = view.metadata(line).unwrap_or_default();
        let said = match metadata {
            [] => Said::default(),
            metadata => Said::read(metadata)?,
        };
        let operation = said.operation();
        let emitted_at = view.timestamp(line).unwrap_or(now_ms);
        let mut spans = RowSpans {
            operation,
            emitted_at,
            ..RowSpans::default()
        };
        self.payload.clear();
        let payload = view.payload(line, &mut self.payload)?;
        if self.wanted.lines {
            spans.line = self.line(line, view, metadata, emitted_at)?;
        }
        if self.wanted.values {
            let at = match said.stream() {
                Some(id) => self.place(id),
                None => self.nameless_place(),
            };
            let (value, is_raw) = self.value(at, payload)?;
            let raw = match operation {
                _ if !is_raw => None,
                Operation::Delete => Some("before"),
                _ => Some("after"),
            };
            match operation {
                Operation::Delete => spans.before = value,
                _ => spans.after = value,
            }
            let start = self.buffer.len();
            write_of_record(metadata, raw, &mut self.buffer)?;
            spans.metadata = self.span(start)?;
            self.streams[at].rows.push(spans);
            Ok(self.streams[at].learnt.id.clone())
        } else {
            let at = self.nameless_place();
            self.streams[at].rows.push(spans);
            Ok(self.nameless.clone())
        }
    }

    /// The members of the message as they came, or as the page has them if some are missing.
    fn line(
        &mut self,
        line: &[u8],
        view: &MessageView,
        metadata: &[u8],
        emitted_at: i64,
    ) -> Result<Span, Fault> {
        let start = self.buffer.len();
        match members_of(line).filter(|_| view.is_whole(line)) {
            Some(members) => self.buffer.extend_from_slice(&line[members]),
            None => {
                let message = Written {
                    data: &self.payload,
                    metadata,
                    timestamp: emitted_at,
                };
                write_message(&mut self.buffer, &message);
                self.buffer.push(b'}');
            }
        }
        self.span(start)
    }

    /// Appends the payload as an object. `true`: it is one that stands for bytes.
    fn value(&mut self, at: usize, payload: Payload) -> Result<(Span, bool), Fault> {
        let start = self.buffer.len();
        let learnt = &mut self.streams[at].learnt;
        let text = self.payload.trim_ascii();
        if payload == Payload::Text && text.starts_with(b"{") {
            // Text that begins as an object and is none is text like any other.
            if let Ok(is_new) = learnt.members.see_text(text) {
                if is_new {
                    learnt.infer();
                }
                self.buffer.extend_from_slice(text);
                return Ok((self.span(start)?, false));
            }
        }
        let name = raw::member_name(&self.payload);
        let (seen, is_new) = learnt.members.member(name);
        if seen.mark(ValueKind::String) | is_new {
            learnt.infer();
        }
        raw::wrap(&self.payload, &mut self.buffer);
        Ok((self.span(start)?, true))
    }

    fn span(&self, start: usize) -> Result<Span, Fault> {
        if start == self.buffer.len() {
            return Ok(Span::NONE);
        }
        Span::new(start, self.buffer.len())
            .ok_or_else(|| Fault::new("messages of more than 4 GiB came at once"))
    }

    /// Takes a message of a run whose members stand at `members` and are all there: it stays where it is.
    pub(crate) fn relay(&mut self, members: Span, now_ms: i64) {
        let at = self.nameless_place();
        self.streams[at].rows.push_line(Span::NONE, now_ms, members);
    }

    /// The batches of everything taken, news of their streams before them. `run`: what was relayed stands
    /// there.
    pub(crate) fn finish(&mut self, run: Option<&Bytes>, events: &mut impl Extend<Event>) {
        let buffer = match run {
            Some(run) => run.clone(),
            None => Bytes::from(std::mem::take(&mut self.buffer)),
        };
        let form = self.wanted.lines.then_some(FORM);
        for building in self.streams.iter_mut().filter(|b| !b.rows.is_empty()) {
            events.extend(building.learnt.news().map(Event::Schema));
        }
        for building in self.streams.iter_mut().filter(|b| !b.rows.is_empty()) {
            let rows = building.rows.finish(buffer.clone(), form);
            events.extend([Event::Batch(Batch {
                stream: building.learnt.id.clone(),
                body: Body::Rows(rows),
            })]);
        }
    }
}
