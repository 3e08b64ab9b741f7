//! The order of events of a file source: stream after stream, file after file. Reading happens on a
//! thread of its own, since it blocks.

use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, RowsBuilder, Span};
use crossdock_core::catalog::{Catalog, ConfiguredStream, Stream, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, Lane};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Estimate, Event, LogLevel, StreamStatus};
use crossdock_core::source::SourceOpening;
use crossdock_core::stream::StreamId;
use serde_json::Map;

use super::list::{self, Found};
use super::position::{Choice, Position};
use super::record::{Records, SourceFormat, Step};
use super::setting::{BadLines, Patterns};
use crate::reader::{Break, Line, ThreadedReader};

/// A batch is sent when it holds this many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// A checkpoint stands after this many bytes of records at the latest.
const CHECKPOINT_BYTES: u64 = 32 << 20;
/// How many bad lines of a run are logged one by one.
const LOGGED: u64 = 100;

/// The catalog of a file source.
pub(crate) async fn discover(format: Arc<dyn SourceFormat>, patterns: Patterns) -> Result<Catalog> {
    let work = move || {
        let mut streams = Vec::new();
        for (name, pattern) in &patterns {
            let files = list::list(pattern, format.extensions())?;
            let schema = format.infer(&files).map_err(|e| e.with("stream", name))?;
            streams.push(Stream {
                supported_sync_modes: vec![SyncMode::FullRefresh, SyncMode::Incremental],
                source_defined_cursor: Some(true),
                is_resumable: Some(true),
                ..Stream::new(name, schema)
            });
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
    opening: SourceOpening,
) -> Result<ThreadedReader> {
    let mut streams = Vec::new();
    for configured in opening.catalog.streams {
        let id = configured.id();
        let pattern = patterns
            .iter()
            .find(|(name, _)| *name == configured.stream.name && id.namespace.is_none());
        let Some((_, pattern)) = pattern else {
            return Err(
                Error::new(&code::STREAM_UNKNOWN, "the source has no such stream")
                    .with("stream", id),
            );
        };
        let lane = Lane::Stream(id.clone());
        let state = opening
            .state
            .iter()
            .find(|s| s.lane == lane && !s.state.is_null());
        let position = match state {
            Some(state) => Position::from_state(&state.state).map_err(|e| e.with("stream", &id))?,
            None => Position::default(),
        };
        streams.push(Work {
            id,
            configured,
            pattern: pattern.clone(),
            position,
        });
    }
    let work = move |line: &Line| {
        let mut reading = Reading {
            format,
            bad_lines,
            line,
            logged: 0,
        };
        streams
            .into_iter()
            .try_for_each(|work| reading.stream(work))
    };
    Ok(ThreadedReader::open(opening.session, work))
}

/// A stream to read.
struct Work {
    id: StreamId,
    configured: ConfiguredStream,
    pattern: String,
    position: Position,
}

/// Records that were read and not sent.
#[derive(Default)]
struct Pending {
    buffer: Vec<u8>,
    rows: RowsBuilder,
    /// When the batch's first record was read, in milliseconds since the epoch.
    begun: i64,
    bad: u64,
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
        self.line.status(&work.id, StreamStatus::Complete)
    }

    /// Reads what is left of one file.
    fn file(&mut self, work: &mut Work, found: &Found) -> Result<(), Break> {
        let place = match work.position.choose(found) {
            Choice::Skip => return Ok(()),
            Choice::Anew => (0, 1),
            Choice::From(offset, line) => (offset, line),
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
                    let batch = Batch {
                        stream: stream.clone(),
                        body,
                    };
                    pending.records += batch.records() as u64;
                    pending.bytes += batch.bytes() as u64;
                    self.line.tell(Event::Batch(batch))?;
                    self.pause(work, found, records.as_ref(), &mut pending)?;
                }
                Step::Bad { line, reason } => {
                    pending.buffer.truncate(start);
                    self.bad_line(found, line, &reason).map_err(located)?;
                    pending.bad += 1;
                    // It counts as read, and as dropped (P6).
                    pending.records += 1;
                }
                Step::End => break,
            }
            if pending.buffer.len() >= BATCH_BYTES {
                self.flush(&work.id, &mut pending)?;
                self.pause(work, found, records.as_ref(), &mut pending)?;
            }
        }
        self.flush(&work.id, &mut pending)?;
        work.position.note(found, records.place(), true);
        self.checkpoint(work, &mut pending)?;
        if self.line.is_over() {
            return Err(Break::Over);
        }
        Ok(())
    }

    /// After a batch: a checkpoint, if one is due or the engine asks for the end.
    fn pause(
        &self,
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
                .hint("correct the line, or set `bad_lines: skip` to leave such lines out"));
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

    fn flush(&self, stream: &StreamId, pending: &mut Pending) -> Result<(), Break> {
        pending.bytes += pending.buffer.len() as u64;
        if pending.bad > 0 {
            self.line.tell(Event::Dropped {
                stream: Some(stream.clone()),
                records: std::mem::take(&mut pending.bad),
                reason: "bad line",
            })?;
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

    fn checkpoint(&self, work: &Work, pending: &mut Pending) -> Result<(), Break> {
        let mut checkpoint = Checkpoint::stream(work.id.clone(), work.position.to_state()?);
        checkpoint.source_count = Some(std::mem::take(&mut pending.records));
        pending.bytes = 0;
        self.line.tell(Event::Checkpoint(checkpoint))
    }
}
