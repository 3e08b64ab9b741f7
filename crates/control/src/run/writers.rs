//! The opened destinations of an attempt.

use std::sync::Arc;

use crossdock_core::destination::DestinationWriter;
use crossdock_engine::dead_letter::DeadLetters;
use crossdock_engine::life::Life;

#[derive(Default)]
pub(super) struct Writers {
    pub(super) open: Vec<Box<dyn DestinationWriter>>,
    pub(super) lives: Vec<Arc<Life>>,
    pub(super) letters: Option<DeadLetters>,
}

impl Writers {
    /// Ends what was opened when something else could not be.
    pub(super) async fn close(&mut self) {
        for writer in &mut self.open {
            if let Err(error) = writer.close().await {
                tracing::warn!(%error, "a destination did not close tidily");
            }
        }
        if let Some(letters) = &mut self.letters
            && let Err(error) = letters.office.close().await
        {
            tracing::warn!(%error, "the destination of dead letters did not close tidily");
        }
    }
}
