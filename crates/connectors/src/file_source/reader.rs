//! The order of events of a file source: stream after stream, file after file. Reading happens on a
//! thread of its own, since it blocks.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, RowsBuilder, Span};
use crossdock_core::catalog::{Catalog, ConfiguredStream, Stream, SyncMode};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Estimate, Event, LogLevel, StreamStatus};
use crossdock_core::json::Json;
use crossdock_core::source::SourceOpening;
use crossdock_core::stream::StreamId;
use serde_json::{Map, json};

use super::cursor::Cursor;
use super::dead_letter::{self, Letters};
use super::list::{self, Found};
use super::position::{Choice, Position};
use super::record::{Records, SourceFormat, Step};
use super::setting::{BadLines, Patterns};
use super::state::States;
use crate::reader::{Break, Line, ThreadedReader};

/// A batch is sent when it holds this many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// … or so many bad lines.
const BATCH_BAD: u64 = 1000;
/// A checkpoint stands after this many bytes of records at the latest.
const CHECKPOINT_BYTES: u64 = 32 << 20;
/// How many bad lines of a run are logged one by one.
const LOGGED: u64 = 100;

/// The catalog of a file source.
pub(crate) async fn discover(
    format: Arc<dyn SourceFormat>,
    patterns: Patterns,
    bad_lines: BadLines,
) -> Result<Catalog> {
    let work = move || {
        let mut streams = Vec::new();
        for (name, pattern) in &patterns {
            let files = list::list(pattern, format.extensions())?;
            let schema = format.infer(&files).map_err(|e| e.with("stream", name))?;
            let letters = (bad_lines == BadLines::DeadLetters).then(|| dead_letter::stream(name));
            streams.push(Stream {
                supported_sync_modes: vec![SyncMode::FullRefresh, SyncMode::Incremental],
                source_defined_cursor: Some(true),
                is_resumable: Some(true),
                ..Stream::new(name, schema)
            });
            streams.extend(letters);
        }
        Ok(Catalog {
            streams,
            extra: Map::new(),
        })
    };
    tokio::task::spawn_blocking(work).await.map_err(|cause| {
        Error::new(&code::INTERNAL, "the thread that looks at files broke").caused_by(cause)
    })?
}

/// Begins to read the streams of `opening` from their states.
pub(crate) fn open(
    format: Arc<dyn SourceFormat>,
    patterns: &[(String, String)],
    bad_lines: BadLines,
    cursor: Option<String>,
    opening: SourceOpening,
) -> Result<ThreadedReader> {
    let mut streams = Vec::new();
    let keeps = bad_lines == BadLines::DeadLetters;
    let mut states = States::new(&opening.state, keeps)?;
    let mut letters: HashSet<StreamId> = HashSet::new();
    if keeps {
        let streams = patterns
            .iter()
            .map(|(name, _)| StreamId::new(name.as_str()));
        letters.extend(streams.map(|stream| dead_letter::id(&stream)));
        letters.retain(|id| opening.catalog.get(id).is_some());
    }
    for configured in opening.catalog.streams {
        let id = configured.id();
        if letters.contains(&id) {
            continue;
        }
        let pattern = patterns
            .iter()
            .find(|(name, _)| *name == configured.stream.name && id.namespace.is_none());
        let Some((_, pattern)) = pattern else {
            return Err(
                Error::new(&code::STREAM_UNKNOWN, "the source has no such stream")
                    .with("stream", id),
            );
        };
        let mut position = match states.get(&id) {
            Some(state) => Position::from_state(state).map_err(|e| e.with("stream", &id))?,
            None => Position::default(),
        };
        let wanted = cursor.clone();
        let wanted = wanted.filter(|_| configured.sync_mode == SyncMode::Incremental);
        if position.cursor.as_ref().map(|c| &c.field) != wanted.as_ref() {
            position.cursor = wanted.map(|field| Cursor {
                field,
                ..Cursor::default()
            });
        }
        streams.push(Work {
            id,
            configured,
            pattern: pattern.clone(),
            position,
            letters: None,
        });
    }
    // Every stream has a state, or the next run would take it for one that is read anew.
    for id in &letters {
        states.note(id.clone(), Json::from_value(&json!({})));
    }
    let work = move |line: &Line| {
        let mut reading = Reading {
            format,
            bad_lines,
            line,
            logged: 0,
            states,
        };
        for id in &letters {
            line.status(id, StreamStatus::Started)?;
            line.status(id, StreamStatus::Running)?;
        }
        for mut work in streams {
            work.letters = Some(dead_letter::id(&work.id)).filter(|id| letters.contains(id));
            reading.stream(work)?;
        }
        letters
            .iter()
            .try_for_each(|id| line.status(id, StreamStatus::Complete))
    };
    Ok(ThreadedReader::open(opening.session, work))
}

/// A stream to read.
struct Work {
    id: StreamId,
    configured: ConfiguredStream,
    pattern: String,
    position: Position,
    /// The stream that takes its bad lines.
    letters: Option<StreamId>,
}

impl Work {
    /// Whether the cursor lets a record through.
    fn takes(&mut self, record: &[u8]) -> bool {
        let cursor = self.position.cursor.as_mut();
        cursor.is_none_or(|cursor| cursor.takes(record))
    }

    /// The records of a batch that the cursor lets through.
    fn sift(&mut self, body: Body) -> Result<Body> {
        match &mut self.position.cursor {
            Some(cursor) => cursor.sift(body),
            None => Ok(body),
        }
    }
}

/// Records that were read and not sent.
#[derive(Default)]
struct Pending {
    buffer: Vec<u8>,
    rows: RowsBuilder,
    /// When the batch's first record was read, in milliseconds since the epoch.
    begun: i64,
    bad: u64,
    letters: Letters,
    /// Records since the last checkpoint.
    records: u64,
    /// Bytes since then.
    bytes: u64,
}

struct Reading<'a> {
    format: Arc<dyn SourceFormat>,
    bad_lines: BadLines,
    line: &'a Line,
    logged: u64,
    states: States,
}

impl Reading<'_> {
    fn stream(&mut self, mut work: Work) -> Result<(), Break> {
        let files = list::list(&work.pattern, self.format.extensions())
            .map_err(|e| e.with("stream", &work.id))?;
        work.position.keep(&files);
        self.line.status(&work.id, StreamStatus::Started)?;
        let left = files
            .iter()
            .filter(|f| work.position.choose(f) != Choice::Skip);
        self.line.tell(Event::Estimate(Estimate {
            stream: Some(work.id.clone()),
            records: None,
            bytes: Some(left.map(|f| f.size).sum()),
        }))?;
        self.line.status(&work.id, StreamStatus::Running)?;
        // Also a run that finds nothing new leaves a state, without files that are gone.
        if files
            .iter()
            .all(|f| work.position.choose(f) == Choice::Skip)
        {
            self.checkpoint(&work, &mut Pending::default())?;
        }
        for found in &files {
            self.file(&mut work, found)?;
        }
        if let Some(cursor) = &mut work.position.cursor {
            cursor.complete();
            self.checkpoint(&work, &mut Pending::default())?;
        }
        self.line.status(&work.id, StreamStatus::Complete)
    }

    /// Reads what is left of one file.
    fn file(&mut self, work: &mut Work, found: &Found) -> Result<(), Break> {
        let place = match work.position.choose(found) {
            Choice::Skip => return Ok(()),
            Choice::Anew => (0, 1),
            Choice::From(offset, line) => (offset, line),
            // Written again as a whole.
            Choice::Grown(..) if work.position.cursor.is_some() => (0, 1),
            Choice::Grown(offset, line) if self.format.continues(found, offset)? => (offset, line),
            Choice::Grown(..) => {
                self.line.log(
                    LogLevel::Warn,
                    format!("{} has changed and is read anew", found.name),
                );
                (0, 1)
            }
        };
        let stream = work.id.clone();
        let located = |e: Error| e.with("stream", &stream);
        let mut records = self
            .format
            .records(&work.configured, found, place)
            .map_err(located)?;
        let mut pending = Pending::default();
        loop {
            let start = pending.buffer.len();
            match records.next(&mut pending.buffer).map_err(located)? {
                Step::Record if !work.takes(&pending.buffer[start..]) => {
                    pending.buffer.truncate(start);
                }
                Step::Record => {
                    let Some(span) = Span::new(start, pending.buffer.len()) else {
                        let message = "a batch exceeds 4 GiB";
                        return Err(Error::new(&code::RECORD_TOO_LARGE, message).into());
                    };
                    if pending.rows.is_empty() {
                        pending.begun = SystemClock.now_ms();
                    }
                    pending.rows.push_line(span, pending.begun, Span::NONE);
                    pending.records += 1;
                }
                Step::Batch(body) => {
                    let body = work.sift(body).map_err(located)?;
                    let batch = Batch {
                        stream: stream.clone(),
                        body,
                    };
                    pending.records += batch.records() as u64;
                    pending.bytes += batch.bytes() as u64;
                    if batch.records() > 0 {
                        self.line.tell(Event::Batch(batch))?;
                    }
                    self.pause(work, found, records.as_ref(), &mut pending)?;
                }
                Step::Bad { line, reason, text } => {
                    pending.buffer.truncate(start);
                    if work.letters.is_some() {
                        pending.letters.push(found, line, &reason, &text);
                    }
                    self.bad_line(found, line, &reason).map_err(located)?;
                    pending.bad += 1;
                    // It counts as read, and as dropped (P6).
                    pending.records += 1;
                }
                Step::End => break,
            }
            if pending.buffer.len() >= BATCH_BYTES || pending.bad >= BATCH_BAD {
                self.flush(work, &mut pending)?;
                self.pause(work, found, records.as_ref(), &mut pending)?;
            }
        }
        self.flush(work, &mut pending)?;
        work.position.note(found, records.place(), true);
        self.checkpoint(work, &mut pending)?;
        if self.line.is_over() {
            return Err(Break::Over);
        }
        Ok(())
    }

    /// After a batch: a checkpoint, if one is due or the engine asks for the end.
    fn pause(
        &mut self,
        work: &mut Work,
        found: &Found,
        records: &dyn Records,
        pending: &mut Pending,
    ) -> Result<(), Break> {
        let over = self.line.is_over();
        if over || pending.bytes >= CHECKPOINT_BYTES {
            work.position.note(found, records.place(), false);
            self.checkpoint(work, pending)?;
        }
        if over { Err(Break::Over) } else { Ok(()) }
    }

    fn bad_line(&mut self, found: &Found, line: u64, reason: &str) -> Result<()> {
        if self.bad_lines == BadLines::Fail {
            return Err(Error::new(&code::DATA_INVALID, reason)
                .with("path", &found.name)
                .with("line", line)
                .hint(
                    "correct the line, or leave such lines out by `bad_lines: skip` or `dead_letters`",
                ));
        }
        self.logged += 1;
        match self.logged {
            ..=LOGGED => self.line.log(
                LogLevel::Warn,
                format!("left out a bad line, {}:{line}: {reason}", found.name),
            ),
            count if count == LOGGED + 1 => self.line.log(
                LogLevel::Warn,
                "further bad lines are counted and not logged".to_owned(),
            ),
            _ => {}
        }
        Ok(())
    }

    fn flush(&self, work: &Work, pending: &mut Pending) -> Result<(), Break> {
        let stream = &work.id;
        pending.bytes += pending.buffer.len() as u64;
        if pending.bad > 0 {
            self.line.tell(Event::Dropped {
                stream: Some(stream.clone()),
                records: std::mem::take(&mut pending.bad),
                reason: match work.letters {
                    Some(_) => "bad line, kept as a dead letter",
                    None => "bad line",
                },
            })?;
        }
        if let Some(to) = &work.letters {
            pending.records += pending.letters.len();
            if let Some(batch) = pending.letters.take(to.clone()) {
                self.line.tell(Event::Batch(batch))?;
            }
        }
        let buffer = Bytes::from(std::mem::take(&mut pending.buffer));
        if pending.rows.is_empty() {
            return Ok(());
        }
        self.line.tell(Event::Batch(Batch {
            stream: stream.clone(),
            body: Body::Rows(pending.rows.finish(buffer, None)),
        }))
    }

    fn checkpoint(&mut self, work: &Work, pending: &mut Pending) -> Result<(), Break> {
        let state = work.position.to_state()?;
        let mut checkpoint = self.states.checkpoint(&work.id, state)?;
        checkpoint.source_count = Some(std::mem::take(&mut pending.records));
        pending.bytes = 0;
        self.line.tell(Event::Checkpoint(checkpoint))
    }
}
