//! `read`: what a source of the contract says, as messages on stdout (§3.4).

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::{ConfiguredCatalog, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, Seq, StateKind};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter, Ending};
use crossdock_core::erased::ErasedSource;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel, StreamStatus};
use crossdock_core::json::Json;
use crossdock_core::session::Session;
use crossdock_core::source::{SourceControl, SourceOpening, SourceReader};
use crossdock_core::spec::Spec;
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};

use super::moved::Moved;
use super::sockets::SocketWriter;
use super::spec::ends;
use super::voice::{Data, Voice};
use crate::channel::{DataChannel, Format};
use crate::pipe::write_messages;
use crate::wire::FORM;

/// How long a source without an end may have nothing new, unless its configuration says.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is read.
pub(super) struct Read {
    pub(super) source: Arc<dyn ErasedSource>,
    pub(super) spec: Spec,
    pub(super) config: Value,
    /// How long a source without an end may have nothing new.
    pub(super) patience: Option<Duration>,
    pub(super) catalog: ConfiguredCatalog,
    pub(super) states: Vec<LaneState>,
    /// Where records go; `None`: to stdout.
    pub(super) channel: Option<DataChannel>,
    pub(super) voice: Arc<Voice>,
    pub(super) session: Session,
}

/// What is on stdout is the platform's affair from there.
struct Unheard;

impl Acknowledge for Unheard {
    fn acknowledge(&self, _: Ack) {}
}

/// Reads until the source ends, or `stop`.
pub(super) async fn read(read: Read, stop: impl Future<Output = ()>) -> Result<Moved> {
    let Read {
        source,
        spec,
        config,
        patience,
        catalog,
        states,
        channel,
        voice,
        session,
    } = read;
    let is_whole = spec.source.whole_states || states.iter().any(|s| s.kind != StateKind::Stream);
    let told = Told::new(&catalog, &states);
    let opening = SourceOpening {
        catalog: catalog.clone(),
        pipeline: "airbyte".to_owned(),
        connector: String::new(),
        state: states,
        shape: match channel.as_ref().map(|channel| channel.format) {
            Some(Format::Protobuf(_)) => BodyShape::Columns,
            Some(Format::Jsonl) | None => BodyShape::Rows,
        },
        // On stdout, lines that are there already are enough. On sockets every record names its partition.
        verbatim: channel.is_none().then_some(FORM),
        values: channel.is_some(),
        bounded: true,
        session: session.clone(),
    };
    let mut reader = source.open(config, opening).await?;
    let writer: Box<dyn DestinationWriter> = match &channel {
        Some(channel) => Box::new(SocketWriter::listen(
            channel,
            &catalog,
            is_whole,
            voice.clone(),
        )?),
        None => write_messages(Data(voice.clone()), &catalog, Arc::new(Unheard), &session),
    };
    let patience = (!ends(&spec)).then(|| patience.unwrap_or(PATIENCE));
    let mut reading = Reading {
        control: reader.control(),
        drains: spec.source.drains,
        grace: session.limits.grace,
        patience,
        deadline: patience.map(|patience| Instant::now() + patience),
        asked: None,
        told,
        writer,
        voice,
        seq: Seq(0),
    };
    let read = reading.run(&mut *reader, stop).await;
    let closed = reader.close().await;
    let moved = read?;
    closed?;
    Ok(moved)
}

/// Who asked the source to come to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The platform.
    Stop,
    /// Nothing new came for too long.
    Idle,
}

/// What became of an event.
enum Taken {
    Yes,
    /// Yes, and meanwhile the platform asked for the end.
    AndStopped,
    /// Nobody took it in the time that the platform gives.
    GivenUp,
}

struct Reading {
    control: Arc<dyn SourceControl>,
    drains: bool,
    grace: Duration,
    /// For a source without an end.
    patience: Option<Duration>,
    /// Until when something must come.
    deadline: Option<Instant>,
    asked: Option<Asked>,
    told: Told,
    writer: Box<dyn DestinationWriter>,
    voice: Arc<Voice>,
    seq: Seq,
}

impl Reading {
    async fn run(
        &mut self,
        reader: &mut dyn SourceReader,
        stop: impl Future<Output = ()>,
    ) -> Result<Moved> {
        let mut stop = pin!(stop);
        loop {
            let event = match self.next(reader, stop.as_mut()).await {
                Ok(event) => event,
                Err(error) => {
                    // What is open stays so for whoever reads: only the error tells.
                    self.writer.finish(Ending::Incomplete).await?;
                    return Err(error);
                }
            };
            if matches!(event, Event::End) {
                return self.end_unless(stop.as_mut()).await;
            }
            match self.take_unless(event, stop.as_mut()).await? {
                Taken::Yes => {}
                Taken::GivenUp => return Ok(Moved::Stopped),
                Taken::AndStopped => {
                    self.asked = Some(Asked::Stop);
                    if !self.drains {
                        return self.end_unless(stop.as_mut()).await;
                    }
                    self.deadline = Some(Instant::now() + self.grace);
                }
            }
        }
    }

    /// Ends what was read. Whoever is to read the records may not even be there, and the platform need not wait for
    /// that.
    async fn end_unless(
        &mut self,
        stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Moved> {
        let (grace, is_asked) = (self.grace, self.asked == Some(Asked::Stop));
        let mut end = pin!(self.end());
        if !is_asked {
            tokio::select! {
                ended = &mut end => return ended,
                () = stop => {}
            }
        }
        timeout(grace, end).await.unwrap_or(Ok(Moved::Stopped))
    }

    /// Takes an event. Whoever reads the records may not do so for long, and the platform need not wait for that.
    async fn take_unless(
        &mut self,
        event: Event,
        stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Taken> {
        let control = self.control.clone();
        let (grace, is_asked) = (self.grace, self.asked == Some(Asked::Stop));
        let mut take = pin!(self.take(event));
        tokio::select! {
            taken = &mut take => return taken.map(|()| Taken::Yes),
            () = stop, if !is_asked => control.stop(),
        }
        match timeout(grace, take).await {
            Ok(taken) => taken.map(|()| Taken::AndStopped),
            Err(_) => Ok(Taken::GivenUp),
        }
    }

    /// The next event; the end, if nothing more is waited for.
    async fn next(
        &mut self,
        reader: &mut dyn SourceReader,
        mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Event> {
        let mut next = reader.next();
        loop {
            let deadline = self.deadline;
            let over = async {
                match deadline {
                    Some(deadline) => sleep_until(deadline).await,
                    None => std::future::pending().await,
                }
            };
            let asks = tokio::select! {
                biased;
                () = stop.as_mut(), if self.asked != Some(Asked::Stop) => Asked::Stop,
                event = &mut next => return event,
                () = over => Asked::Idle,
            };
            // One that was asked before has had its time.
            let is_over = self.asked.is_some() && asks == Asked::Idle;
            if !is_over {
                self.asked = Some(asks);
                self.control.stop();
            }
            if is_over || !self.drains {
                return Ok(Event::End); // `close` follows, so `next` may be dropped.
            }
            self.deadline = Some(Instant::now() + self.grace);
        }
    }

    async fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Batch(batch) => {
                if self.asked.is_none()
                    && let Some(patience) = self.patience
                {
                    self.deadline = Some(Instant::now() + patience);
                }
                if self.told.is_stranger(&batch.stream) {
                    self.stranger(&batch.stream, batch.records() as u64);
                    return Ok(());
                }
                self.seq.0 += 1;
                self.writer.write(self.seq, batch).await?;
            }
            Event::Checkpoint(checkpoint) => self.checkpoint(checkpoint).await?,
            Event::Status { stream, status } => {
                if status == StreamStatus::Complete {
                    self.settle(&stream).await?;
                }
                self.writer.status(&stream, status).await?;
            }
            Event::StreamFailed { stream, error } => {
                self.voice.error(&error, Some(&stream));
                self.told.failed.insert(stream.clone());
                self.writer
                    .status(&stream, StreamStatus::Incomplete)
                    .await?;
            }
            Event::Estimate(estimate) => self.voice.estimate(&estimate),
            Event::Dropped {
                stream,
                records,
                reason,
            } => {
                let of = stream.map_or_else(String::new, |s| format!(" of the stream {s}"));
                let text = format!("{records} records{of} are left out: {reason}");
                self.voice.log(LogLevel::Warn, &text);
            }
            Event::Refused(refused) => {
                return Err(Error::new(&code::REJECTED_RECORDS, refused.reason));
            }
            // The catalog was made before; what is new is in the next one. Nothing passes by who serves.
            Event::Schema(_) | Event::Passed { .. } | Event::End => {}
        }
        Ok(())
    }

    fn stranger(&mut self, stream: &StreamId, records: u64) {
        let counted = self.told.strangers.entry(stream.clone()).or_default();
        if *counted == 0 {
            let text = format!(
                "records of the stream {stream}, which is not in the catalog, are left out"
            );
            self.voice.log(LogLevel::Info, &text);
        }
        *counted += records;
    }

    async fn checkpoint(&mut self, checkpoint: Checkpoint) -> Result<()> {
        if let Lane::Stream(stream) = &checkpoint.lane
            && self.told.is_stranger(stream)
        {
            return Ok(());
        }
        self.told.stated(&checkpoint.lane);
        self.seq.0 += 1;
        let checkpoint = Arc::new(checkpoint);
        self.writer.checkpoint(self.seq, checkpoint.clone()).await?;
        if checkpoint.awaited {
            // The protocol has no word for it (§3.4), and a source that waits for one would wait for ever. All
            // others learn of it by the state of the next read.
            self.control.committed(&checkpoint).await?;
        }
        Ok(())
    }

    /// A stream that is read whole and sent no state gets an empty one, so that there is a commit point (§3.4).
    async fn settle(&mut self, stream: &StreamId) -> Result<()> {
        if self.told.lacks_state(stream) {
            let empty = Json::from_value(&json!({}));
            self.checkpoint(Checkpoint::stream(stream.clone(), empty))
                .await?;
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<Moved> {
        if self.asked == Some(Asked::Stop) {
            self.writer.finish(Ending::Incomplete).await?;
            return Ok(Moved::Stopped);
        }
        for stream in self.told.unsettled() {
            self.settle(&stream).await?;
        }
        self.writer.finish(Ending::Complete).await?;
        for (stream, records) in &self.told.strangers {
            let text = format!("{records} records of the stream {stream} were left out");
            self.voice.log(LogLevel::Warn, &text);
        }
        Ok(if self.told.failed.is_empty() {
            Moved::All
        } else {
            Moved::Some
        })
    }
}

/// What was said of the streams.
struct Told {
    streams: HashSet<StreamId>,
    /// Read whole, and without a state so far.
    stateless: BTreeSet<StreamId>,
    failed: BTreeSet<StreamId>,
    /// Records of streams that were not asked for.
    strangers: BTreeMap<StreamId, u64>,
}

impl Told {
    fn new(catalog: &ConfiguredCatalog, given: &[LaneState]) -> Self {
        // A state of a stream would stand beside one of the whole, and states must not be mixed.
        let is_whole = given.iter().any(|state| state.kind != StateKind::Stream);
        let whole = catalog
            .streams
            .iter()
            .filter(|s| s.sync_mode == SyncMode::FullRefresh && !is_whole);
        Self {
            streams: catalog.streams.iter().map(|s| s.id()).collect(),
            stateless: whole.map(|s| s.id()).collect(),
            failed: BTreeSet::new(),
            strangers: BTreeMap::new(),
        }
    }

    fn is_stranger(&self, stream: &StreamId) -> bool {
        !self.streams.contains(stream)
    }

    fn stated(&mut self, lane: &Lane) {
        self.stateless.retain(|stream| !lane.covers(stream));
    }

    fn lacks_state(&self, stream: &StreamId) -> bool {
        self.stateless.contains(stream) && !self.failed.contains(stream)
    }

    fn unsettled(&self) -> Vec<StreamId> {
        let lacking = self.stateless.difference(&self.failed);
        lacking.cloned().collect()
    }
}
