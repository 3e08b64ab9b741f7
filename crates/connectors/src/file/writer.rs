//! The destination writer of files, as the engine sees it, and the two threads behind it.
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
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{DestinationOpening, DestinationWriter, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::format::{Format, Shape};
use super::recovery::recover;
use super::shop::{Order, Shop, unknown};
use super::staging::Staging;
use super::target::Target;
use super::{Layout, deletion};

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
        lane: Lane,
        seq: Seq,
        room: OwnedSemaphorePermit,
    },
    Committed(Mark, oneshot::Sender<()>),
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
            Self::Checkpoint { lane, seq, room } => Message::Checkpoint { lane, seq, room },
            Self::Committed(mark, reply) => Message::Committed(mark, reply),
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
pub(crate) struct FileWriter {
    streams: HashMap<StreamId, usize>,
    queue: Option<Sender<Message<Batch>>>,
    room: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
    failure: Failure,
}

impl FileWriter {
    /// Recovers what earlier runs left and starts the threads.
    pub(crate) async fn open<F: Format>(
        format: F,
        layout: Layout,
        targets: Vec<Target>,
        opening: DestinationOpening,
    ) -> Result<Self> {
        let (format, targets) = (Arc::new(format), Arc::new(targets));
        let mut shapes = targets
            .iter()
            .map(|t| format.shape(t))
            .collect::<Result<Vec<_>>>()?;
        let streams = targets
            .iter()
            .enumerate()
            .map(|(at, t)| (t.stream.clone(), at))
            .collect();
        let shop = prepare(format, targets, layout.clone(), opening);
        let shop = tokio::task::spawn_blocking(shop).await.map_err(ended)??;
        let failure = Failure::default();
        let (queue, batches) = channel();
        let (shaped, work) = channel();
        let (one, other) = (failure.clone(), failure.clone());
        let has_metadata = layout.metadata_columns;
        let shaping = move || shape_all(&mut shapes, has_metadata, &batches, &shaped, &one);
        let filing = move || file_all(shop, &work, &other);
        let threads = vec![start("file-shape", shaping)?, start("file-write", filing)?];
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

fn ended(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(&code::INTERNAL, "the writer was ended in the middle").caused_by(cause)
}

fn prepare<F: Format>(
    format: Arc<F>,
    targets: Arc<Vec<Target>>,
    layout: Layout,
    opening: DestinationOpening,
) -> impl FnOnce() -> Result<Shop<F>> + Send {
    move || {
        let patience = opening.session.limits.grace;
        let staging = Staging::open(&layout.path, &opening.pipeline, patience)?;
        recover(&staging, &opening.marks, &targets)?;
        let (rolling, epoch, acks) = (layout.rolling, opening.epoch, opening.acks);
        Shop::new(
            Order {
                format,
                targets,
                rolling,
                epoch,
                acks,
            },
            staging,
        )
    }
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
    has_metadata: bool,
    batches: &Receiver<Message<Batch>>,
    shaped: &Sender<Message<S>>,
    failure: &Failure,
) {
    while let Ok(message) = batches.recv() {
        let message = message.try_map(|stream, batch| {
            let body = deletion::shown(batch.body, has_metadata)
                .map_err(|e| e.with("stream", &batch.stream))?;
            shapes[stream]
                .shape(body)
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

/// The filing thread: ends when the shaping thread has.
fn file_all<F: Format>(mut shop: Shop<F>, work: &Receiver<Message<F::Shaped>>, failure: &Failure) {
    loop {
        let message = match shop.deadline() {
            None => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(at) => work.recv_timeout(at.saturating_duration_since(Instant::now())),
        };
        let message = match message {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return shop.abandon(),
        };
        if let Err(error) = act(&mut shop, message.as_ref()) {
            failure.leave(error);
            return shop.abandon();
        }
        if let Some(Message::Committed(_, reply) | Message::Finish(_, reply)) = message {
            // Nobody waits any more if the call was dropped.
            let _ = reply.send(());
        }
    }
}

fn act<F: Format>(shop: &mut Shop<F>, message: Option<&Message<F::Shaped>>) -> Result<()> {
    match message {
        Some(Message::Batch {
            stream,
            seq,
            rows,
            body,
            room: _,
        }) => {
            shop.write(*stream, *seq, body, *rows)?;
        }
        Some(Message::Checkpoint { lane, seq, room: _ }) => shop.checkpoint(lane, *seq),
        Some(Message::Committed(mark, _)) => shop.committed(mark)?,
        Some(Message::Finish(ending, _)) => shop.finish(*ending)?,
        None => {}
    }
    shop.settle()
}

#[async_trait]
impl DestinationWriter for FileWriter {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        let Some(&stream) = self.streams.get(&batch.stream) else {
            return Err(unknown(&batch.stream));
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
            lane: checkpoint.lane.clone(),
            seq,
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
