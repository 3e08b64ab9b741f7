//! Echoes the states of a pipe once they are committed: that is how an Airbyte destination
//! acknowledges.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::source::{SourceControl, SourceReader};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::Mutex;

/// `reader`, with every committed checkpoint written to `out` as it came.
pub(super) fn echoing(
    reader: Box<dyn SourceReader>,
    out: impl AsyncWrite + Send + Unpin + 'static,
) -> Box<dyn SourceReader> {
    let out = Arc::new(Mutex::new(out));
    let control = Arc::new(Echo {
        inner: reader.control(),
        out,
    });
    Box::new(Echoing { reader, control })
}

struct Echoing<W> {
    reader: Box<dyn SourceReader>,
    control: Arc<Echo<W>>,
}

struct Echo<W> {
    inner: Arc<dyn SourceControl>,
    out: Arc<Mutex<W>>,
}

impl<W> fmt::Debug for Echo<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Echo").field(&self.inner).finish()
    }
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin> SourceControl for Echo<W> {
    async fn committed(&self, checkpoint: &Checkpoint) -> Result<()> {
        self.inner.committed(checkpoint).await?;
        let Some(line) = &checkpoint.wire else {
            return Ok(());
        };
        let failed = |cause: std::io::Error| {
            Error::new(&code::IO, "the output cannot be written").caused_by(cause)
        };
        let mut out = self.out.lock().await;
        out.write_all(line.trim_ascii_end()).await.map_err(failed)?;
        out.write_all(b"\n").await.map_err(failed)?;
        out.flush().await.map_err(failed)
    }

    fn stop(&self) {
        self.inner.stop();
    }
}

#[async_trait]
impl<W: AsyncWrite + Send + Unpin + 'static> SourceReader for Echoing<W> {
    async fn next(&mut self) -> Result<Event> {
        self.reader.next().await
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.control.clone()
    }

    async fn close(&mut self) -> Result<()> {
        self.reader.close().await
    }
}
