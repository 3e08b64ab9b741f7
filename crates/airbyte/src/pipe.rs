//! Airbyte messages on a pipe whose other end is nobody that we launched: `crossdock read` writes
//! them, `crossdock write` reads them, and shells put anything in between.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter, Ending};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel, StreamStatus};
use crossdock_core::line::LineBuffer;
use crossdock_core::session::{Note, Session};
use crossdock_core::source::{SourceControl, SourceReader};
use crossdock_core::stream::StreamId;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;

use crate::reading::{Reading, Step};
use crate::route::Routes;
use crate::talk::Talk;
use crate::trace_error::traced;
use crate::wire::{Decoder, Message, Stamp, status_trace, write_state};

/// What messages on a pipe are called in logs and errors.
const NAME: &str = "the input";

/// Reads Airbyte messages from `input` as a source would send them. What it leaves unsaid of its streams when it
/// ends is made up for ([`Reading::complete`]): an end is all that a pipe says of success.
pub fn read_messages(
    input: impl AsyncRead + Send + Unpin + 'static,
    catalog: &ConfiguredCatalog,
    session: &Session,
) -> Box<dyn SourceReader> {
    Box::new(reader(input, catalog, session, true))
}

/// Reads Airbyte messages from `input`, and nothing but what is said.
pub(crate) fn read_told(
    input: impl AsyncRead + Send + Unpin + 'static,
    catalog: &ConfiguredCatalog,
    session: &Session,
) -> Box<dyn SourceReader> {
    Box::new(reader(input, catalog, session, false))
}

fn reader<R: AsyncRead + Send + Unpin>(
    input: R,
    catalog: &ConfiguredCatalog,
    session: &Session,
    completes: bool,
) -> PipeReader<R> {
    PipeReader {
        input,
        lines: LineBuffer::new(session.limits.max_line_bytes),
        decoder: Decoder::new(),
        reading: Reading::new(catalog, &[], session.limits.drop_unreadable_records),
        talk: Talk::new(session, NAME.to_owned(), Value::Null, &Value::Null),
        control: Arc::default(),
        events: VecDeque::new(),
        completes,
        over: false,
    }
}

struct PipeReader<R> {
    input: R,
    lines: LineBuffer,
    decoder: Decoder,
    reading: Reading,
    talk: Talk,
    control: Arc<Stop>,
    events: VecDeque<Result<Event>>,
    completes: bool,
    over: bool,
}

#[derive(Debug, Default)]
struct Stop {
    asked: AtomicBool,
    wake: Notify,
}

#[async_trait]
impl SourceControl for Stop {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(())
    }

    fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
}

#[async_trait]
impl<R: AsyncRead + Send + Unpin> SourceReader for PipeReader<R> {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            if self.over || self.control.asked.load(Ordering::SeqCst) {
                return Ok(Event::End);
            }
            self.read().await?;
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }
}

impl<R: AsyncRead + Unpin> PipeReader<R> {
    async fn read(&mut self) -> Result<()> {
        let count = tokio::select! {
            count = self.input.read_buf(self.lines.space()) => count.map_err(|cause| {
                Error::new(&code::IO, "the input cannot be read").caused_by(cause)
            })?,
            () = self.control.wake.notified() => return Ok(()),
        };
        let run = if count == 0 {
            self.over = true;
            self.lines.rest()
        } else {
            self.lines
                .take()
                .map_err(|too_long| Error::new(&code::LINE_TOO_LONG, too_long.to_string()))?
        };
        let mut messages = Vec::new();
        if let Some(run) = run {
            self.decoder
                .decode(&run, SystemClock.now_ms(), &mut messages);
        }
        let mut steps = Vec::new();
        for message in messages {
            match message {
                Message::Log(log) => self.talk.logged(&log),
                Message::Text(text) => self.talk.log(LogLevel::Info, &text),
                data => self.reading.take(data, &mut steps),
            }
        }
        if self.over && self.completes {
            self.reading.complete(&mut steps);
        }
        for step in steps {
            self.events.push_back(match step {
                Step::Emit(event) => Ok(event),
                Step::Warn(text) => {
                    self.talk.warn(&text);
                    continue;
                }
                Step::StreamFailed(stream, error) => {
                    let error = traced(&self.talk, &error);
                    Ok(Event::StreamFailed { stream, error })
                }
                Step::Fail(error) => Err(error),
            });
        }
        Ok(())
    }
}

/// Writes Airbyte messages to `output` as a source would print them. What has been flushed counts
/// as durable: who reads the pipe is answerable for it from there.
pub fn write_messages(
    output: impl AsyncWrite + Send + Unpin + 'static,
    catalog: &ConfiguredCatalog,
    acks: Arc<dyn Acknowledge>,
    session: &Session,
) -> Box<dyn DestinationWriter> {
    Box::new(PipeWriter {
        output,
        routes: Routes::new(catalog),
        streams: catalog
            .streams
            .iter()
            .map(|s| Told {
                stream: s.id(),
                target: s.target_id(),
                is_running: false,
                has_ended: false,
            })
            .collect(),
        counts: HashMap::new(),
        states: 0,
        begun: false,
        acks,
        session: session.clone(),
    })
}

struct PipeWriter<W> {
    output: W,
    routes: Routes,
    streams: Vec<Told>,
    /// Records of each stream since the last state that covered it.
    counts: HashMap<StreamId, u64>,
    states: i64,
    begun: bool,
    acks: Arc<dyn Acknowledge>,
    session: Session,
}

/// What was said of a stream.
struct Told {
    stream: StreamId,
    /// Its name on the pipe.
    target: StreamId,
    /// Its first record, or its status, was told.
    is_running: bool,
    /// It is complete or incomplete; nothing more is said.
    has_ended: bool,
}

/// A reader that goes away, such as `head`, has had enough: that is no fault.
fn unwritable(cause: std::io::Error) -> Error {
    if cause.kind() == std::io::ErrorKind::BrokenPipe {
        return Error::new(&code::CANCELLED, "whoever read the output went away");
    }
    Error::new(&code::IO, "the output cannot be written").caused_by(cause)
}

impl<W: AsyncWrite + Unpin> PipeWriter<W> {
    async fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.write_all(bytes).await.map_err(unwritable)
    }

    /// Says of each stream that it has begun, so that an end without a word is not taken for a
    /// complete one: a reader that truncates would lose good data.
    async fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let now = SystemClock.now_ms();
        let traces: String = self
            .streams
            .iter()
            .map(|told| status_trace(&told.target, StreamStatus::Started, now))
            .collect();
        self.put(traces.as_bytes()).await
    }

    /// Tells a status, unless it is no news (§3.7).
    async fn tell(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        let Some(told) = self.streams.iter_mut().find(|told| told.stream == *stream) else {
            return Ok(());
        };
        let is_news = !told.has_ended
            && match status {
                StreamStatus::Started => false,
                StreamStatus::Running => !told.is_running,
                StreamStatus::RateLimited { .. }
                | StreamStatus::Complete
                | StreamStatus::Incomplete => true,
            };
        if !is_news {
            return Ok(());
        }
        // After a wait for a quota it must be said that it runs again.
        told.is_running = status == StreamStatus::Running;
        told.has_ended = matches!(status, StreamStatus::Complete | StreamStatus::Incomplete);
        let trace = status_trace(&told.target, status, SystemClock.now_ms());
        self.put(trace.as_bytes()).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.session.note(Note::Alive);
        self.output.flush().await.map_err(unwritable)
    }
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> DestinationWriter for PipeWriter<W> {
    async fn write(&mut self, _: Seq, batch: Batch) -> Result<()> {
        self.begin().await?;
        self.tell(&batch.stream, StreamStatus::Running).await?;
        let lines = self.routes.get(&batch.stream)?.lines(&batch.body)?;
        let records = batch.records() as u64;
        *self.counts.entry(batch.stream).or_default() += records;
        for part in lines {
            self.put(&part).await?;
        }
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.begin().await?;
        self.states += 1;
        let (record_count, renamed) = match &checkpoint.lane {
            Lane::Stream(stream) => (
                self.counts.remove(stream).unwrap_or(0),
                self.routes.renamed(stream),
            ),
            Lane::Global => (self.counts.drain().map(|(_, count)| count).sum(), None),
        };
        let stamp = Stamp {
            id: self.states,
            record_count,
            stream: renamed,
        };
        let mut line = Vec::new();
        write_state(&checkpoint, &stamp, &mut line);
        self.put(&line).await?;
        self.flush().await?;
        self.acks.acknowledge(Ack::UpTo {
            lane: checkpoint.lane.clone(),
            seq,
        });
        Ok(())
    }

    async fn status(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        self.begin().await?;
        self.tell(stream, status).await?;
        self.flush().await
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        self.begin().await?;
        let status = match ending {
            Ending::Complete => StreamStatus::Complete,
            Ending::Incomplete => StreamStatus::Incomplete,
        };
        let streams: Vec<_> = self
            .streams
            .iter()
            .map(|told| told.stream.clone())
            .collect();
        for stream in streams {
            self.tell(&stream, status).await?;
        }
        self.flush().await
    }
}

#[cfg(test)]
mod tests;
