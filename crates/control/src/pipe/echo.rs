//! Echoes the states of a pipe once what they cover is committed *and published*: that is how an
//! Airbyte destination acknowledges. Whoever keeps the states gets none too early (P1).

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::Batch;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::code;
use crossdock_core::destination::{DestinationWriter, Ending, Mark};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// `writer`, with every state written to `out`, as it came, once it is committed.
pub(super) fn echoing(
    writer: Box<dyn DestinationWriter>,
    out: impl AsyncWrite + Send + Unpin + 'static,
) -> Box<dyn DestinationWriter> {
    Box::new(Echoing {
        writer,
        out,
        waiting: Vec::new(),
    })
}

struct Echoing<W> {
    writer: Box<dyn DestinationWriter>,
    out: W,
    waiting: Vec<(Lane, Seq, Bytes)>,
}

fn covers(mark: &Mark, lane: &Lane, seq: Seq) -> bool {
    seq <= mark.seq && (mark.lane == *lane || mark.lane == Lane::Global)
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> DestinationWriter for Echoing<W> {
    async fn write(&mut self, seq: Seq, batch: Batch) -> Result<()> {
        self.writer.write(seq, batch).await
    }

    async fn checkpoint(&mut self, seq: Seq, checkpoint: Arc<Checkpoint>) -> Result<()> {
        if let Some(line) = &checkpoint.wire {
            // Copied, so that it does not hold on to the read that it came in.
            let line = Bytes::copy_from_slice(line.trim_ascii_end());
            self.waiting.push((checkpoint.lane.clone(), seq, line));
        }
        self.writer.checkpoint(seq, checkpoint).await
    }

    async fn status(&mut self, stream: &StreamId, status: StreamStatus) -> Result<()> {
        self.writer.status(stream, status).await
    }

    async fn committed(&mut self, mark: &Mark) -> Result<()> {
        self.writer.committed(mark).await?;
        let mut lines = Vec::new();
        self.waiting.retain(|(lane, seq, line)| {
            let covered = covers(mark, lane, *seq);
            if covered {
                lines.extend_from_slice(line);
                lines.push(b'\n');
            }
            !covered
        });
        if lines.is_empty() {
            return Ok(());
        }
        let failed = |cause: std::io::Error| {
            Error::new(&code::IO, "the output cannot be written").caused_by(cause)
        };
        self.out.write_all(&lines).await.map_err(failed)?;
        self.out.flush().await.map_err(failed)
    }

    async fn broken(&mut self) -> Error {
        self.writer.broken().await
    }

    async fn flush(&mut self) -> Result<()> {
        self.writer.flush().await
    }

    async fn finish(&mut self, ending: Ending) -> Result<()> {
        self.writer.finish(ending).await
    }

    async fn close(&mut self) -> Result<()> {
        self.writer.close().await
    }
}
