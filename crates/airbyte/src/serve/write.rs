//! `write`: messages from stdin into a destination of the contract, states echoed on stdout (§3.4).

use std::io::Write as _;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::destination::{
    Ack, Acknowledge, DestinationOpening, DestinationWriter, Ending, Mark,
};
use crossdock_core::erased::ErasedDestination;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel, StreamStatus};
use crossdock_core::session::Session;
use crossdock_core::source::SourceReader;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::completion::Completion;
use super::echoes::Echoes;
use super::input;
use super::moved::Moved;
use super::voice::Voice;
use crate::channel::{ChannelReader, DataChannel};
use crate::pipe::read_told;
use crate::wire::protobuf::Wanted;

/// How often a bookkeeper is told what came (§4.7).
const TELLS: Duration = Duration::from_secs(30);

/// What is written.
pub(super) struct Write {
    pub(super) destination: Arc<dyn ErasedDestination>,
    pub(super) config: Value,
    pub(super) catalog: ConfiguredCatalog,
    /// What the data at the destination is told apart by, where it matters.
    pub(super) name: String,
    /// Where records come from; `None`: from stdin.
    pub(super) channel: Option<DataChannel>,
    /// What is to be made of values that come over a channel.
    pub(super) wanted: Wanted,
    pub(super) voice: Arc<Voice>,
    pub(super) session: Session,
}

/// Where the writer says what is durable.
struct AckSender(mpsc::UnboundedSender<Ack>);

impl Acknowledge for AckSender {
    fn acknowledge(&self, ack: Ack) {
        // With the task gone nobody wants to know.
        let _ = self.0.send(ack);
    }
}

/// Writes until the input ends, or `stop`.
pub(super) async fn write(write: Write, stop: impl Future<Output = ()>) -> Result<Moved> {
    let (sender, acks) = mpsc::unbounded_channel();
    // Greater than that of every earlier run, as long as the clock goes on.
    let epoch = SystemClock.now_ms();
    let opening = DestinationOpening {
        whole_states: false,
        catalog: write.catalog.clone(),
        pipeline: write.name,
        connector: String::new(),
        epoch,
        // The platform keeps the states, and sends again whatever was not echoed: what an earlier run left
        // beyond that goes.
        marks: Vec::new(),
        marks_decide: true,
        keeps_marks: true,
        // Refused records are counted and told of (§1.3); the others go on.
        keeps_refused: true,
        acks: Arc::new(AckSender(sender)),
        session: write.session.clone(),
    };
    let writer = write.destination.open(write.config, opening).await?;
    let mut reader = match &write.channel {
        Some(channel) => ChannelReader::open(channel, &write.catalog, write.wanted, &write.session),
        None => read_told(input::stdin(), &write.catalog, &write.session),
    };
    let mut writing = Writing {
        writer,
        acks,
        echoes: match write.channel {
            Some(_) => Echoes::for_bookkeeper(),
            None => Echoes::default(),
        },
        told: Instant::now(),
        completion: Completion::new(&write.catalog),
        committed: Seq(0),
        epoch,
        voice: write.voice,
    };
    let written = writing.run(&mut *reader, stop).await;
    let closed = writing.writer.close().await;
    let moved = written?;
    closed?;
    Ok(moved)
}

struct Writing {
    writer: Box<dyn DestinationWriter>,
    acks: mpsc::UnboundedReceiver<Ack>,
    echoes: Echoes,
    completion: Completion,
    committed: Seq,
    /// When a bookkeeper was last told what came.
    told: Instant,
    epoch: i64,
    voice: Arc<Voice>,
}

impl Writing {
    async fn run(
        &mut self,
        reader: &mut dyn SourceReader,
        stop: impl Future<Output = ()>,
    ) -> Result<Moved> {
        let mut stop = pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => {
                    self.finish(Ending::Incomplete).await?;
                    return Ok(Moved::Stopped);
                }
                Some(ack) = self.acks.recv() => {
                    self.acknowledged(&ack);
                    self.echo().await?;
                }
                error = self.writer.broken() => return Err(error),
                () = sleep_until(self.told + TELLS) => self.tell(),
                // A pipe's reader may be asked again after it was dropped.
                event = reader.next() => match event {
                    Ok(Event::End) => return self.end().await,
                    Ok(event) => self.take(event).await?,
                    Err(error) => {
                        // What came before it is good.
                        self.finish(Ending::Incomplete).await?;
                        return Err(error);
                    }
                },
            }
        }
    }

    async fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Batch(batch) => {
                let seq = self.echoes.batch(&batch);
                self.writer.write(seq, batch).await?;
            }
            Event::Checkpoint(checkpoint) => {
                let seq = self.echoes.state(&checkpoint);
                self.writer.checkpoint(seq, Arc::new(checkpoint)).await?;
            }
            Event::Status { stream, status } => {
                self.completion.tell(&stream, status);
                self.writer.status(&stream, status).await?;
            }
            Event::StreamFailed { stream, error } => {
                self.voice.log(LogLevel::Warn, &error.in_one_line());
                self.completion.tell(&stream, StreamStatus::Incomplete);
            }
            Event::Dropped {
                records, reason, ..
            } => {
                let text = format!("{records} records are left out: {reason}");
                self.voice.log(LogLevel::Warn, &text);
            }
            Event::Schema(_)
            | Event::Estimate(_)
            | Event::Refused(_)
            | Event::Passed { .. }
            | Event::End => {}
        }
        Ok(())
    }

    /// What came so far, for a bookkeeper who sees nothing of it (§4.7).
    fn tell(&mut self) {
        self.told = Instant::now();
        for (stream, came) in self.echoes.came() {
            self.voice.came(stream, came);
        }
    }

    fn acknowledged(&mut self, ack: &Ack) {
        if let Ack::Rejected {
            stream,
            records,
            reason,
            ..
        } = ack
        {
            let text = format!("{records} records of the stream {stream} were refused: {reason}");
            self.voice.log(LogLevel::Warn, &text);
        }
        self.echoes.acknowledged(ack);
    }

    /// What is durable up to a state is shown to readers of the destination, and then the state is echoed (P1).
    async fn echo(&mut self) -> Result<()> {
        match self.echoes.durable_state(self.committed) {
            Some(seq) => self.commit(seq).await,
            None => Ok(()),
        }
    }

    /// The states up to `seq`: of each stream what its own last one covers, since what follows comes again.
    async fn commit(&mut self, seq: Seq) -> Result<()> {
        for (lane, seq) in self.echoes.lanes(seq) {
            self.commit_lane(lane, seq).await?;
        }
        self.echo_up_to(seq)
    }

    async fn commit_lane(&mut self, lane: Lane, seq: Seq) -> Result<()> {
        let epoch = self.epoch;
        self.writer.committed(&Mark { epoch, lane, seq }).await
    }

    fn echo_up_to(&mut self, seq: Seq) -> Result<()> {
        self.committed = seq;
        let lines = self.echoes.committed(seq);
        self.voice
            .data()
            .write_all(&lines)
            .map_err(|cause| Error::new(&code::IO, "the output cannot be written").caused_by(cause))
    }

    /// Everything that came becomes durable. What follows the last state stays only if all is complete: it is
    /// sent again otherwise.
    async fn finish(&mut self, ending: Ending) -> Result<()> {
        self.writer.finish(ending).await?;
        while let Ok(ack) = self.acks.try_recv() {
            self.acknowledged(&ack);
        }
        self.echoes.finished();
        match (ending, self.echoes.durable()) {
            (Ending::Complete, Some(seq)) if seq > self.committed => {
                self.commit_lane(Lane::Global, seq).await?;
                self.echo_up_to(seq)
            }
            (Ending::Complete, _) => Ok(()),
            (Ending::Incomplete, _) => self.echo().await,
        }
    }

    async fn end(&mut self) -> Result<Moved> {
        let missing = self.completion.missing();
        if missing.is_empty() {
            self.finish(Ending::Complete).await?;
            return Ok(Moved::All);
        }
        self.finish(Ending::Incomplete).await?;
        let names: Vec<_> = missing.iter().map(ToString::to_string).collect();
        let message = "the input ended before every stream was complete: what came is kept, nothing is replaced by it";
        let error = Error::new(&code::STREAM_INCOMPLETE, message).with("streams", names.join(", "));
        self.voice.error(&error, None);
        Ok(Moved::Some)
    }
}
