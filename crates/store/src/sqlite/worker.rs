//! The one thread that writes, and the queue of its jobs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossdock_core::clock::Clock;
use crossdock_core::{Error, Result, code};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::fault::{Fault, Place};
use super::lock::PipelineLocks;

/// What the thread owns. The locks live here so that they outlive every job that was sent.
pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) locks: PipelineLocks,
    pub(super) clock: Arc<dyn Clock>,
    /// How long to wait for other processes.
    pub(super) busy_timeout: Duration,
}

/// How long SQLite waits by itself before [`Worker::write`] asks again.
const TURN: Duration = Duration::from_millis(8);

impl Worker {
    /// A transaction that is the only one to write from its beginning, so that what it reads first
    /// still holds when it writes.
    ///
    /// SQLite's own waiting would sleep for ever longer between its attempts, and never get a turn
    /// beside a process that commits without a pause: so it is made to begin anew all the time.
    pub(super) fn write(&self) -> Result<Transaction<'_>, Fault> {
        let deadline = Instant::now() + self.busy_timeout;
        self.connection.busy_timeout(TURN.min(self.busy_timeout))?;
        let begun = loop {
            let begun =
                Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
                    .map_err(Fault::from);
            match begun {
                Err(fault) if fault.is_busy() && Instant::now() < deadline => {}
                begun => break begun,
            }
        };
        self.connection.busy_timeout(self.busy_timeout)?;
        begun
    }
}

/// One job.
pub(super) type Job = Box<dyn FnOnce(&mut Worker) + Send>;

/// The other end of the thread.
pub(super) struct WorkerHandle {
    /// `None` only while dropping.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    place: Place,
}

impl WorkerHandle {
    /// Starts the thread.
    pub(super) fn start(worker: Worker, place: Place) -> Result<Self> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new()
            .name("crossdock-store".to_owned())
            .spawn(move || work(worker, &queue))
            .map_err(|e| {
                Error::new(&code::STORE_FAILED, "the store's thread could not start").caused_by(e)
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            place,
        })
    }

    /// A way to send jobs that nobody waits for.
    pub(super) fn jobs(&self) -> Option<Sender<Job>> {
        self.jobs.clone()
    }

    /// Sends a job and waits for its result. The job is done even if the caller stops waiting.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        operation: &'static str,
        job: impl FnOnce(&mut Worker) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let sent = self.jobs.as_ref().is_some_and(|jobs| {
            let job: Job = Box::new(move |worker| {
                // Nobody may be waiting any more: then the result is dropped.
                let _ = reply.send(job(worker));
            });
            jobs.send(job).is_ok()
        });
        let result = if sent { answer.await.ok() } else { None };
        match result {
            Some(result) => result.map_err(|fault| fault.into_error(&self.place).during(operation)),
            None => {
                Err(Error::new(&code::INTERNAL, "the store's thread is gone").during(operation))
            }
        }
    }
}

impl Drop for WorkerHandle {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // The thread can only have panicked, which its callers were told.
            let _ = thread.join();
        }
    }
}

fn work(mut worker: Worker, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        job(&mut worker);
    }
}
