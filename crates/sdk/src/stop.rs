//! The wish that a read come to its end.

use async_trait::async_trait;
use crossdock_core::checkpoint::Checkpoint;
use crossdock_core::error::Result;
use crossdock_core::source::SourceControl;
use tokio::sync::watch;

/// Whether the end is wished.
#[derive(Debug, Default)]
pub(crate) struct Stop(watch::Sender<bool>);

impl Stop {
    pub(crate) fn is_wished(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the wish.
    pub(crate) async fn wished(&self) {
        // The sender is ours, so the wait ends by the wish alone.
        let _ = self.0.subscribe().wait_for(|wished| *wished).await;
    }
}

#[async_trait]
impl SourceControl for Stop {
    async fn committed(&self, _: &Checkpoint) -> Result<()> {
        Ok(())
    }

    fn stop(&self) {
        self.0.send_replace(true);
    }
}
