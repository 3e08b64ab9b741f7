//! Airbyte messages on a pipe whose other end is nobody that we launched: `crossdock read` writes
//! them, `crossdock write` reads them, and shells put anything in between.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

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

use crate::reading::{Reading, Step};
use crate::route::Routes;
use crate::status::Statuses;
use crate::stop::Stop;
use crate::talk::Talk;
use crate::trace_error::traced;
use crate::wire::{Decoder, Message, Stamp, write_state};

/// What messages on a pipe are called in logs and errors.
const NAME: &str = "the input";

/// Reads Airbyte messages from `input` as a source would send them. What it leaves unsaid of its streams when it
/// ends is made up for: an end is all that a pipe says of success.
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
    let reading = Reading::new(catalog, &[], session.limits.drop_unreadable_records);
    PipeReader {
        input,
        lines: LineBuffer::new(session.limits.max_line_bytes),
        decoder: Decoder::new(),
        reading: if completes {
            reading
        } else {
            reading.only_told()
        },
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

#[async_trait]
impl<R: AsyncRead + Send + Unpin> SourceReader for PipeReader<R> {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return event;
            }
            if self.over || self.control.is_asked() {
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
            () = self.control.asked() => return Ok(()),
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
        statuses: Statuses::new(catalog),
        counts: HashMap::new(),
        states: 0,
        acks,
        session: session.clone(),
    })
}

struct PipeWriter<W> {
    output: W,
    routes: Routes,
    statuses: Statuses,
    /// Records of each stream since the last state that covered it.
    counts: HashMap<StreamId, u64>,
    states: i64,
    acks: Arc<dyn Acknowledge>,
    session: Session,
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

    /// Says of each stream that it has begun, once.
    async fn begin(&mut self) -> Result<()> {
        let traces = self.statuses.begin(SystemClock.now_ms());
        self.put_all(traces).await
    }

    async fn put_all(&mut self, traces: Vec<(StreamId, String)>) -> Result<()> {
        let traces: String = traces.into_iter().map(|(_, trace)| trace).collect();
        self.put(traces.as_bytes()).await
    }

    async fn tell(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        match self.statuses.tell(stream, status, SystemClock.now_ms()) {
            Some(trace) => self.put(trace.as_bytes()).await,
            None => Ok(()),
        }
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
            partition: None,
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
        let traces = self.statuses.end(ending, SystemClock.now_ms());
        self.put_all(traces).await?;
        self.flush().await
    }
}

#[cfg(test)]
mod tests;
