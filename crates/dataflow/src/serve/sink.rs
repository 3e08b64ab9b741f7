//! A destination of the contract as a sink of DataFlow.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crossdock_core::catalog::{ConfiguredCatalog, DestinationSyncMode, Stream};
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq, StateKind};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::destination::{
    Ack, Acknowledge, DestinationOpening, DestinationWriter, Ending, Mark,
};
use crossdock_core::erased::ErasedDestination;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::json::Json;
use crossdock_core::secret::Masker;
use crossdock_core::served::{Pending, to_write};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use serde_json::Value;
use tokio::sync::mpsc;

use super::failure;
use crate::convert::reading::{Reading, Wanted};
use crate::wire::{FORM, Failure, MessageView};

/// Where the writer says what is durable.
struct AckSender(mpsc::UnboundedSender<Ack>);

impl Acknowledge for AckSender {
    fn acknowledge(&self, ack: Ack) {
        // With the sink gone nobody wants to know.
        let _ = self.0.send(ack);
    }
}

/// A sink that is open. Its writer is opened with the first messages, which tell of the streams.
pub(super) struct Sink {
    destination: Arc<dyn ErasedDestination>,
    config: Value,
    name: String,
    masker: Masker,
    session: Session,
    dedups: bool,
    reading: Reading,
    catalog: ConfiguredCatalog,
    writer: Option<Box<dyn DestinationWriter>>,
    ack_sender: Arc<AckSender>,
    acks: mpsc::UnboundedReceiver<Ack>,
    pending: Pending,
    epoch: i64,
    seq: Seq,
    committed: Seq,
}

/// Which messages of a write were refused, and why the first was.
#[derive(Default)]
struct Refusals {
    indices: Vec<u32>,
    reason: String,
}

impl Sink {
    pub(super) async fn open(
        destination: Arc<dyn ErasedDestination>,
        spec: &Spec,
        config: Value,
        name: String,
        masker: Masker,
        session: &Session,
    ) -> Result<Self> {
        if let Checked::Failed(why) = destination.check(config.clone(), session).await? {
            return Err(Error::new(&code::CONFIG_INVALID, why));
        }
        let (sender, acks) = mpsc::unbounded_channel();
        let wanted = Wanted {
            lines: spec.destination.wire_forms.contains(&FORM),
            values: true,
        };
        let catalog = ConfiguredCatalog::default();
        Ok(Self {
            destination,
            config,
            masker,
            session: session.clone(),
            dedups: spec
                .destination
                .sync_modes
                .contains(&DestinationSyncMode::AppendDedup),
            reading: Reading::new(&name, &catalog, wanted),
            name,
            catalog,
            writer: None,
            ack_sender: Arc::new(AckSender(sender)),
            acks,
            pending: Pending::default(),
            // Greater than that of every earlier run, as long as the clock goes on.
            epoch: SystemClock.now_ms(),
            seq: Seq(0),
            committed: Seq(0),
        })
    }

    /// Writes messages; returns once they are durable. Those that are refused are named, and the others are
    /// written.
    pub(super) async fn write(
        &mut self,
        line: &[u8],
        messages: &[MessageView],
    ) -> Result<(), Failure> {
        // Of each stream, which messages are its records.
        let mut places: HashMap<StreamId, Vec<u32>> = HashMap::new();
        let mut refusals = Refusals::default();
        let now = SystemClock.now_ms();
        for (at, view) in (0..).zip(messages) {
            match self.reading.take(line, view, now) {
                Ok(stream) => places.entry(stream).or_default().push(at),
                Err(fault) => refusals.add(&[at], fault.to_string()),
            }
        }
        let mut events = Vec::new();
        self.reading.finish(None, &mut events);
        let carried = self.carry_out(events, &places, &mut refusals).await;
        carried.map_err(|error| failure::of(&error, &self.masker))?;
        if refusals.indices.is_empty() {
            return Ok(());
        }
        refusals.indices.sort_unstable();
        let reason = self.masker.mask(&refusals.reason).into_owned();
        let mut failure = failure::plain("invalid_data", reason);
        failure.failed = Some(refusals.indices);
        Err(failure)
    }

    async fn carry_out(
        &mut self,
        events: Vec<Event>,
        places: &HashMap<StreamId, Vec<u32>>,
        refusals: &mut Refusals,
    ) -> Result<()> {
        let mut batches = BTreeMap::new();
        for event in events {
            match event {
                Event::Schema(stream) => self.learn(stream).await?,
                Event::Batch(batch) => {
                    self.seq.0 += 1;
                    self.pending.sent(self.seq, Some(batch.stream.clone()));
                    batches.insert(self.seq, batch.stream.clone());
                    let seq = self.seq;
                    self.writer().await?.write(seq, batch).await?;
                }
                _ => {}
            }
        }
        if batches.is_empty() {
            return Ok(());
        }
        self.seq.0 += 1;
        self.pending.sent(self.seq, None);
        let state = Json::from_value(&self.seq.0.into());
        let checkpoint = Checkpoint::global(StateKind::Position, state).awaited(true);
        let seq = self.seq;
        let writer = self.writer().await?;
        writer.checkpoint(seq, Arc::new(checkpoint)).await?;
        writer.flush().await?;
        while self.pending.newest() < Some(seq) {
            let ack = tokio::select! {
                ack = self.acks.recv() => ack,
                error = broken(&mut self.writer) => return Err(error),
            };
            let gone = || Error::new(&code::INTERNAL, "the writer's acknowledgements ended");
            let ack = ack.ok_or_else(gone)?;
            if let Ack::Rejected {
                seq,
                indices,
                records,
                reason,
                ..
            } = &ack
            {
                let place = batches.get(seq).and_then(|stream| places.get(stream));
                let place = place.map_or(&[][..], Vec::as_slice);
                let found = indices.iter().filter_map(|at| place.get(*at as usize));
                let found: Vec<u32> = found.copied().collect();
                if found.len() as u64 != *records {
                    let message = format!("the destination rejected {records} records: {reason}");
                    return Err(Error::new(&code::REJECTED_RECORDS, message));
                }
                refusals.add(&found, reason.clone());
            }
            self.pending.acknowledged(&ack);
        }
        // A staged destination publishes only now, so only now it is written.
        self.committed = seq;
        let mark = self.mark(seq);
        self.writer().await?.committed(&mark).await
    }

    /// A stream is new, or has changed: the writer is opened anew, with everything before durable.
    async fn learn(&mut self, stream: Stream) -> Result<()> {
        self.finish(Ending::Incomplete).await?;
        let configured = to_write(stream, self.dedups);
        let streams = &mut self.catalog.streams;
        match streams
            .iter_mut()
            .find(|known| known.id() == configured.id())
        {
            Some(known) => *known = configured,
            None => streams.push(configured),
        }
        Ok(())
    }

    fn mark(&self, seq: Seq) -> Mark {
        Mark {
            epoch: self.epoch,
            lane: Lane::Global,
            seq,
        }
    }

    async fn writer(&mut self) -> Result<&mut Box<dyn DestinationWriter>> {
        if self.writer.is_none() {
            let opening = DestinationOpening {
                whole_states: true,
                keeps_refused: true,
                connector: String::new(),
                catalog: self.catalog.clone(),
                pipeline: self.name.clone(),
                epoch: self.epoch,
                marks: vec![self.mark(self.committed)],
                marks_decide: true,
                keeps_marks: true,
                acks: self.ack_sender.clone(),
                session: self.session.clone(),
            };
            self.writer = Some(self.destination.open(self.config.clone(), opening).await?);
        }
        let missing = || Error::new(&code::INTERNAL, "the writer is gone");
        self.writer.as_mut().ok_or_else(missing)
    }

    /// Ends the writer, if there is one. Everything that was answered is durable already.
    async fn finish(&mut self, ending: Ending) -> Result<()> {
        let Some(mut writer) = self.writer.take() else {
            return Ok(());
        };
        let finished = writer.finish(ending).await;
        let closed = writer.close().await;
        finished.and(closed)
    }

    pub(super) async fn close(mut self) -> Result<()> {
        self.finish(Ending::Complete).await
    }
}

impl Refusals {
    fn add(&mut self, indices: &[u32], reason: String) {
        if self.indices.is_empty() {
            self.reason = reason;
        }
        self.indices.extend_from_slice(indices);
    }
}

async fn broken(writer: &mut Option<Box<dyn DestinationWriter>>) -> Error {
    match writer {
        Some(writer) => writer.broken().await,
        None => std::future::pending().await,
    }
}
