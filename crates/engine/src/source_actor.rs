//! Asks the source for events, one after another, and puts them into the queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crossdock_core::batch::{Batch, Body};
use crossdock_core::clock::Clock;
use crossdock_core::error::Result;
use crossdock_core::event::Event;
use crossdock_core::source::SourceReader;
use tokio::sync::{mpsc, watch};

use crate::budget::{Budget, Permit};

/// An event on its way, with the bytes it takes.
pub(crate) struct Delivery {
    pub(crate) event: Result<Event>,
    pub(crate) permit: Option<Permit>,
}

/// Since when the source has been waited for; 0 while it is not.
#[derive(Debug, Default)]
pub(crate) struct Waiting(AtomicI64);

impl Waiting {
    pub(crate) fn since(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|since| *since != 0)
    }
}

pub(crate) struct SourceActor {
    pub(crate) reader: Box<dyn SourceReader>,
    pub(crate) queue: mpsc::Sender<Delivery>,
    pub(crate) budget: Budget,
    pub(crate) abort: watch::Receiver<bool>,
    pub(crate) waiting: Arc<Waiting>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl SourceActor {
    /// Runs until the source ends, fails or is aborted, then closes it (P8).
    pub(crate) async fn run(mut self) -> Result<()> {
        let mut abort = self.abort.clone();
        tokio::select! {
            () = self.read() => {}
            _ = abort.wait_for(|aborted| *aborted) => {}
        }
        self.waiting.0.store(0, Ordering::Relaxed);
        self.reader.close().await
    }

    async fn read(&mut self) {
        loop {
            self.waiting.0.store(self.clock.now_ms(), Ordering::Relaxed);
            let event = self.reader.next().await;
            self.waiting.0.store(0, Ordering::Relaxed);
            let last = matches!(event, Ok(Event::End) | Err(_));
            let permit = match &event {
                Ok(Event::Batch(batch)) => self.budget.take(weight(batch)).await,
                Ok(Event::Checkpoint(point)) => {
                    let bytes = point.wire.as_ref().map_or(0, |w| w.len());
                    self.budget.take(point.state.bytes().len() + bytes).await
                }
                _ => None,
            };
            // The receiver is gone when the run is over: nobody wants more.
            if self.queue.send(Delivery { event, permit }).await.is_err() || last {
                return;
            }
        }
    }
}

/// What a batch takes of the budget: its bytes, or a good part of the read that a few small records
/// hold on to (P7).
fn weight(batch: &Batch) -> usize {
    let held = match &batch.body {
        Body::Rows(rows) => rows.buffer().len() / 4,
        Body::Columns(_) => 0,
    };
    batch.bytes().max(held)
}
