//! A running write: records go out, acknowledgements come in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{Ack, Acknowledge, DestinationWriter, Ending};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use prost::Message as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::book::{Answer, Book};
use super::connector::Started;
use super::peer::{Failure, Line, reason};
use crate::convert::encode::Encoder;
use crate::wire::position;
use crate::wire::proto::connector::{Ack as WireAck, DestinationAcks, Empty, PositionMessage};
use crate::wire::side::Side;
use crate::wire::version::Version;

/// Messages that may wait in front of the connection; each has at most 4 MiB in version 2, and is a
/// single record in version 1.
const WAITING: [usize; 2] = [256, 2];

/// How the write stands, as its listener sees it.
#[derive(Clone, Debug, Default)]
enum State {
    /// So many records wait for an answer.
    #[default]
    Waiting,
    /// Everything is answered.
    Settled,
    /// It has failed.
    Failed(Arc<Trouble>),
    /// The stream is over, with everything answered or not.
    Over,
}

#[derive(Debug)]
enum Trouble {
    /// The connection, or an error of the connector for all.
    Status(Status),
    /// It broke the rules.
    Unexpected {
        said: String,
        expected: Option<String>,
    },
}

#[derive(Debug, Default)]
struct Shared {
    book: Mutex<Book>,
}

impl Shared {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) struct Writer {
    started: Started,
    encoder: Encoder,
    shared: Arc<Shared>,
    /// Gone once no record follows.
    outgoing: Option<mpsc::Sender<Bytes>>,
    listener: JoinHandle<()>,
    state: watch::Receiver<State>,
    tell: Arc<watch::Sender<State>>,
    acks: Arc<dyn Acknowledge>,
    /// The position of the last record that was sent.
    last: Vec<u8>,
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Writer {
    pub(super) fn new(started: Started, encoder: Encoder, acks: Arc<dyn Acknowledge>) -> Self {
        let line = started.peer.line().clone();
        let waiting = match line.version() {
            Version::V1 => WAITING[0],
            Version::V2 => WAITING[1],
        };
        let (outgoing, requests) = mpsc::channel(waiting);
        let shared = Arc::new(Shared::default());
        let (tell, state) = watch::channel(State::Settled);
        let tell = Arc::new(tell);
        let listener = Listener {
            shared: shared.clone(),
            acks: acks.clone(),
            tell: tell.clone(),
        };
        let listener = tokio::spawn(listener.listen(line, ReceiverStream::new(requests)));
        Self {
            started,
            encoder,
            shared,
            outgoing: Some(outgoing),
            listener,
            state,
            tell,
            acks,
            last: Vec::new(),
        }
    }

    fn grace(&self) -> Duration {
        self.started.peer.line().talk().limits().grace
    }

    /// Why the write has failed; waits until it has.
    async fn trouble(&mut self) -> Error {
        loop {
            let state = self.state.borrow_and_update().clone();
            match state {
                State::Failed(trouble) => return self.explain(&trouble).await,
                State::Over => {
                    let message = "the destination ended its stream before the end";
                    let error = Error::new(&code::CONNECTOR_EXIT, message);
                    return self.started.peer.line().talk().error(error);
                }
                State::Waiting | State::Settled => {}
            }
            if self.state.changed().await.is_err() {
                return Error::new(
                    &code::INTERNAL,
                    "the task that hears the destination broke off",
                );
            }
        }
    }

    async fn explain(&mut self, trouble: &Trouble) -> Error {
        let error = match trouble {
            Trouble::Status(status) => {
                return self
                    .started
                    .peer
                    .explain("Run", Failure::Status(status.clone()))
                    .await;
            }
            Trouble::Unexpected { said, expected } => {
                let error = Error::new(
                    &code::ACK_UNEXPECTED,
                    "the destination acknowledged a record that is not the next",
                )
                .with("acknowledged", said);
                match expected {
                    Some(expected) => error.with("expected", expected),
                    None => error.with("expected", "none: everything is acknowledged"),
                }
            }
        };
        self.started.peer.line().talk().error(error)
    }

    fn has_failed(&self) -> bool {
        matches!(*self.state.borrow(), State::Failed(_) | State::Over)
    }

    /// Waits until every record is answered.
    async fn settled(&mut self) -> Result<()> {
        loop {
            let waiting = self.shared.book().waiting();
            if self.has_failed() && waiting > 0 {
                return Err(self.trouble().await);
            }
            if waiting == 0 {
                return Ok(());
            }
            if self.state.changed().await.is_err() {
                return Err(self.trouble().await);
            }
        }
    }

    /// `Stop`, and the answers that are still to come (§3.5).
    async fn stop(&mut self) -> Result<()> {
        let limits = self.started.peer.line().talk().limits().clone();
        let deadline = Instant::now() + limits.finish_timeout;
        let line = self.started.peer.line().clone();
        let request = PositionMessage {
            position: std::mem::take(&mut self.last).into(),
        };
        let mut asked = tokio::spawn(async move {
            line.ask::<Empty>(Side::Destination, "Stop", &request, limits.finish_timeout)
                .await
        });
        let late = |this: &Self| {
            let waiting = this.shared.book().waiting();
            let error = Error::new(
                &code::CONNECTOR_TIMEOUT,
                format!("the destination did not acknowledge its last {waiting} records"),
            );
            let error = error.with(
                "limit",
                format!("{} s", limits.finish_timeout.as_secs_f64()),
            );
            this.started.peer.line().talk().error(error)
        };
        let answer = tokio::select! {
            answer = &mut asked => Some(answer),
            settled = timeout_at(deadline, self.settled()) => {
                settled.map_err(|_| late(self))??;
                // Nothing is left to flush, and some wait for it all the same (§10, 12).
                timeout(self.grace() / 2, &mut asked).await.ok()
            }
        };
        asked.abort();
        match answer {
            Some(Ok(Ok(Empty {}))) => {}
            Some(Ok(Err(failure))) => {
                // What counts is what it acknowledges.
                let is_silent = matches!(failure, Failure::Silence(_));
                let error = self.started.peer.explain("Stop", failure).await;
                self.started.peer.line().talk().warn(&format!(
                    "the destination did not stop well: {}",
                    error.message()
                ));
                let patience = deadline.min(Instant::now() + self.grace());
                let settled = timeout_at(patience, self.settled()).await;
                return settled.unwrap_or_else(|_| Err(if is_silent { late(self) } else { error }));
            }
            Some(Err(_)) | None => {
                self.started
                    .peer
                    .line()
                    .talk()
                    .warn("the destination did not answer Stop");
            }
        }
        timeout_at(deadline, self.settled())
            .await
            .map_err(|_| late(self))?
    }
}

struct Listener {
    shared: Arc<Shared>,
    acks: Arc<dyn Acknowledge>,
    tell: Arc<watch::Sender<State>>,
}

impl Listener {
    async fn listen(self, line: Line, requests: ReceiverStream<Bytes>) {
        let over = match self.hear(&line, requests).await {
            Ok(()) => State::Over,
            Err(trouble) => State::Failed(Arc::new(trouble)),
        };
        self.tell.send_replace(over);
    }

    async fn hear(&self, line: &Line, requests: ReceiverStream<Bytes>) -> Result<(), Trouble> {
        let mut answers = line
            .run(Side::Destination, requests)
            .await
            .map_err(Trouble::Status)?;
        while let Some(message) = answers.message().await.map_err(Trouble::Status)? {
            line.talk().alive();
            let unreadable = |cause: prost::DecodeError| {
                Trouble::Status(Status::internal(format!(
                    "an acknowledgement cannot be read: {cause}"
                )))
            };
            let answers = match line.version() {
                Version::V1 => vec![WireAck::decode(message).map_err(unreadable)?],
                Version::V2 => DestinationAcks::decode(message).map_err(unreadable)?.acks,
            };
            self.take(&answers)?;
        }
        Ok(())
    }

    fn take(&self, answers: &[WireAck]) -> Result<(), Trouble> {
        let mut said = Vec::new();
        let mut trouble = None;
        let waiting = {
            let mut book = self.shared.book();
            for answer in answers {
                match book.answer(&answer.position, !answer.error.is_empty()) {
                    Answer::Waiting => {}
                    Answer::UpTo(seq) => settle(&mut said, seq),
                    Answer::Refused {
                        stream,
                        seq,
                        index,
                        settled,
                    } => {
                        refuse(&mut said, stream, (seq, index), reason(&answer.error));
                        settled.into_iter().for_each(|seq| settle(&mut said, seq));
                    }
                    Answer::Unexpected { expected } => {
                        trouble = Some(Trouble::Unexpected {
                            said: position::state(&answer.position).to_string(),
                            expected,
                        });
                        break;
                    }
                }
            }
            book.waiting()
        };
        said.into_iter().for_each(|ack| self.acks.acknowledge(ack));
        match trouble {
            Some(trouble) => Err(trouble),
            None => {
                let state = if waiting == 0 {
                    State::Settled
                } else {
                    State::Waiting
                };
                self.tell.send_replace(state);
                Ok(())
            }
        }
    }
}

/// Everything up to `seq` is answered; a later such word stands for the one right before it.
fn settle(said: &mut Vec<Ack>, seq: Seq) {
    match said.last_mut() {
        Some(Ack::UpTo { seq: last, .. }) => *last = seq,
        _ => said.push(up_to(seq)),
    }
}

/// One more record was refused; those that were refused together for one reason are told together.
fn refuse(said: &mut Vec<Ack>, stream: StreamId, (seq, index): (Seq, usize), why: &str) {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    if let Some(Ack::Rejected {
        seq: last,
        indices,
        records,
        reason,
        ..
    }) = said.last_mut()
        && (*last, reason.as_str()) == (seq, why)
    {
        indices.push(index);
        *records += 1;
        return;
    }
    said.push(Ack::Rejected {
        stream,
        seq,
        indices: vec![index],
        records: 1,
        reason: why.to_owned(),
    });
}

fn up_to(seq: Seq) -> Ack {
    Ack::UpTo {
        lane: Lane::Global,
        seq,
    }
}

#[async_trait]
impl DestinationWriter for Writer {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        let encoded = self.encoder.encode(seq, &batch);
        let encoded =
            encoded.map_err(|e| self.started.peer.line().talk().error(e).during("write"))?;
        if let Some(last) = encoded.positions.last() {
            self.last = last.to_vec();
        }
        // Before it is sent, for the answer may come at once.
        self.shared
            .book()
            .send(seq, &batch.stream, encoded.positions);
        for message in encoded.messages {
            let Some(outgoing) = &self.outgoing else {
                return Err(self.trouble().await.during("write"));
            };
            let outgoing = outgoing.clone();
            let is_sent = tokio::select! {
                sent = outgoing.send(message) => sent.is_ok(),
                error = self.trouble() => return Err(error.during("write")),
            };
            if !is_sent {
                return Err(self.trouble().await.during("write"));
            }
        }
        Ok(())
    }

    async fn checkpoint(&mut self, seq: Seq, _: Arc<Checkpoint>) -> Result<()> {
        // The protocol knows no checkpoints; one is durable once every record before it is.
        let settled = self.shared.book().pass(seq);
        if let Some(seq) = settled {
            self.acks.acknowledge(up_to(seq));
        }
        Ok(())
    }

    async fn broken(&mut self) -> Error {
        self.trouble().await.during("write")
    }

    async fn finish(&mut self, _: Ending) -> Result<()> {
        let stopped = self.stop().await;
        // It hears that nothing follows, and may end its stream by itself.
        self.outgoing = None;
        let lossy = self.encoder.lossy.0;
        if lossy > 0 {
            self.started.peer.line().talk().warn(&format!(
                "{lossy} numbers have more digits than the protocol's numbers hold; they were sent as text"
            ));
        }
        stopped.map_err(|e| e.during("write"))
    }

    async fn close(&mut self) -> Result<()> {
        self.outgoing = None;
        let patience = self.grace() / 4;
        let _ = timeout(patience, &mut self.listener).await;
        self.listener.abort();
        // Whoever still listens hears that there is nothing to come.
        self.tell.send_replace(State::Over);
        self.started.end(Side::Destination).await
    }
}
