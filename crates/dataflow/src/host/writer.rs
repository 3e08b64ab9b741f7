//! A running write: batches go into the outbox, and a task carries them to the sink.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Acknowledge, DestinationWriter, Ending};
use crossdock_core::error::{Error, Result};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::outbox::Outbox;
use super::peer::Peer;
use super::sender::{Sender, Shared, up_to};
use super::talk::Talk;
use crate::convert::writing::Writing;
use crate::wire::Ready;

/// Bytes that may wait for the sink (P7): two writes of the longest.
const WAITING: usize = 2 * MOST_BYTES;
/// A line to a sink has at most so many bytes, if messages are no larger …
const MOST_BYTES: usize = 1 << 20;
/// … and to one that does not say what it reads: the default scanner of Go stops at 64 KiB (§1.1).
const CAREFUL: usize = 60 << 10;

pub(super) struct Writer {
    writing: Writing,
    shared: Arc<Shared>,
    task: JoinHandle<Result<()>>,
    failed: oneshot::Receiver<Error>,
    acks: Arc<dyn Acknowledge>,
    talk: Talk,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Writer {
    pub(super) fn start(
        peer: Peer,
        ready: &Ready,
        writing: Writing,
        acks: Arc<dyn Acknowledge>,
        keeps_refused: bool,
    ) -> Self {
        let said = ready
            .max_line_bytes
            .and_then(|said| usize::try_from(said).ok());
        let longest = said.unwrap_or(CAREFUL).min(MOST_BYTES);
        let shared = Arc::new(Shared::new(Outbox::new(longest)));
        let (fail, failed) = oneshot::channel();
        let talk = peer.talk().clone();
        let sender = Sender {
            peer,
            shared: shared.clone(),
            acks: acks.clone(),
            keeps_refused,
        };
        Self {
            writing,
            shared,
            task: tokio::spawn(sender.run(fail)),
            failed,
            acks,
            talk,
        }
    }

    async fn trouble(&mut self) -> Error {
        match (&mut self.failed).await {
            Ok(error) => error.during("write"),
            Err(_) => Error::new(
                &code::INTERNAL,
                "the task that writes to the sink broke off",
            ),
        }
    }

    /// Waits until the outbox is as wanted.
    async fn until(&mut self, holds: impl Fn(&Outbox) -> bool) -> Result<()> {
        let shared = self.shared.clone();
        while !holds(&shared.outbox()) {
            tokio::select! {
                () = shared.settled.notified() => {}
                error = self.trouble() => return Err(error),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl DestinationWriter for Writer {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        let messages = self.writing.messages(&batch);
        let messages = messages.map_err(|e| self.talk.error(e).during("write"))?;
        self.until(|outbox| outbox.bytes() < WAITING).await?;
        self.shared.outbox().batch(seq, batch.stream, messages);
        self.shared.filled.notify_one();
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, _: Arc<Checkpoint>) -> Result<()> {
        // Sinks know no checkpoints; one is durable once every message before it is.
        let settled = self.shared.outbox().checkpoint(seq);
        if let Some(seq) = settled {
            self.acks.acknowledge(up_to(seq));
        }
        Ok(())
    }

    async fn broken(&mut self) -> Error {
        self.trouble().await
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        let limit = self.talk.limits().finish_timeout;
        let finished = timeout(limit, self.until(Outbox::is_empty)).await;
        finished.map_err(|_| {
            let error = Error::new(
                &code::CONNECTOR_TIMEOUT,
                "the sink did not write its last messages",
            );
            let error = error.with("limit", format!("{} s", limit.as_secs_f64()));
            self.talk.error(error).during("write")
        })?
    }

    async fn close(&mut self) -> Result<()> {
        self.shared.closing.notify_one();
        match (&mut self.task).await {
            Ok(closed) => closed,
            Err(_) => Ok(()),
        }
    }
}
