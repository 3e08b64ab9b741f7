//! The task that writes: records in, acknowledgements out.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
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
use crossdock_core::served::{Pending, to_write};
use crossdock_core::session::Session;
use crossdock_core::spec::Spec;
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tonic::{Code, Status, Streaming};

use super::config::Configured;
use super::middleware::Middleware;
use super::rate::Bucket;
use super::schema_client::SchemaClient;
use crate::convert::reading::{Reading, Refused, Wanted};
use crate::convert::unacknowledged::{PositionFault, Unacknowledged};
use crate::now::now;
use crate::wire::position;
use crate::wire::proto::connector::{Ack as WireAck, DestinationAcks};
use crate::wire::version::Version;
use crossdock_avro as avro;
use crossdock_core::fault::Fault;

/// Records that are there are written together up to this many bytes.
const GROUP_BYTES: usize = 1 << 20;

/// If so long nothing comes, the platform is likely to wait for what it has sent.
const IDLE: Duration = Duration::from_millis(10);

/// What the platform wants beside the records.
pub(super) enum Command {
    /// To finish once the record of this position is there.
    Stop {
        last: Bytes,
        reply: oneshot::Sender<Result<()>>,
    },
    /// To finish now.
    TearDown { reply: oneshot::Sender<()> },
}

/// Where the writer says what is durable.
struct AckSender(mpsc::UnboundedSender<Ack>);

impl Acknowledge for AckSender {
    fn acknowledge(&self, ack: Ack) {
        // With the task gone nobody wants to know.
        let _ = self.0.send(ack);
    }
}

pub(super) struct Writing {
    destination: Arc<dyn ErasedDestination>,
    config: serde_json::Value,
    middleware: Middleware,
    dedups: bool,
    version: Version,
    session: Session,
    name: String,
    commands: mpsc::UnboundedReceiver<Command>,
    acks: mpsc::UnboundedReceiver<Ack>,
    ack_sender: Arc<AckSender>,
    reading: Reading,
    client: SchemaClient,
    book: Unacknowledged,
    pending: Pending,
    catalog: ConfiguredCatalog,
    writer: Option<Box<dyn DestinationWriter>>,
    epoch: i64,
    seq: Seq,
    committed: Seq,
    /// The checkpoints that are not durable yet, with the position of the last record of each.
    groups: VecDeque<(Seq, Vec<u8>)>,
    last: Vec<u8>,
    bucket: Option<Bucket>,
    began: Instant,
}

type Answering = mpsc::Sender<Result<Bytes, Status>>;

impl Writing {
    pub(super) fn new(
        destination: Arc<dyn ErasedDestination>,
        configured: Configured,
        spec: &Spec,
        version: Version,
        session: Session,
        name: String,
        commands: mpsc::UnboundedReceiver<Command>,
    ) -> Self {
        let Configured { config, middleware } = configured;
        let (sender, acks) = mpsc::unbounded_channel();
        let wanted = Wanted {
            lines: false,
            values: true,
        };
        let rate = middleware.rate;
        Self {
            destination,
            config,
            dedups: spec
                .destination
                .sync_modes
                .contains(&DestinationSyncMode::AppendDedup),
            version,
            session,
            commands,
            acks,
            ack_sender: Arc::new(AckSender(sender)),
            reading: Reading::new(&name, &ConfiguredCatalog::default(), wanted),
            name,
            client: SchemaClient::default(),
            book: Unacknowledged::of_many_sources(),
            pending: Pending::default(),
            catalog: ConfiguredCatalog::default(),
            writer: None,
            // Greater than that of every earlier run, as long as the clock goes on.
            epoch: SystemClock.now_ms(),
            seq: Seq(0),
            committed: Seq(0),
            groups: VecDeque::new(),
            last: Vec::new(),
            bucket: (rate > 0.0).then(|| Bucket::new(rate, middleware.burst)),
            middleware,
            began: Instant::now(),
        }
    }

    /// Writes until the platform has enough, or something fails.
    pub(super) async fn run(
        &mut self,
        mut requests: Streaming<Bytes>,
        answers: &Answering,
    ) -> Result<()> {
        let mut stopping: Option<(Bytes, oneshot::Sender<Result<()>>)> = None;
        let mut is_open = true;
        let mut flushed = Seq(0);
        loop {
            if let Some((last, _)) = &stopping
                && (last.is_empty() || *last == self.last)
                && let Some((_, reply)) = stopping.take()
            {
                let finished = self.finish(answers).await;
                let failed = finished
                    .as_ref()
                    .err()
                    .map(|e| Error::new(e.code(), e.message()));
                let _ = reply.send(finished);
                if let Some(error) = failed {
                    return Err(error);
                }
            }
            tokio::select! {
                biased;
                Some(ack) = self.acks.recv() => self.acknowledged(&ack, answers).await?,
                error = broken(&mut self.writer) => return Err(error),
                command = self.commands.recv() => match command {
                    Some(Command::Stop { last, reply }) => stopping = Some((last, reply)),
                    Some(Command::TearDown { reply }) => {
                        let finished = self.finish(answers).await;
                        let _ = reply.send(());
                        return finished;
                    }
                    None => return self.finish(answers).await,
                },
                message = requests.message(), if is_open => match message {
                    Ok(Some(first)) => {
                        let group = more(&mut requests, first, self.middleware.batch_size).await;
                        self.take(&group).await?;
                    }
                    // The platform has no more: all is acknowledged, and the stream ends.
                    Ok(None) => return self.finish(answers).await,
                    // tonic's status for a message over the limit.
                    Err(status) if status.code() == Code::OutOfRange => {
                        return Err(Error::new(&code::RECORD_TOO_LARGE, status.message()));
                    }
                    // Cancelled, which is how platforms end it; what came is finished in Teardown.
                    Err(_) => is_open = false,
                },
                () = tokio::time::sleep(IDLE), if flushed < self.seq => {
                    flushed = self.seq;
                    if let Some(writer) = &mut self.writer {
                        writer.flush().await?;
                    }
                }
            }
        }
    }

    async fn take(&mut self, group: &[Bytes]) -> Result<()> {
        let events = loop {
            let taken = self
                .reading
                .take(group, SystemClock.now_ms(), &mut self.book);
            match taken {
                Ok(events) => break events,
                Err(Refused::Schema((subject, version))) => {
                    let text = self.client.get(&subject, version).await?;
                    let schema = avro::Schema::parse(&text).map_err(refused)?;
                    self.reading.give((subject, version), schema);
                }
                Err(Refused::Broken(fault)) => return Err(refused(fault)),
                Err(Refused::Position(PositionFault::Empty)) => {
                    return Err(refused(Fault::new("a record has no position")));
                }
                Err(Refused::Position(PositionFault::Duplicate(position))) => {
                    let position = position::state(&position);
                    return Err(refused(Fault::new(format!(
                        "two records have the position {position}"
                    ))));
                }
            }
        };
        self.throttle(&events).await;
        for event in events {
            match event {
                Event::Schema(stream) => self.learn(stream).await?,
                Event::Batch(batch) => {
                    self.seq.0 += 1;
                    self.pending.sent(self.seq, Some(batch.stream.clone()));
                    let seq = self.seq;
                    self.writer().await?.write(seq, batch).await?;
                }
                _ => {}
            }
        }
        if let Some(last) = self.book.close_group() {
            self.seq.0 += 1;
            self.pending.sent(self.seq, None);
            self.groups.push_back((self.seq, last.clone()));
            let seq = self.seq;
            let checkpoint = Checkpoint::global(StateKind::Position, position::state(&last));
            self.last = last;
            self.writer()
                .await?
                .checkpoint(seq, Arc::new(checkpoint))
                .await?;
        }
        Ok(())
    }

    async fn throttle(&mut self, events: &[Event]) {
        let Some(bucket) = &mut self.bucket else {
            return;
        };
        let records = events.iter().map(|event| match event {
            Event::Batch(batch) => batch.records() as u64,
            _ => 0,
        });
        let wait = bucket.take(records.sum(), self.began.elapsed().as_secs_f64());
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// A stream is new, or has changed: the writer is opened anew, with everything before durable.
    async fn learn(&mut self, stream: Stream) -> Result<()> {
        if let Some(mut writer) = self.writer.take() {
            let finished = writer.finish(Ending::Incomplete).await;
            if finished.is_ok() {
                self.pending.all_durable();
            }
            let committed = match (&finished, self.pending.newest()) {
                (Ok(()), Some(seq)) => writer.committed(&self.mark(seq)).await,
                _ => Ok(()),
            };
            writer.close().await?;
            finished?;
            committed?;
        }
        let configured = to_write(stream, self.dedups);
        match self
            .catalog
            .streams
            .iter_mut()
            .find(|known| known.id() == configured.id())
        {
            Some(known) => *known = configured,
            None => self.catalog.streams.push(configured),
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

    async fn acknowledged(&mut self, ack: &Ack, answers: &Answering) -> Result<()> {
        if let Ack::Rejected {
            records, reason, ..
        } = ack
        {
            let message = format!("the destination rejected {records} records: {reason}");
            return Err(Error::new(&code::REJECTED_RECORDS, message));
        }
        self.pending.acknowledged(ack);
        self.publish(answers).await
    }

    /// What has become durable is committed at the destination, and then acknowledged.
    async fn publish(&mut self, answers: &Answering) -> Result<()> {
        let Some(durable) = self.pending.newest().filter(|seq| *seq > self.committed) else {
            return Ok(());
        };
        self.committed = durable;
        let mark = self.mark(durable);
        if let Some(writer) = &mut self.writer {
            writer.committed(&mark).await?;
        }
        let mut acks = Vec::new();
        while let Some((seq, _)) = self.groups.front()
            && *seq <= durable
            && let Some((_, last)) = self.groups.pop_front()
        {
            self.book.committed(&last, |position| {
                acks.push(WireAck {
                    position: Bytes::copy_from_slice(position),
                    error: String::new(),
                });
            });
        }
        let messages: Vec<Vec<u8>> = match self.version {
            Version::V1 => acks.iter().map(WireAck::encode_to_vec).collect(),
            Version::V2 => acks
                .chunks(10_000)
                .map(|acks| {
                    DestinationAcks {
                        acks: acks.to_vec(),
                    }
                    .encode_to_vec()
                })
                .collect(),
        };
        for message in messages {
            // A platform that is gone sends it again after its next start.
            let _ = answers.send(Ok(message.into())).await;
        }
        Ok(())
    }

    /// Everything that came becomes durable and is acknowledged.
    async fn finish(&mut self, answers: &Answering) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            writer.finish(Ending::Complete).await?;
            self.pending.all_durable();
            self.publish(answers).await?;
            // A writer takes nothing after its end; what comes later gets another.
            if let Some(mut writer) = self.writer.take() {
                writer.close().await?;
            }
        }
        Ok(())
    }

    pub(super) async fn close(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            let _ = writer.close().await;
        }
    }
}

async fn broken(writer: &mut Option<Box<dyn DestinationWriter>>) -> Error {
    match writer {
        Some(writer) => writer.broken().await,
        None => std::future::pending().await,
    }
}

/// What else is there without waiting for it.
async fn more(requests: &mut Streaming<Bytes>, first: Bytes, most: usize) -> Vec<Bytes> {
    let mut size = first.len();
    let mut group = vec![first];
    while size < GROUP_BYTES && group.len() < most.max(1) {
        let Some(Ok(Some(message))) = now(pin!(requests.message())).await else {
            break;
        };
        size += message.len();
        group.push(message);
    }
    group
}

fn refused(fault: Fault) -> Error {
    Error::new(&code::RECORD_UNREADABLE, fault.to_string())
}
