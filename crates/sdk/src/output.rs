//! Where a source that pushes puts what it reads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use bytes::Bytes;
use crossdock_core::batch::{
    Batch, Body, Columns, Operation, Operations, RowSpans, RowsBuilder, Span,
};
use crossdock_core::checkpoint::{Checkpoint, StateKind};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Estimate, Event, LogLevel, StreamStatus};
use crossdock_core::session::Session;
use crossdock_core::stream::StreamId;
use serde::Serialize;
use tokio::sync::mpsc;

use crate::state::{State, encode};
use crate::stop::Stop;

/// A batch is sent on when it has so many bytes, or records.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_RECORDS: usize = 10_000;

/// A change to a row, for sources that know more than its new value.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a, R: ?Sized> {
    /// What happened.
    pub operation: Operation,
    /// The row's key, where the source knows it.
    pub key: Option<&'a R>,
    /// The row before.
    pub before: Option<&'a R>,
    /// The row after; `None` for one that was deleted.
    pub after: Option<&'a R>,
}

/// Takes the records and checkpoints of a source, in order. Every call waits until there is room: that is the
/// back-pressure. Records are gathered into batches; one goes on when it is full, before each checkpoint, and when
/// nothing more comes for a moment.
#[derive(Debug)]
pub struct Output {
    events: mpsc::Sender<Event>,
    gathered: Arc<Gathered>,
    /// Where its own records are gathered.
    slot: usize,
    stop: Arc<Stop>,
    /// Records of each stream since its last checkpoint.
    counts: HashMap<StreamId, u64>,
    session: Session,
    bounded: bool,
}

impl Output {
    pub(crate) fn new(
        events: mpsc::Sender<Event>,
        gathered: Arc<Gathered>,
        stop: Arc<Stop>,
        session: Session,
        bounded: bool,
    ) -> Self {
        Self {
            events,
            slot: gathered.slot(),
            gathered,
            stop,
            counts: HashMap::new(),
            session,
            bounded,
        }
    }

    /// Another one beside it, for streams that are read at the same time: the order is kept in each.
    pub(crate) fn beside(&self) -> Self {
        Self::new(
            self.events.clone(),
            self.gathered.clone(),
            self.stop.clone(),
            self.session.clone(),
            self.bounded,
        )
    }

    /// Emits a record: a struct, a map, or a [`serde_json::Value`] that is an object.
    ///
    /// # Errors
    /// `data.invalid` if it is no JSON object; `run.cancelled` if nobody reads on.
    pub async fn record<R>(&mut self, stream: &StreamId, record: &R) -> Result<()>
    where
        R: Serialize + Sync + ?Sized,
    {
        let change = Change {
            operation: Operation::Create,
            key: None,
            before: None,
            after: Some(record),
        };
        self.change(stream, change).await
    }

    /// Emits a change.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub async fn change<R>(&mut self, stream: &StreamId, change: Change<'_, R>) -> Result<()>
    where
        R: Serialize + Sync + ?Sized,
    {
        let full = self.gathered.with(self.slot, |own| own.take_unless(stream));
        self.send_batch(full).await?;
        let full = self
            .gathered
            .with(self.slot, |own| own.add(stream, change))?;
        match self.counts.get_mut(stream) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(stream.clone(), 1)),
        }
        self.send_batch(full).await
    }

    /// Emits records that are columns already: those of the stream's schema, in its order.
    ///
    /// # Errors
    /// `run.cancelled` if nobody reads on.
    pub async fn columns(&mut self, stream: &StreamId, values: RecordBatch) -> Result<()> {
        self.flush().await?;
        let records = values.num_rows();
        let body = Body::Columns(Columns {
            emitted_at: vec![SystemClock.now_ms(); records],
            values,
            operations: Operations::default(),
            metadata: None,
        });
        *self.counts.entry(stream.clone()).or_default() += records as u64;
        let stream = stream.clone();
        self.send(Event::Batch(Batch { stream, body })).await
    }

    /// Says that `stream` can be resumed from `state`, which covers every record of it so far.
    ///
    /// # Errors
    /// `run.cancelled` if nobody reads on, or if the source is asked to end: then this state was the last one, and
    /// the error is best passed on with `?`.
    pub async fn checkpoint<S: State>(&mut self, stream: &StreamId, state: &S) -> Result<()> {
        let mut checkpoint = Checkpoint::stream(stream.clone(), encode(state)?);
        checkpoint.source_count = Some(self.counts.remove(stream).unwrap_or_default());
        self.send_checkpoint(checkpoint).await
    }

    /// The same for all streams at once, for a source that reads one log: its capabilities must say `whole_states`.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn checkpoint_all<S: State>(&mut self, state: &S) -> Result<()> {
        let mut checkpoint = Checkpoint::global(StateKind::Position, encode(state)?);
        checkpoint.source_count = Some(self.counts.drain().map(|(_, count)| count).sum());
        self.send_checkpoint(checkpoint).await
    }

    async fn send_checkpoint(&mut self, checkpoint: Checkpoint) -> Result<()> {
        self.flush().await?;
        self.send(Event::Checkpoint(checkpoint)).await?;
        if self.stop.is_wished() {
            return Err(Error::new(&code::CANCELLED, "the source is asked to end"));
        }
        Ok(())
    }

    /// Says how a stream is. What is begun and complete is told by those who read it for you.
    ///
    /// # Errors
    /// `run.cancelled` if nobody reads on.
    pub async fn status(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        self.flush().await?;
        let stream = stream.clone();
        self.send(Event::Status { stream, status }).await
    }

    /// Says how many records of a stream are to be expected.
    ///
    /// # Errors
    /// `run.cancelled` if nobody reads on.
    pub async fn estimate(&mut self, stream: &StreamId, records: u64) -> Result<()> {
        self.send(Event::Estimate(Estimate {
            stream: Some(stream.clone()),
            records: Some(records),
            bytes: None,
        }))
        .await
    }

    /// Sends on what is gathered. Only a source that waits without a checkpoint need ask.
    ///
    /// # Errors
    /// `run.cancelled` if nobody reads on.
    pub async fn flush(&mut self) -> Result<()> {
        let batch = self.gathered.with(self.slot, Gathering::take);
        self.send_batch(batch).await
    }

    /// Says something to who runs the connector. No secrets.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.session.log(level, message.into());
    }

    /// Whether the run ends when there is nothing new; else a source that polls goes on asking.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.bounded
    }

    /// Waits until the source is asked to end: for one that waits for news beside it, in a `select!`.
    pub async fn stopping(&self) {
        self.stop.wished().await;
    }

    pub(crate) async fn send(&self, event: Event) -> Result<()> {
        let sent = self.events.send(event).await;
        sent.map_err(|_| Error::new(&code::CANCELLED, "nobody reads on"))
    }

    async fn send_batch(&self, batch: Option<Batch>) -> Result<()> {
        match batch {
            Some(batch) => self.send(Event::Batch(batch)).await,
            None => Ok(()),
        }
    }
}

/// Records that are not sent on yet, of each output: shared with the reader, which takes them if nothing else comes.
#[derive(Debug, Default)]
pub(crate) struct Gathered(Mutex<Vec<Gathering>>);

impl Gathered {
    fn lock(&self) -> MutexGuard<'_, Vec<Gathering>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more output.
    fn slot(&self) -> usize {
        let mut all = self.lock();
        all.push(Gathering::default());
        all.len() - 1
    }

    fn with<T>(&self, slot: usize, act: impl FnOnce(&mut Gathering) -> T) -> T {
        act(&mut self.lock()[slot])
    }

    /// What there is of one of them.
    pub(crate) fn take(&self) -> Option<Batch> {
        self.lock().iter_mut().find_map(Gathering::take)
    }
}

#[derive(Debug, Default)]
struct Gathering {
    stream: Option<StreamId>,
    buffer: Vec<u8>,
    rows: RowsBuilder,
}

impl Gathering {
    /// Adds a record of the stream that is gathered, and gives the batch if it is full.
    fn add<R: Serialize + ?Sized>(
        &mut self,
        stream: &StreamId,
        change: Change<'_, R>,
    ) -> Result<Option<Batch>> {
        let start = self.buffer.len();
        let row = self
            .row(change)
            .inspect_err(|_| self.buffer.truncate(start));
        self.rows
            .push(row.map_err(|error| error.with("stream", stream))?);
        if self.stream.is_none() {
            self.stream = Some(stream.clone());
        }
        let is_full = self.buffer.len() >= BATCH_BYTES || self.rows.len() >= BATCH_RECORDS;
        Ok(is_full.then(|| self.take()).flatten())
    }

    fn row<R: Serialize + ?Sized>(&mut self, change: Change<'_, R>) -> Result<RowSpans> {
        let mut span = |value: Option<&R>| match value {
            None => Ok(Span::NONE),
            Some(value) => {
                let start = self.buffer.len();
                serde_json::to_writer(&mut self.buffer, value).map_err(|cause| {
                    Error::new(&code::DATA_INVALID, "a record cannot be written as JSON")
                        .caused_by(cause)
                })?;
                if self.buffer[start] != b'{' {
                    let message = "a record must be an object, with a member for each column";
                    return Err(Error::new(&code::DATA_INVALID, message));
                }
                Span::new(start, self.buffer.len())
                    .ok_or_else(|| Error::new(&code::RECORD_TOO_LARGE, "a batch exceeds 4 GiB"))
            }
        };
        Ok(RowSpans {
            after: span(change.after)?,
            before: span(change.before)?,
            key: span(change.key)?,
            emitted_at: SystemClock.now_ms(),
            operation: change.operation,
            ..RowSpans::default()
        })
    }

    /// What there is of other streams.
    fn take_unless(&mut self, stream: &StreamId) -> Option<Batch> {
        let is_same = self.stream.as_ref().is_none_or(|own| own == stream);
        if is_same { None } else { self.take() }
    }

    fn take(&mut self) -> Option<Batch> {
        let stream = self.stream.take()?;
        let buffer = Bytes::from(std::mem::take(&mut self.buffer));
        let body = Body::Rows(self.rows.finish(buffer, None));
        Some(Batch { stream, body })
    }
}
