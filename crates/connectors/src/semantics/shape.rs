//! What stands between a batch and a destination's own form of it.

use crossdock_core::batch::Body;
use crossdock_core::error::Result;

/// Brings the batches of one stream into shape, in order.
pub(crate) trait Shape<S>: Send {
    /// Whether a deleted record can be told from a living one.
    fn tells_deletes(&self) -> bool;

    /// One batch.
    fn shape(&mut self, body: Body) -> Result<S>;
}
