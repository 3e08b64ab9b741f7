//! A source that pushes, as the contract's, which is pulled.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind, Result};
use crossdock_core::event::Event;
use crossdock_core::source::{SourceControl, SourceOpening, SourceReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::output::{Gathered, Output};
use crate::stop::Stop;

/// So many events may wait: enough to keep both sides busy (P7: a batch is of a megabyte).
const AHEAD: usize = 2;

/// Records that no others follow wait so long.
const LINGER: Duration = Duration::from_millis(100);

/// A reader of what `produce` puts into its [`Output`]. It runs beside the reader, and is dropped when the reader is
/// closed, or, if the end is wished, when half of the grace period is over (P8). Its error ends the read.
pub fn push<Produce, Running>(opening: &SourceOpening, produce: Produce) -> Box<dyn SourceReader>
where
    Produce: FnOnce(Output) -> Running,
    Running: Future<Output = Result<()>> + Send + 'static,
{
    let (sender, events) = mpsc::channel(AHEAD);
    let gathered = Arc::new(Gathered::default());
    let stop = Arc::new(Stop::default());
    let output = Output::new(
        sender,
        gathered.clone(),
        stop.clone(),
        opening.session.clone(),
        opening.bounded,
    );
    Box::new(Pushed {
        task: Some(tokio::spawn(produce(output))),
        events,
        gathered,
        stop,
        patience: opening.session.limits.grace / 2,
        deadline: None,
    })
}

struct Pushed {
    /// `None` after its end.
    task: Option<JoinHandle<Result<()>>>,
    events: mpsc::Receiver<Event>,
    gathered: Arc<Gathered>,
    stop: Arc<Stop>,
    patience: Duration,
    /// When the producer is given up.
    deadline: Option<Instant>,
}

impl Pushed {
    /// Waits until the end is wished, and then as long as the producer has for it.
    async fn given_up(stop: &Stop, deadline: &mut Option<Instant>, patience: Duration) {
        stop.wished().await;
        sleep_until(*deadline.get_or_insert_with(|| Instant::now() + patience)).await;
    }

    /// How the producer ended.
    async fn end(&mut self) -> Result<Event> {
        let Some(task) = self.task.take() else {
            return Ok(Event::End);
        };
        match task.await {
            Ok(Ok(())) => Ok(Event::End),
            Ok(Err(error)) if error.kind() == ErrorKind::Cancelled && self.stop.is_wished() => {
                Ok(Event::End)
            }
            Ok(Err(error)) => Err(error),
            Err(cause) if cause.is_cancelled() => Ok(Event::End),
            Err(cause) => {
                Err(Error::new(&code::INTERNAL, "the connector panicked").caused_by(cause))
            }
        }
    }
}

#[async_trait]
impl SourceReader for Pushed {
    async fn next(&mut self) -> Result<Event> {
        loop {
            tokio::select! {
                biased;
                event = self.events.recv() => {
                    if let Some(event) = event {
                        return Ok(event);
                    }
                    // It gathers no more.
                    return match self.gathered.take() {
                        Some(batch) => Ok(Event::Batch(batch)),
                        None => self.end().await,
                    };
                }
                () = Self::given_up(&self.stop, &mut self.deadline, self.patience), if self.task.is_some() => {
                    // It is not waited for: what blocks cannot be ended.
                    if let Some(task) = self.task.take() {
                        task.abort();
                    }
                    self.events.close();
                }
                () = sleep(LINGER) => {
                    if let Some(batch) = self.gathered.take() {
                        return Ok(Event::Batch(batch));
                    }
                }
            }
        }
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.stop.clone()
    }

    async fn close(&mut self) -> Result<()> {
        self.events.close();
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = timeout(self.patience, task).await;
        }
        Ok(())
    }
}

impl Drop for Pushed {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
