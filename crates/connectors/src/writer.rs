//! The destination writer of files and tables, as the engine sees it, and the two threads behind
//! it.
//!
//! One thread brings batches into shape (JSON to columns or lines), one writes them; reading goes
//! on meanwhile. What is under way is bounded by [`IN_FLIGHT`] (P7): a call that finds no room
//! waits, which is the back-pressure.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Seq};
use crossdock_core::code;
use crossdock_core::destination::{DestinationWriter, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::semantics::deletion;
use crate::semantics::shape::Shape;

/// What the writing thread does. After each call follows
/// [`Keeper::settle`].
pub(crate) trait Keeper: Send + 'static {
    /// A batch, ready to be written.
    type Shaped: Send + 'static;

    /// Takes a batch of the stream number `at`.
    fn write(&mut self, at: usize, seq: Seq, shaped: Self::Shaped, rows: u64) -> Result<()>;

    /// Takes a checkpoint.
    fn checkpoint(&mut self, seq: Seq, checkpoint: &Checkpoint) -> Result<()>;

    /// When [`Keeper::settle`] must be called though nothing happened.
    fn deadline(&self) -> Option<Instant>;

    /// Makes durable what is due, or with `at_once` everything that a checkpoint covers, and
    /// acknowledges it.
    fn settle(&mut self, at_once: bool) -> Result<()>;

    /// The engine committed up to `mark` (P2).
    fn committed(&mut self, mark: &Mark) -> Result<()>;

    /// No item follows: makes everything durable and acknowledges it.
    fn finish(&mut self, ending: Ending) -> Result<()>;

    /// Ends without a finish. Best effort: the next run recovers from whatever is left.
    fn abandon(self);
}

/// A stream and what brings its batches into shape.
pub(crate) struct Channel<S> {
    pub(crate) stream: StreamId,
    pub(crate) shape: Box<dyn Shape<S>>,
}

/// Batches that are taken and not yet written: one in each thread and one in between.
const IN_FLIGHT: usize = 3;

/// How many checkpoints weigh as much as a batch.
const WEIGHT: usize = 16;

/// What the writer tells its threads. `B` is a batch, shaped or not.
enum Message<B> {
    Batch {
        stream: usize,
        seq: Seq,
        rows: u64,
        body: B,
        room: OwnedSemaphorePermit,
    },
    Checkpoint {
        seq: Seq,
        checkpoint: Arc<Checkpoint>,
        room: OwnedSemaphorePermit,
    },
    Committed(Mark, oneshot::Sender<()>),
    Flush,
    Finish(Ending, oneshot::Sender<()>),
}

impl<A> Message<A> {
    fn try_map<B>(self, map: impl FnOnce(usize, A) -> Result<B>) -> Result<Message<B>> {
        Ok(match self {
            Self::Batch {
                stream,
                seq,
                rows,
                body,
                room,
            } => {
                let body = map(stream, body)?;
                Message::Batch {
                    stream,
                    seq,
                    rows,
                    body,
                    room,
                }
            }
            Self::Checkpoint {
                seq,
                checkpoint,
                room,
            } => Message::Checkpoint {
                seq,
                checkpoint,
                room,
            },
            Self::Committed(mark, reply) => Message::Committed(mark, reply),
            Self::Flush => Message::Flush,
            Self::Finish(ending, reply) => Message::Finish(ending, reply),
        })
    }
}

/// The first failure of a thread.
#[derive(Clone, Debug, Default)]
struct Failure(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Well,
    Failed(Error),
    /// The error was handed out; nothing works any more.
    Told,
}

impl Failure {
    /// Leaves a failure for the next call. Must come before a thread lets go of channels and
    /// replies: whoever finds them closed looks here for the reason.
    fn leave(&self, error: Error) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Well) {
            *state = State::Failed(error);
        }
    }

    /// The failure, if there is one that nobody was told of.
    fn untold(&self) -> Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, State::Told) {
            State::Failed(error) => Err(error),
            before => {
                *state = before;
                Ok(())
            }
        }
    }

    /// Fails if a thread has failed.
    fn check(&self) -> Result<()> {
        self.untold()?;
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Told) {
            Err(gone())
        } else {
            Ok(())
        }
    }
}

/// See the module's documentation.
pub(crate) struct ThreadedWriter {
    streams: HashMap<StreamId, usize>,
    queue: Option<Sender<Message<Batch>>>,
    room: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
    failure: Failure,
}

impl ThreadedWriter {
    /// Starts the threads.
    pub(crate) fn open<K: Keeper>(channels: Vec<Channel<K::Shaped>>, keeper: K) -> Result<Self> {
        let mut streams = HashMap::new();
        let mut shapes = Vec::new();
        for (at, channel) in channels.into_iter().enumerate() {
            streams.insert(channel.stream, at);
            shapes.push(channel.shape);
        }
        let failure = Failure::default();
        let (queue, batches) = channel();
        let (shaped, work) = channel();
        let (one, other) = (failure.clone(), failure.clone());
        let shaping = move || shape_all(&mut shapes, &batches, &shaped, &one);
        let keeping = move || keep_all(keeper, &work, &other);
        let threads = vec![start("shape", shaping)?, start("write", keeping)?];
        let room = Arc::new(Semaphore::new(IN_FLIGHT * WEIGHT));
        Ok(Self {
            streams,
            queue: Some(queue),
            room,
            threads,
            failure,
        })
    }

    async fn room(&self, weight: usize) -> Result<OwnedSemaphorePermit> {
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(weight).await;
        self.failure.check()?;
        room.map_err(ended)
    }

    fn send(&self, message: Message<Batch>) -> Result<()> {
        if let Some(queue) = &self.queue
            && queue.send(message).is_ok()
        {
            return Ok(());
        }
        // The thread is gone; it left the reason behind.
        self.failure.check().and_then(|()| Err(gone()))
    }

    async fn answered(&self, reply: oneshot::Receiver<()>) -> Result<()> {
        match reply.await {
            Ok(()) => self.failure.check(),
            Err(_) => self.failure.check().and_then(|()| Err(gone())),
        }
    }
}

fn gone() -> Error {
    Error::new(&code::INTERNAL, "the writing thread has ended")
        .hint("see the first error of this destination")
}

pub(crate) fn ended(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(&code::INTERNAL, "the writer was ended in the middle").caused_by(cause)
}

fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|e| Error::new(&code::IO, "could not start a thread").caused_by(e))
}

/// The shaping thread: ends when the writer is gone, or the other thread.
fn shape_all<S>(
    shapes: &mut [Box<dyn Shape<S>>],
    batches: &Receiver<Message<Batch>>,
    shaped: &Sender<Message<S>>,
    failure: &Failure,
) {
    while let Ok(message) = batches.recv() {
        let message = message.try_map(|stream, batch| {
            let shape = &mut shapes[stream];
            deletion::shown(batch.body, shape.tells_deletes())
                .and_then(|body| shape.shape(body))
                .map_err(|e| e.with("stream", batch.stream))
        });
        match message {
            Ok(message) => {
                if shaped.send(message).is_err() {
                    return;
                }
            }
            Err(error) => return failure.leave(error),
        }
    }
}

/// The writing thread: ends when the shaping thread has.
fn keep_all<K: Keeper>(mut keeper: K, work: &Receiver<Message<K::Shaped>>, failure: &Failure) {
    loop {
        let message = match keeper.deadline() {
            None => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => work.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        let message = match message {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return keeper.abandon(),
        };
        // Let go of only after a failure is left behind: whoever waits looks for it then.
        let mut held = Held::default();
        if let Err(error) = act(&mut keeper, message, &mut held) {
            failure.leave(error);
            return keeper.abandon();
        }
        if let Some(reply) = held.reply {
            // Nobody waits any more if the call was dropped.
            let _ = reply.send(());
        }
    }
}

/// What a message holds until it is done.
#[derive(Default)]
struct Held {
    room: Option<OwnedSemaphorePermit>,
    reply: Option<oneshot::Sender<()>>,
}

fn act<K: Keeper>(
    keeper: &mut K,
    message: Option<Message<K::Shaped>>,
    held: &mut Held,
) -> Result<()> {
    let at_once = matches!(message, Some(Message::Flush));
    match message {
        Some(Message::Batch {
            stream,
            seq,
            rows,
            body,
            room,
        }) => {
            held.room = Some(room);
            keeper.write(stream, seq, body, rows)?;
        }
        Some(Message::Checkpoint {
            seq,
            checkpoint,
            room,
        }) => {
            held.room = Some(room);
            keeper.checkpoint(seq, &checkpoint)?;
        }
        Some(Message::Committed(mark, reply)) => {
            held.reply = Some(reply);
            keeper.committed(&mark)?;
        }
        Some(Message::Finish(ending, reply)) => {
            held.reply = Some(reply);
            keeper.finish(ending)?;
        }
        Some(Message::Flush) | None => {}
    }
    keeper.settle(at_once)
}

#[async_trait]
impl DestinationWriter for ThreadedWriter {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        let Some(&stream) = self.streams.get(&batch.stream) else {
            return Err(Error::new(
                &code::INTERNAL,
                "records of a stream that is not in the catalog",
            )
            .with("stream", &batch.stream));
        };
        let rows = batch.records() as u64;
        if rows == 0 {
            return Ok(());
        }
        let room = self.room(WEIGHT).await?;
        self.send(Message::Batch {
            stream,
            seq,
            rows,
            body: batch,
            room,
        })
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        let room = self.room(1).await?;
        self.send(Message::Checkpoint {
            seq,
            checkpoint,
            room,
        })
    }

    async fn committed(&mut self, mark: &Mark) -> Result<()> {
        // Commits are rare, since checkpoints are gathered, so nothing is lost by waiting; and what
        // `Ok` says of is then there to be seen.
        self.failure.check()?;
        let (reply, answer) = oneshot::channel();
        self.send(Message::Committed(mark.clone(), reply))?;
        self.answered(answer).await
    }

    async fn flush(&mut self) -> Result<()> {
        self.failure.check()?;
        self.send(Message::Flush)
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Finish(ending, reply))?;
        self.answered(answer).await
    }

    async fn close(&mut self) -> Result<()> {
        self.queue = None;
        let threads = std::mem::take(&mut self.threads);
        let join = move || {
            threads
                .into_iter()
                .try_for_each(|t| t.join().map_err(|_| gone()))
        };
        tokio::task::spawn_blocking(join).await.map_err(ended)??;
        self.failure.untold()
    }
}
