//! The control of a source that is read from somewhere else than a process: it can only be told to stop.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::error::Result;
use crossdock_core::source::SourceControl;
use tokio::sync::Notify;

/// Whether the end was asked for.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    asked: AtomicBool,
    wake: Notify,
}

impl Stop {
    /// The end was asked for.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Returns once it is. May be dropped and called again.
    pub(crate) async fn asked(&self) {
        self.wake.notified().await;
    }
}

#[async_trait]
impl SourceControl for Stop {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(())
    }

    fn stop(&self) {
        self.asked.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }
}
