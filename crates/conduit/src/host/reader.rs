//! A running read: records come in, acknowledgements go out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::checkpoint::{Checkpoint, StateKind};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel};
use crossdock_core::source::{SourceControl, SourceReader};
use prost::Message as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, Streaming};

use super::connector::Started;
use super::peer::Failure;
use crate::convert::encoding::SchemaName;
use crate::convert::reading::{Reading, Refused};
use crate::convert::unacknowledged::{PositionFault, Unacknowledged};
use crate::now::now;
use crate::wire::position;
use crate::wire::proto::connector::{Empty, PositionMessage, SourceAcks};
use crate::wire::side::Side;
use crate::wire::version::Version;
use crossdock_avro as avro;
use crossdock_core::fault::Fault;

/// Records that are there are taken together up to this many bytes …
const GROUP_BYTES: usize = 256 << 10;
/// … or messages.
const GROUP_MESSAGES: usize = 4096;
/// Positions of one message of acknowledgements together have at most this many bytes: a Go server
/// takes no message above 4 MiB.
const ACK_BYTES: usize = 1 << 20;

enum Incoming {
    /// The call is under way; a Go server answers it with its first message.
    Opening(JoinHandle<Result<Streaming<Bytes>, Status>>),
    Open(Box<Streaming<Bytes>>),
    /// It broke, and nobody was told yet.
    Broken(Status),
    Ended,
}

pub(super) struct Reader {
    started: Started,
    incoming: Incoming,
    reading: Reading,
    control: Arc<Control>,
    events: VecDeque<Event>,
    /// What came and is not yet taken: `next` may be dropped at any time.
    group: Vec<Bytes>,
    /// Why the stream broke, until it is told.
    trouble: Option<Status>,
    /// The answer to `Stop`.
    stopping: Option<JoinHandle<Result<PositionMessage, Failure>>>,
    /// The position of the last record that came.
    last: Option<Vec<u8>>,
    /// After `Stop`: the record up to which to go on, and until when.
    until: Option<(Bytes, Instant)>,
}

#[derive(Debug)]
struct Control {
    version: Version,
    book: Mutex<Unacknowledged>,
    /// Gone once the read is closed.
    acks: Mutex<Option<mpsc::UnboundedSender<Bytes>>>,
    stopped: AtomicBool,
    wake: Notify,
}

impl Control {
    fn book(&self) -> MutexGuard<'_, Unacknowledged> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acks(&self) -> MutexGuard<'_, Option<mpsc::UnboundedSender<Bytes>>> {
        self.acks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl SourceControl for Control {
    /// P2: only now, with the position on disk, does the source hear of it.
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()> {
        let position = position::position(&checkpoint.state).map_err(|fault| {
            Error::new(&code::INTERNAL, "a checkpoint is not a position").caused_by(fault)
        })?;
        let mut messages = Vec::new();
        let mut pending = SourceAcks::default();
        let mut size = 0;
        self.book().committed(&position, |position| {
            let position = Bytes::copy_from_slice(position);
            if self.version == Version::V1 {
                messages.push(PositionMessage { position }.encode_to_vec());
                return;
            }
            size += position.len();
            pending.ack_positions.push(position);
            if size >= ACK_BYTES {
                messages.push(std::mem::take(&mut pending).encode_to_vec());
                size = 0;
            }
        });
        if !pending.ack_positions.is_empty() {
            messages.push(pending.encode_to_vec());
        }
        if let Some(acks) = &*self.acks() {
            for message in messages {
                // A source that is gone resumes from the store at its next start.
                let _ = acks.send(message.into());
            }
        }
        Ok(())
    }

    fn stop(&self) {
        if !self.stopped.swap(true, Ordering::SeqCst) {
            self.wake.notify_one();
        }
    }
}

impl Reader {
    pub(super) fn new(started: Started, reading: Reading) -> Self {
        let (acks, requests) = mpsc::unbounded_channel();
        let line = started.peer.line().clone();
        let version = line.version();
        let requests = UnboundedReceiverStream::new(requests);
        let opening = tokio::spawn(async move { line.run(Side::Source, requests).await });
        Self {
            started,
            incoming: Incoming::Opening(opening),
            reading,
            control: Arc::new(Control {
                version,
                book: Mutex::default(),
                acks: Mutex::new(Some(acks)),
                stopped: AtomicBool::new(false),
                wake: Notify::new(),
            }),
            events: VecDeque::new(),
            group: Vec::new(),
            trouble: None,
            stopping: None,
            last: None,
            until: None,
        }
    }

    fn grace(&self) -> Duration {
        self.started.peer.line().talk().limits().grace
    }

    /// Asks the source to stop.
    fn ask_to_stop(&mut self) {
        let line = self.started.peer.line().clone();
        let limit = self.grace();
        self.stopping = Some(tokio::spawn(async move {
            line.ask(Side::Source, "Stop", &Empty {}, limit).await
        }));
    }

    /// The answer to `Stop`: the position of the last record that it sent.
    fn stopped(&mut self, answer: Result<PositionMessage, Failure>) {
        let deadline = Instant::now() + self.grace();
        match answer {
            Ok(said) => self.until = Some((said.position, deadline)),
            Err(failure) => {
                let why = match failure {
                    Failure::Silence(limit) => {
                        format!("no answer within {} s", limit.as_secs_f64())
                    }
                    Failure::Status(status) => status.message().to_owned(),
                };
                let talk = self.started.peer.line().talk();
                talk.warn(&format!("the source did not stop well: {why}"));
                self.incoming = Incoming::Ended;
            }
        }
    }

    /// Whether everything that was sent before `Stop` is here.
    fn is_drained(&self) -> bool {
        let Some((until, _)) = &self.until else {
            return false;
        };
        until.is_empty() || self.last.as_deref() == Some(until)
    }

    async fn receive(&mut self) {
        let deadline = self.until.as_ref().map(|(_, deadline)| *deadline);
        let expired = async {
            match deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // The order first: a source that floods must not keep it from being heard.
            biased;
            () = self.control.wake.notified() => self.ask_to_stop(),
            answer = answered(&mut self.stopping) => {
                self.stopping = None;
                self.stopped(answer);
            }
            () = expired => {
                let talk = self.started.peer.line().talk();
                talk.warn("the source named a last record that it did not send; what it sent is kept");
                self.incoming = Incoming::Ended;
            }
            message = incoming(&mut self.incoming) => match message {
                Ok(Some(first)) => {
                    self.group.push(first);
                    more(&mut self.incoming, &mut self.group).await;
                }
                Ok(None) => self.ended(),
                Err(status) => self.broken(status),
            },
        }
    }

    /// The source ended its stream without an error. There is no word for an end in the protocol, but
    /// one that ends so has nothing more (§3.6).
    fn ended(&mut self) {
        if !self.control.is_stopped() {
            let talk = self.started.peer.line().talk();
            talk.log(LogLevel::Info, "the source has ended its stream");
        }
        self.incoming = Incoming::Ended;
    }

    fn broken(&mut self, status: Status) {
        self.incoming = Incoming::Ended;
        if !self.control.is_stopped() {
            self.trouble = Some(status); // If we asked for the end, its manner is no news.
        }
    }

    async fn digest(&mut self) -> Result<()> {
        let now = SystemClock.now_ms();
        self.started.peer.line().talk().alive();
        loop {
            let taken = self
                .reading
                .take(&self.group, now, &mut self.control.book());
            match taken {
                Ok(events) => {
                    self.events.extend(events);
                    break;
                }
                Err(Refused::Schema(name)) => self.fetch(name).await?,
                Err(Refused::Broken(fault)) => {
                    return Err(self.refused(&code::RECORD_UNREADABLE, fault));
                }
                Err(Refused::Position(fault)) => {
                    let fault = match fault {
                        PositionFault::Empty => {
                            Fault::new("the source sent a record without a position")
                        }
                        PositionFault::Duplicate(position) => Fault::new(format!(
                            "the source sent two records with the position `{}`",
                            position::state(&position)
                        )),
                    };
                    return Err(self.refused(&code::POSITION_INVALID, fault));
                }
            }
        }
        self.group.clear();
        let last = self.control.book().close_group();
        if let Some(last) = last {
            let state = position::state(&last);
            self.events.push_back(Event::Checkpoint(Checkpoint::global(
                StateKind::Position,
                state,
            )));
            self.last = Some(last);
        }
        Ok(())
    }

    fn refused(&self, code: &'static code::Code, fault: Fault) -> Error {
        let error = Error::new(code, fault.to_string());
        self.started.peer.line().talk().error(error)
    }

    /// Fetches a schema that a record names: the connector has put it into our registry.
    async fn fetch(&mut self, name: SchemaName) -> Result<()> {
        let kept = self.started.registry.get(&name.0, name.1).await?;
        let missing = || {
            let error = Error::new(
                &code::RECORD_UNREADABLE,
                "a record names a schema that the registry does not have",
            );
            error.with("subject", &name.0).with("version", name.1)
        };
        let kept = kept.ok_or_else(missing)?;
        let schema = avro::Schema::parse(kept.text.as_bytes());
        let schema = schema.map_err(|fault| self.refused(&code::RECORD_UNREADABLE, fault))?;
        self.reading.give(name, schema);
        Ok(())
    }

    /// Ends the stream: the source hears that no acknowledgement follows, and may end by itself.
    async fn hang_up(&mut self) {
        *self.control.acks() = None;
        let deadline = Instant::now() + self.grace() / 4;
        while let Ok(Ok(Some(_))) = timeout_at(deadline, incoming(&mut self.incoming)).await {}
        // Otherwise the call is cancelled, as Conduit does it (§3.5).
        if let Incoming::Opening(call) = &self.incoming {
            call.abort();
        }
        self.incoming = Incoming::Ended;
    }
}

/// The next message of the stream; `None` when it is over.
async fn incoming(stream: &mut Incoming) -> Result<Option<Bytes>, Status> {
    loop {
        match stream {
            Incoming::Opening(call) => match call.await {
                Ok(Ok(open)) => *stream = Incoming::Open(Box::new(open)),
                Ok(Err(status)) => {
                    *stream = Incoming::Ended;
                    return Err(status);
                }
                Err(_) => {
                    *stream = Incoming::Ended;
                    return Err(Status::internal("the task of the call broke off"));
                }
            },
            Incoming::Open(open) => return open.message().await,
            Incoming::Broken(_) => {
                if let Incoming::Broken(status) = std::mem::replace(stream, Incoming::Ended) {
                    return Err(status);
                }
            }
            Incoming::Ended => return Ok(None),
        }
    }
}

/// What else is there without waiting for it.
async fn more(stream: &mut Incoming, group: &mut Vec<Bytes>) {
    let mut size = group.iter().map(Bytes::len).sum::<usize>();
    while size < GROUP_BYTES && group.len() < GROUP_MESSAGES {
        let Incoming::Open(open) = stream else {
            break;
        };
        let ready = now(std::pin::pin!(open.message())).await;
        match ready {
            Some(Ok(Some(message))) => {
                size += message.len();
                group.push(message);
            }
            // What came before it comes first.
            Some(Ok(None)) => *stream = Incoming::Ended,
            Some(Err(status)) => *stream = Incoming::Broken(status),
            None => break,
        }
    }
}

async fn answered(
    asked: &mut Option<JoinHandle<Result<PositionMessage, Failure>>>,
) -> Result<PositionMessage, Failure> {
    match asked {
        None => std::future::pending().await,
        Some(task) => task.await.unwrap_or_else(|_| {
            Err(Failure::Status(Status::internal(
                "the task of the call broke off",
            )))
        }),
    }
}

#[async_trait]
impl SourceReader for Reader {
    async fn next(&mut self) -> Result<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            if !self.group.is_empty() {
                self.digest().await.map_err(|e| e.during("read"))?;
                continue;
            }
            if let Some(status) = self.trouble.clone() {
                let error = self
                    .started
                    .peer
                    .explain("Run", Failure::Status(status))
                    .await;
                self.trouble = None;
                return Err(error.during("read"));
            }
            if matches!(self.incoming, Incoming::Ended) || self.is_drained() {
                if self.reading.unspecified > 0 {
                    let text = format!(
                        "{} records had no known operation and count as created",
                        std::mem::take(&mut self.reading.unspecified)
                    );
                    self.started.peer.line().talk().warn(&text);
                }
                return Ok(Event::End);
            }
            self.receive().await;
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        if let Some(stopping) = self.stopping.take() {
            stopping.abort();
        }
        let patience = self.grace() / 4 + Duration::from_millis(100);
        let _ = timeout(patience, self.hang_up()).await;
        self.started.end(Side::Source).await
    }
}
