//! A destination's writer with something before it that changes what it gets.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Seq};
use crossdock_core::destination::{DestinationWriter, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;

/// Changes batches on their way to one destination.
#[async_trait]
pub(crate) trait Change: Send {
    /// What the destination gets of a batch. `None`: nothing, and the batch is acknowledged.
    async fn change(&mut self, seq: Seq, batch: Batch) -> Result<Option<Batch>>;

    /// No batch follows.
    fn end(&mut self) {}
}

/// Puts a change before a writer.
pub(crate) fn changing(
    writer: Box<dyn DestinationWriter>,
    change: impl Change + 'static,
) -> Box<dyn DestinationWriter> {
    Box::new(Changing { writer, change })
}

struct Changing<C> {
    writer: Box<dyn DestinationWriter>,
    change: C,
}

#[async_trait]
impl<C: Change> DestinationWriter for Changing<C> {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        match self.change.change(seq, batch).await? {
            Some(batch) => self.writer.write(seq, batch).await,
            None => Ok(()),
        }
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        self.writer.checkpoint(seq, checkpoint).await
    }

    async fn status(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        self.writer.status(stream, status).await
    }

    async fn committed(&mut self, mark: &Mark) -> Result<()> {
        self.writer.committed(mark).await
    }

    async fn broken(&mut self) -> Error {
        self.writer.broken().await
    }

    async fn flush(&mut self) -> Result<()> {
        self.writer.flush().await
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        self.change.end();
        self.writer.finish(ending).await
    }

    async fn close(&mut self) -> Result<()> {
        self.writer.close().await
    }
}
