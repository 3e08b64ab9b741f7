//! A running write: batches and states go in as lines, echoed states come back as
//! acknowledgements.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::Batch;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::destination::{Acknowledge, DestinationWriter, Ending};
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;
use crossdock_launch::StopHandle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::direct::{Committed, DirectChannel, Side};
use super::echo::EchoBook;
use super::exit::{explained, failure, truncated};
use super::feed::Feed;
use super::listen::{Ear, Heard, act, listen};
use super::peer::Peer;
use super::socket_feed::SocketFeed;
use super::sockets::Sockets;
use crate::route::Routes;
use crate::talk::Talk;
use crate::wire::{Decoder, Message, Stamp, complete_trace, write_state};

pub(super) struct Writer {
    routes: Routes,
    /// All streams and their targets, for the COMPLETE traces.
    targets: Vec<(StreamId, StreamId)>,
    book: Arc<Mutex<EchoBook>>,
    feed: Way,
    ears: Option<JoinHandle<Result<Heard>>>,
    acks: Arc<dyn Acknowledge>,
    process: StopHandle,
    talk: Talk,
}

/// The way to the destination.
enum Way {
    Stdin(Feed),
    Sockets(Box<SocketFeed>),
    /// The source's own sockets.
    Direct(DirectChannel),
}

/// The sockets of a destination.
pub(super) enum Channel {
    /// We write to them.
    Through(Box<SocketFeed>),
    /// The source does.
    Direct(DirectChannel),
}

impl Channel {
    pub(super) fn sockets(&self) -> &Sockets {
        match self {
            Self::Through(feed) => feed.sockets(),
            Self::Direct(channel) => channel.sockets(),
        }
    }

    /// The file that tells the streams' names.
    pub(super) fn mapping(&self) -> Option<&Path> {
        match self {
            Self::Through(_) => None,
            Self::Direct(channel) => channel.mapping(),
        }
    }
}

impl Writer {
    /// `channel`: the way to the destination; without one it is stdin.
    pub(super) fn new(
        mut peer: Peer,
        catalog: &ConfiguredCatalog,
        channel: Option<Channel>,
        acks: Arc<dyn Acknowledge>,
    ) -> Self {
        let (book, beside) = match &channel {
            Some(Channel::Direct(channel)) => {
                let beside = (channel.clone(), Committed::new(catalog));
                (EchoBook::beside(), Some(beside))
            }
            Some(Channel::Through(_)) => (EchoBook::by_lane(), None),
            None => (EchoBook::default(), None),
        };
        let book = Arc::new(Mutex::new(book));
        let ear = Ear {
            book: book.clone(),
            acks: acks.clone(),
            beside,
        };
        Self {
            routes: Routes::new(catalog),
            targets: catalog
                .streams
                .iter()
                .map(|stream| (stream.id(), stream.target_id()))
                .collect(),
            feed: match channel {
                Some(Channel::Through(feed)) => Way::Sockets(feed),
                Some(Channel::Direct(channel)) => Way::Direct(channel),
                None => Way::Stdin(Feed::start(peer.take_stdin())),
            },
            acks,
            process: peer.stop_handle(),
            talk: peer.talk().clone(),
            ears: Some(tokio::spawn(listen(peer, ear))),
            book,
        }
    }

    fn book(&self) -> std::sync::MutexGuard<'_, EchoBook> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a line that is about a lane.
    async fn say(&mut self, lane: &Lane, line: Bytes) -> Result<()> {
        let sent = match &mut self.feed {
            Way::Stdin(feed) => feed.send(vec![line]).await.map_err(|_| None),
            Way::Sockets(feed) => unless_ended(&mut self.ears, feed.line(lane, line)).await,
            Way::Direct(_) => Ok(()), // The source has sent it.
        };
        self.sent(sent).await
    }

    /// Ends the input.
    async fn close_feed(&mut self) -> Result<()> {
        let sent = match &mut self.feed {
            Way::Stdin(feed) => feed.close().await.map_err(|_| None),
            Way::Sockets(feed) => unless_ended(&mut self.ears, feed.close()).await,
            Way::Direct(_) => Ok(()), // Its end is that of the source.
        };
        self.sent(sent).await
    }

    /// Judges a failure to send. With it comes how the process ended, if it has.
    async fn sent(&mut self, sent: Result<(), Option<Joined>>) -> Result<()> {
        match sent {
            Ok(()) => Ok(()),
            Err(None) => Err(self.refused().await),
            Err(Some(heard)) => {
                self.ears = None; // A task is joined once.
                Err(self.judged(heard))
            }
        }
    }

    /// The destination takes no more input. The broken pipe is not the error to report: its own
    /// reason and its exit are (§6, 16), so they get time to come.
    async fn refused(&mut self) -> Error {
        let Some(ears) = &mut self.ears else {
            return self.closed(&[]);
        };
        match timeout(self.talk.limits().grace, ears).await {
            Err(_) => self.closed(&[]).with("exit", "none: it goes on running"),
            Ok(heard) => {
                self.ears = None;
                self.judged(heard)
            }
        }
    }

    fn closed(&self, stderr: &[String]) -> Error {
        let message = "the destination closed its input before the end";
        let error = Error::new(&code::CONNECTOR_EXIT, message);
        self.talk.error(explained(error, &self.talk, stderr))
    }

    /// Why a destination ended that had not got everything.
    fn judged(&self, heard: Joined) -> Error {
        match join(heard) {
            Ok(heard) if heard.end.success() => match &heard.cause {
                Some(_) => failure(&self.talk, &heard.end, heard.cause.as_ref()),
                None => self.closed(&heard.end.stderr).with("exit", "exit code 0"),
            },
            Ok(heard) => failure(&self.talk, &heard.end, heard.cause.as_ref()),
            Err(error) => error,
        }
    }

    async fn end(&mut self, ending: Ending) -> Result<()> {
        if ending == Ending::Complete {
            // Without these, bulk destinations never finalise (§3.7); with them, for a source that
            // failed, they would drop good data.
            let now = SystemClock.now_ms();
            for (stream, target) in self.targets.clone() {
                let trace = Bytes::from(complete_trace(&target, now));
                self.say(&Lane::Stream(stream), trace).await?;
            }
        }
        self.close_feed().await?;
        let _ends = match &self.feed {
            Way::Direct(channel) => Some(channel.take_over()?),
            _ => None,
        };
        let Some(ears) = &mut self.ears else {
            return Ok(());
        };
        let heard = ears.await;
        self.ears = None; // Before anything can return: a task is joined once.
        let heard = join(heard)?;
        if !heard.end.success() {
            // It may well say by its exit that its input was not complete, and nobody had told it that it was. If
            // all states came back, nothing that counts is missing.
            if ending == Ending::Incomplete && self.book().is_all_returned() {
                return Ok(());
            }
            return Err(failure(&self.talk, &heard.end, heard.cause.as_ref()));
        }
        truncated(&self.talk, &heard.end).map_or(Ok(()), Err)
    }
}

/// What the listening task returned.
type Joined = Result<Result<Heard>, tokio::task::JoinError>;

/// Sends, unless the process ends before: nobody may ever connect to its sockets then.
async fn unless_ended(
    ears: &mut Option<JoinHandle<Result<Heard>>>,
    send: impl Future<Output = Result<()>>,
) -> Result<(), Option<Joined>> {
    let ended = async {
        match ears {
            Some(ears) => ears.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        sent = send => sent.map_err(|_| None),
        heard = ended => Err(Some(heard)),
    }
}

fn join(heard: Joined) -> Result<Heard> {
    heard.map_err(|cause| {
        Error::new(
            &code::INTERNAL,
            "the task that reads the destination's output died",
        )
        .caused_by(cause)
    })?
}

#[async_trait]
impl DestinationWriter for Writer {
    async fn write(&mut self, _: Seq, batch: Batch) -> Result<()> {
        let route = self.routes.get(&batch.stream)?;
        self.book().count(&batch.stream, batch.records() as u64);
        let sent = match &mut self.feed {
            Way::Stdin(feed) => {
                let lines = route.lines(&batch.body);
                let lines = lines.map_err(|e| self.talk.error(e).during("write"))?;
                feed.send(lines).await.map_err(|_| None)
            }
            Way::Sockets(feed) => unless_ended(&mut self.ears, feed.batch(batch)).await,
            Way::Direct(_) => {
                let message = "records came that had gone to the destination by themselves";
                let error = Error::new(&code::INTERNAL, message);
                return Err(error.with("stream", batch.stream).during("write"));
            }
        };
        self.sent(sent).await.map_err(|e| e.during("write"))
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        let renamed = match &checkpoint.lane {
            Lane::Stream(stream) => self.routes.renamed(stream),
            Lane::Global => None,
        };
        let line = match &mut self.feed {
            Way::Stdin(_) => {
                let (id, record_count) = self.book().stamp(&checkpoint.lane);
                let stamp = Stamp {
                    id,
                    record_count,
                    stream: renamed,
                    partition: None,
                };
                let mut line = Vec::new();
                write_state(&checkpoint, &stamp, &mut line);
                Bytes::from(line)
            }
            Way::Sockets(feed) => feed
                .state(&checkpoint, renamed)
                .map_err(|e| self.talk.error(e).during("write"))?,
            Way::Direct(_) => checkpoint.wire.clone().unwrap_or_default(),
        };
        // What comes back is compared with what went out, so that is what is remembered.
        let mut sent = Vec::new();
        Decoder::new().decode(&line, 0, &mut sent);
        let Some(Message::State(sent)) = sent.pop() else {
            let error = Error::new(
                &code::STATE_INVALID,
                "the checkpoint cannot be sent as a state",
            );
            return Err(self
                .talk
                .error(error.with("lane", &checkpoint.lane))
                .during("write"));
        };
        let returned = {
            let mut book = self.book();
            if let (Way::Direct(_), Lane::Stream(stream)) = (&self.feed, &checkpoint.lane) {
                // Of a state of the whole only the destination knows which streams it is about.
                book.count(stream, checkpoint.source_count.unwrap_or(0));
            }
            book.send(seq, checkpoint.lane.clone(), &sent)
        };
        act(returned, &*self.acks, &self.talk);
        let said = self.say(&checkpoint.lane, line).await;
        said.map_err(|e| e.during("write"))
    }

    async fn broken(&mut self) -> Error {
        let Way::Direct(channel) = &self.feed else {
            return std::future::pending().await;
        };
        // Nothing is ever written to it, so nobody else notices.
        let grace = self.talk.limits().grace;
        if !channel.is_to_blame(Side::Destination, grace).await {
            return std::future::pending().await;
        }
        self.refused().await.during("write")
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        let limit = self.talk.limits().finish_timeout;
        let ended = match timeout(limit, self.end(ending)).await {
            Ok(ended) => ended,
            Err(_) => {
                let message = "the destination did not finish after its input had ended";
                let error = Error::new(&code::CONNECTOR_TIMEOUT, message)
                    .with("limit", format!("{} s", limit.as_secs_f64()));
                Err(self.talk.error(error))
            }
        };
        ended.map_err(|e| e.during("write"))
    }

    async fn close(&mut self) -> Result<()> {
        if let Some(mut ears) = self.ears.take() {
            self.process.term();
            if timeout(self.talk.limits().grace, &mut ears).await.is_err() {
                // P8: the task owns the process; dropping it kills the group.
                ears.abort();
                let _ = ears.await;
            }
        }
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(ears) = &self.ears {
            ears.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::exit::End;

    #[tokio::test]
    async fn a_dead_listener_is_an_internal_error() {
        let task = tokio::spawn(async { std::future::pending::<Result<Heard>>().await });
        task.abort();
        assert_eq!(join(task.await).unwrap_err().code().name, "internal");
        let fine = Heard {
            end: End::default(),
            cause: None,
        };
        assert!(join(Ok(Ok(fine))).is_ok());
    }
}
