//! The reader of sources whose reading blocks, as the engine sees it, and the thread behind it.
//! [`crate::writer`] is its counterpart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel, StreamStatus};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceControl, SourceReader};
use crossdock_core::stream::StreamId;
use tokio::sync::mpsc;

/// Events on their way. Few, since they may be batches (P7).
const EVENTS: usize = 2;

/// A running read.
pub(crate) struct ThreadedReader {
    events: mpsc::Receiver<Result<Event>>,
    stop: Arc<Stop>,
}

/// The wish to stop.
#[derive(Debug, Default)]
struct Stop(AtomicBool);

#[async_trait]
impl SourceControl for Stop {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(())
    }

    fn stop(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Why reading ended early.
pub(crate) enum Break {
    /// Nobody listens, or the engine asked for the end.
    Over,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Break {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What the reading thread tells, and hears.
pub(crate) struct Line {
    send: mpsc::Sender<Result<Event>>,
    stop: Arc<Stop>,
    session: Session,
}

impl Line {
    /// Passes an event on; waits while too many are under way.
    pub(crate) fn tell(&self, event: Event) -> Result<(), Break> {
        self.send.blocking_send(Ok(event)).map_err(|_| Break::Over)
    }

    /// Tells a stream's status.
    pub(crate) fn status(&self, stream: &StreamId, status: StreamStatus) -> Result<(), Break> {
        self.tell(Event::Status {
            stream: stream.clone(),
            status,
        })
    }

    /// Whether the engine asked for the end.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.0.load(Ordering::SeqCst)
    }

    /// Says something beside the data.
    pub(crate) fn log(&self, level: LogLevel, message: String) {
        self.session.log(level, message);
    }
}

impl ThreadedReader {
    /// Starts the thread; its end is the read's.
    pub(crate) fn open(
        session: Session,
        work: impl FnOnce(&Line) -> Result<(), Break> + Send + 'static,
    ) -> Self {
        let (send, events) = mpsc::channel(EVENTS);
        let stop = Arc::new(Stop::default());
        let line = Line {
            send,
            stop: stop.clone(),
            session,
        };
        tokio::task::spawn_blocking(move || {
            // If nobody listens, there is nobody to tell.
            let _ = match work(&line) {
                Ok(()) | Err(Break::Over) => line.send.blocking_send(Ok(Event::End)),
                Err(Break::Failed(error)) => line.send.blocking_send(Err(error)),
            };
        });
        Self { events, stop }
    }
}

#[async_trait]
impl SourceReader for ThreadedReader {
    async fn next(&mut self) -> Result<Event> {
        match self.events.recv().await {
            Some(event) => event,
            None => Err(Error::new(&code::INTERNAL, "the reading thread broke")),
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.stop.clone()
    }

    async fn close(&mut self) -> Result<()> {
        // The thread notices at its next event that nobody listens.
        self.events.close();
        Ok(())
    }
}
