//! Hands items to one destination, one after another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Seq};
use crossdock_core::clock::Clock;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;
use tokio::sync::{mpsc, watch};

use crate::budget::Permit;

/// What a destination is to do.
pub(crate) enum Command {
    Write(Seq, Box<Batch>, Option<Permit>),
    Checkpoint(Seq, Arc<Checkpoint>, Option<Permit>),
    Status(StreamId, StreamStatus),
    Committed(Mark),
    Finish(Ending),
    Close,
}

/// What a destination says.
#[derive(Debug)]
pub(crate) enum Message {
    Ack(usize, Ack),
    Finished(usize),
    Failed(usize, Error),
    /// So many refused records of this batch are in the dead-letter office.
    Buried(StreamId, Seq, u64),
    /// Refused records could not be kept.
    Unburied(Error),
}

/// Since when an actor has been busy with one call; 0 while it is idle.
#[derive(Debug, Default)]
pub(crate) struct Busy {
    since: AtomicI64,
    finishing: AtomicBool,
}

impl Busy {
    pub(crate) fn since(&self) -> Option<i64> {
        Some(self.since.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }

    pub(crate) fn begin(&self, now_ms: i64) {
        self.since.store(now_ms, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.since.store(0, Ordering::Relaxed);
    }

    /// Whether what it is busy with is its end.
    pub(crate) fn is_finishing(&self) -> bool {
        self.finishing.load(Ordering::Relaxed)
    }
}

/// Passes acknowledgements into the run's inbox.
pub(crate) struct AckSender {
    pub(crate) at: usize,
    pub(crate) inbox: mpsc::UnboundedSender<Message>,
}

impl Acknowledge for AckSender {
    fn acknowledge(&self, ack: Ack) {
        // After the run nobody listens, which is fine: what came too late is not committed.
        let _ = self.inbox.send(Message::Ack(self.at, ack));
    }
}

pub(crate) struct DestinationActor {
    pub(crate) at: usize,
    pub(crate) writer: Box<dyn DestinationWriter>,
    pub(crate) commands: mpsc::UnboundedReceiver<Command>,
    pub(crate) inbox: mpsc::UnboundedSender<Message>,
    pub(crate) abort: watch::Receiver<bool>,
    pub(crate) busy: Arc<Busy>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl DestinationActor {
    /// Runs until it is told to close, or aborted, then closes the writer (P8).
    pub(crate) async fn run(mut self) -> Result<()> {
        let mut abort = self.abort.clone();
        tokio::select! {
            () = self.work() => {}
            _ = abort.wait_for(|aborted| *aborted) => {}
        }
        self.busy.end();
        self.writer.close().await
    }

    async fn work(&mut self) {
        let (mut failed, mut finished) = (false, false);
        loop {
            let command = tokio::select! {
                biased;
                command = self.commands.recv() => command,
                error = self.writer.broken(), if !failed && !finished => {
                    failed = true;
                    let _ = self.inbox.send(Message::Failed(self.at, error));
                    continue;
                }
            };
            let Some(command) = command else { return };
            if matches!(command, Command::Close) {
                return;
            }
            // After a failure the queue is only emptied, so that its bytes come back.
            if failed {
                continue;
            }
            self.busy.begin(self.clock.now_ms());
            let finishes = matches!(command, Command::Finish(_));
            self.busy.finishing.store(finishes, Ordering::Relaxed);
            let result = self.carry_out(command).await;
            self.busy.end();
            let message = match result {
                Ok(()) if finishes => {
                    finished = true;
                    Message::Finished(self.at)
                }
                Ok(()) => continue,
                Err(error) => {
                    failed = true;
                    Message::Failed(self.at, error)
                }
            };
            let _ = self.inbox.send(message);
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<()> {
        match command {
            Command::Write(seq, batch, _permit) => self.writer.write(seq, *batch).await,
            Command::Checkpoint(seq, checkpoint, _permit) => {
                let awaited = checkpoint.awaited;
                self.writer.checkpoint(seq, checkpoint).await?;
                match awaited {
                    true => self.writer.flush().await,
                    false => Ok(()),
                }
            }
            Command::Status(stream, status) => self.writer.status(&stream, status).await,
            Command::Committed(mark) => self.writer.committed(&mark).await,
            Command::Finish(ending) => self.writer.finish(ending).await,
            Command::Close => Ok(()),
        }
    }
}
