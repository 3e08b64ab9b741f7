//! Sources that tell of their streams only while they run.
//!
//! Destinations are opened with a catalog, so a run of such a source goes in legs: the source is opened
//! first and listened to until it has told of a stream; then the destinations are opened, and records
//! flow until a stream is new or has changed. There the leg ends, with everything committed up to it,
//! and the next one begins with the larger catalog. The source knows nothing of that: it goes on
//! running, and is told of commits all the time.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_config::{Pipeline, Selections, StreamSelection};
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::catalog::{Catalog, ConfiguredCatalog, Stream};
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::source::{SourceControl, SourceReader};
use crossdock_core::stream::StreamId;
use crossdock_engine::life::Life;
use tokio::time::{Instant, timeout_at};

use crate::select;

/// After the first record, how long to listen for other streams before the first leg: each leg starts
/// the destinations anew.
const LISTEN: Duration = Duration::from_millis(500);
/// Records that are held back meanwhile, in bytes.
const HELD: usize = 1 << 20;

/// A source between two legs.
pub(super) struct Held {
    reader: Box<dyn SourceReader>,
    control: Arc<dyn SourceControl>,
    /// The signs of life of the source.
    pub(super) life: Arc<Life>,
    /// What came and was not passed on.
    queue: VecDeque<Event>,
    /// All streams it told of.
    streams: Vec<Stream>,
    selection: Vec<StreamSelection>,
    /// What was decided of each stream.
    wanted: HashMap<StreamId, bool>,
}

impl Held {
    pub(super) fn new(
        reader: Box<dyn SourceReader>,
        life: Arc<Life>,
        known: Vec<Stream>,
        pipeline: &Pipeline,
    ) -> Self {
        Self {
            control: reader.control(),
            reader,
            life,
            queue: VecDeque::new(),
            streams: known,
            selection: pipeline.streams.clone(),
            wanted: HashMap::new(),
        }
    }

    /// The streams it has told of so far.
    pub(super) fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Listens until there is something to write. `false`: the source has ended before.
    pub(super) async fn listen(&mut self) -> Result<bool> {
        let mut bytes = 0;
        let mut deadline: Option<Instant> = None;
        while bytes < HELD {
            let next = self.reader.next();
            let event = match deadline {
                None => next.await?,
                // It may be dropped: it belongs to a source that learns its streams.
                Some(deadline) => match timeout_at(deadline, next).await {
                    Ok(event) => event?,
                    Err(_) => break,
                },
            };
            match self.sorted(event) {
                Event::Schema(stream) => self.learn(stream),
                Event::End => {
                    self.queue.push_back(Event::End);
                    return Ok(deadline.is_some());
                }
                event => {
                    if let Event::Batch(batch) = &event {
                        bytes += batch.bytes();
                        deadline.get_or_insert_with(|| Instant::now() + LISTEN);
                    }
                    self.queue.push_back(event);
                }
            }
        }
        Ok(true)
    }

    fn is_wanted(&mut self, stream: &StreamId) -> bool {
        if let Some(known) = self.wanted.get(stream) {
            return *known;
        }
        let is_wanted = Selections::new(&self.selection).of(stream).is_some();
        self.wanted.insert(stream.clone(), is_wanted);
        is_wanted
    }

    /// The event; records that nobody selected are counted and left out.
    fn sorted(&mut self, event: Event) -> Event {
        match event {
            Event::Batch(batch) if !self.is_wanted(&batch.stream) => Event::Dropped {
                records: batch.records() as u64,
                stream: Some(batch.stream),
                reason: "the stream is not selected",
            },
            event => event,
        }
    }

    fn learn(&mut self, stream: Stream) {
        match self
            .streams
            .iter_mut()
            .find(|known| known.id() == stream.id())
        {
            Some(known) => *known = stream,
            None => self.streams.push(stream),
        }
    }

    /// Ends the source.
    pub(super) async fn close(&mut self) -> Result<()> {
        self.reader.close().await
    }
}

/// The catalog of the streams that are known so far. Streams that the pipeline names and that are not
/// known may come yet.
pub(super) fn configure(
    pipeline: &Pipeline,
    streams: &[Stream],
    capabilities: &[DestinationCapabilities],
) -> Result<ConfiguredCatalog> {
    let mut known = pipeline.clone();
    let is_known = |entry: &StreamSelection| streams.iter().any(|s| entry.matches(&s.id()));
    known.streams.retain(is_known);
    if streams.is_empty() || known.streams.is_empty() != pipeline.streams.is_empty() {
        return Ok(ConfiguredCatalog::default());
    }
    let catalog = Catalog {
        streams: streams.to_vec(),
        ..Catalog::default()
    };
    select::configure(&known, catalog, capabilities)
}

/// Where a source waits for the next leg.
pub(super) type Slot = Arc<Mutex<Option<Held>>>;

/// Takes the source out of its slot.
pub(super) fn take(slot: &Slot) -> Option<Held> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Whether a source waits there for the next leg.
pub(super) fn is_waiting(slot: &Slot) -> bool {
    slot.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .is_some()
}

/// Ends the source that waits there: there is no next leg.
pub(super) async fn close(slot: &Slot) {
    if let Some(mut held) = take(slot)
        && let Err(error) = held.close().await
    {
        tracing::warn!(%error, "the source did not close tidily");
    }
}

/// Reads one leg. What is left of the source when a stream changed goes back to the slot.
pub(super) struct LegReader {
    held: Option<Held>,
    slot: Slot,
    is_changed: bool,
}

impl LegReader {
    pub(super) fn new(held: Held, slot: Slot) -> Self {
        Self {
            held: Some(held),
            slot,
            is_changed: false,
        }
    }
}

#[async_trait]
impl SourceReader for LegReader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            let Some(held) = &mut self.held else {
                return Ok(Event::End);
            };
            let event = match held.queue.pop_front() {
                Some(event) => event,
                None => held.reader.next().await?,
            };
            match held.sorted(event) {
                Event::Schema(stream) => {
                    let id = stream.id();
                    held.learn(stream);
                    if held.is_wanted(&id) {
                        self.is_changed = true;
                        return Ok(Event::End);
                    }
                }
                event => return Ok(event),
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        match &self.held {
            Some(held) => held.control.clone(),
            None => Arc::new(crossdock_core::source::NoControl),
        }
    }

    async fn close(&mut self) -> Result<()> {
        match self.held.take() {
            Some(held) if self.is_changed => {
                *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
                Ok(())
            }
            Some(mut held) => held.close().await,
            None => Ok(()),
        }
    }
}
