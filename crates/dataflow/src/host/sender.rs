//! The task that talks to a sink: one `write` after the other, each answered before the next (§1.6).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge};
use crossdock_core::error::{Error, Result};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::failure;
use super::halving::{Halving, Refused};
use super::outbox::{Chunk, Outbox};
use super::peer::Peer;
use crate::wire::{Failure, Response, write_ping};

/// How often a `write` is sent again that may work later, and how long to wait before; each wait is twice
/// the one before it.
const TRIES: u32 = 4;
const WAIT: Duration = Duration::from_millis(250);

/// What the writer and its task share.
#[derive(Debug)]
pub(super) struct Shared {
    outbox: Mutex<Outbox>,
    /// Something was put in.
    pub(super) filled: Notify,
    /// Something was settled.
    pub(super) settled: Notify,
    /// The task is to end.
    pub(super) closing: Notify,
}

impl Shared {
    pub(super) fn new(outbox: Outbox) -> Self {
        Self {
            outbox: Mutex::new(outbox),
            filled: Notify::new(),
            settled: Notify::new(),
            closing: Notify::new(),
        }
    }

    pub(super) fn outbox(&self) -> MutexGuard<'_, Outbox> {
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything up to `seq` is durable.
pub(super) fn up_to(seq: Seq) -> Ack {
    Ack::UpTo {
        lane: Lane::Global,
        seq,
    }
}

/// The task.
pub(super) struct Sender {
    pub(super) peer: Peer,
    pub(super) shared: Arc<Shared>,
    pub(super) acks: Arc<dyn Acknowledge>,
    /// It is worth finding out which messages are refused.
    pub(super) keeps_refused: bool,
}

impl Sender {
    /// Writes until it is told to close; the first error goes to `failed`. Ends the process.
    pub(super) async fn run(mut self, failed: oneshot::Sender<Error>) -> Result<()> {
        let shared = self.shared.clone();
        let mut is_idle = true;
        tokio::select! {
            error = self.work(&mut is_idle) => {
                // Whoever writes may be gone already.
                let _ = failed.send(error);
                shared.closing.notified().await;
            }
            () = shared.closing.notified() => {}
        }
        let limits = self.peer.talk().limits();
        let patience = limits.answers.close.min(limits.grace / 2);
        self.peer.close(is_idle, patience).await
    }

    /// Goes on until something fails. `is_idle` is true whenever no command is open.
    async fn work(&mut self, is_idle: &mut bool) -> Error {
        let shared = self.shared.clone();
        loop {
            let chunk = shared.outbox().take();
            let Some(chunk) = chunk else {
                match self.idle(&shared, is_idle).await {
                    Ok(()) => continue,
                    Err(error) => return error,
                }
            };
            *is_idle = false;
            match self.write(&chunk).await {
                Ok(()) => *is_idle = true,
                Err(Trouble::Said(error)) => {
                    *is_idle = true;
                    return error;
                }
                Err(Trouble::Broken(error)) => return error,
            }
            let settled = shared.outbox().settle(&chunk);
            if let Some(seq) = settled {
                self.acks.acknowledge(up_to(seq));
            }
            shared.settled.notify_one();
        }
    }

    /// Waits for work; asks now and then whether the sink is alive.
    async fn idle(&mut self, shared: &Shared, is_idle: &mut bool) -> Result<()> {
        let interval = self.peer.ping_interval();
        tokio::select! {
            () = shared.filled.notified() => return Ok(()),
            // It has nothing to say now, so this is log lines, or its end.
            run = self.peer.step() => {
                let Some(run) = run? else {
                    return Err(self.peer.gone(None).await);
                };
                for line in run.split(|byte| *byte == b'\n') {
                    if self.peer.hear(line)?.is_some() {
                        return Err(self.peer.out_of_place("no command", "an answer"));
                    }
                }
                return Ok(());
            }
            () = sleep(interval) => {}
        }
        let mut command = Vec::new();
        write_ping(&mut command);
        let limit = self.peer.talk().limits().answers.ping;
        *is_idle = false;
        self.peer.ask("ping", command, limit).await?;
        *is_idle = true;
        Ok(())
    }

    /// Writes a chunk, or as much of it as the sink takes; what it refuses is told.
    async fn write(&mut self, chunk: &Chunk) -> Result<(), Trouble> {
        let mut halving = Halving::new(chunk.len());
        let mut tries = 1;
        while let Some(part) = halving.next() {
            let Err(failure) = self.put(chunk.command(part.clone())).await? else {
                halving.written();
                tries = 1;
                continue;
            };
            let talk = self.peer.talk().clone();
            if failure::is_retryable(&failure) {
                if tries == TRIES {
                    return Err(Trouble::Said(failure::error(&talk, &failure)));
                }
                talk.warn(&format!("a write is tried again: {}", failure.message));
                sleep(WAIT * 2_u32.pow(tries - 1)).await;
                tries += 1;
                continue;
            }
            if let Some(failed) = &failure.failed {
                for at in failed.iter().map(|at| *at as usize) {
                    if at >= part.len() {
                        return Err(Trouble::Said(self.unknown_index(at)));
                    }
                    self.reject(chunk, part.start + at, &failure);
                }
                halving.written();
                continue;
            }
            if !self.keeps_refused {
                return Err(Trouble::Said(failure::error(&talk, &failure)));
            }
            // One that gives no reason may have stumbled; who is sure of the reason is believed.
            if tries == 1 && part.len() == chunk.len() && !failure::is_of_data(&failure) {
                tries += 1;
                continue;
            }
            if let Refused::Single(at) = halving.refused() {
                self.reject(chunk, at, &failure);
            }
            tries = 2;
        }
        Ok(())
    }

    fn unknown_index(&self, at: usize) -> Error {
        let error = Error::new(
            &code::ACK_UNEXPECTED,
            "the sink refused a message that it was not sent",
        );
        self.peer.talk().error(error.with("index", at))
    }

    fn reject(&self, chunk: &Chunk, at: usize, failure: &Failure) {
        let reason = self.peer.talk().mask(failure::reason(failure));
        if let Some(ack) = chunk.rejected(at, reason) {
            self.acks.acknowledge(ack);
        }
    }

    /// Sends a `write` and waits for the end of it.
    async fn put(&mut self, command: Vec<u8>) -> Result<Result<(), Failure>, Trouble> {
        let limit = self.peer.talk().limits().answers.write;
        self.peer.tell(command);
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let step = timeout(left, self.peer.step()).await;
            let step = step.map_err(|_| Trouble::Broken(self.peer.silent("write", limit)))?;
            let Some(run) = step.map_err(Trouble::Broken)? else {
                return Err(Trouble::Broken(self.peer.gone(Some("write")).await));
            };
            let mut answer = None;
            for line in run.split(|byte| *byte == b'\n') {
                match self.peer.hear(line).map_err(Trouble::Broken)? {
                    None => {}
                    Some(Response::Done(_)) => answer = Some(Ok(())),
                    Some(Response::Error(failure)) => answer = Some(Err(failure)),
                    Some(_) => {
                        let error = self
                            .peer
                            .out_of_place("write", "something else than `done`");
                        return Err(Trouble::Broken(error));
                    }
                }
            }
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }
}

/// Why a write came to nothing.
enum Trouble {
    /// The sink said so: it waits for the next command.
    Said(Error),
    /// It is not to be spoken with any longer.
    Broken(Error),
}
