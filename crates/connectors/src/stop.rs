//! The wish that a read come to its end, for sources that need no other control.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::error::Result;
use crossdock_core::source::SourceControl;
use tokio::sync::Notify;

/// Whether the end is wished.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    wished: AtomicBool,
    notify: Notify,
}

#[async_trait]
impl SourceControl for Stop {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(())
    }

    fn stop(&self) {
        self.wished.store(true, Ordering::SeqCst);
        self.notify.notify_one();
    }
}

impl Stop {
    pub(crate) fn is_wished(&self) -> bool {
        self.wished.load(Ordering::SeqCst)
    }

    /// Waits for the wish. For one who waits.
    pub(crate) async fn wished(&self) {
        while !self.is_wished() {
            self.notify.notified().await;
        }
    }
}
