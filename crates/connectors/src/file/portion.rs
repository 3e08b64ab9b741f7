//! A batch, ready to be written, and the folder of each of its rows.

use crossdock_core::batch::Body;
use crossdock_core::error::Result;

use super::format::Format;
use crate::semantics::partitioner::{Folders, Partitioner};
use crate::semantics::shape::Shape;
use crate::semantics::target::Target;

/// A shaped batch.
pub(crate) struct Portioned<S> {
    pub(crate) shaped: S,
    /// About how much memory it takes.
    pub(crate) bytes: u64,
    /// None if the stream has no folders.
    pub(crate) folders: Option<Folders>,
}

/// Brings the batches of one stream into shape and tells their rows' folders.
pub(crate) struct Portions<S> {
    partitioner: Option<Partitioner>,
    shape: Box<dyn Shape<S>>,
}

impl<S> Portions<S> {
    pub(crate) fn new<F: Format<Shaped = S>>(format: &F, target: &Target) -> Result<Self> {
        Ok(Self {
            partitioner: Partitioner::of(target),
            shape: format.shape(target)?,
        })
    }
}

impl<S> Shape<Portioned<S>> for Portions<S> {
    fn tells_deletes(&self) -> bool {
        self.shape.tells_deletes()
    }

    fn shape(&mut self, body: Body) -> Result<Portioned<S>> {
        let folders = self.partitioner.as_mut().map(|p| p.folders(&body));
        Ok(Portioned {
            folders: folders.transpose()?,
            bytes: body.bytes() as u64,
            shaped: self.shape.shape(body)?,
        })
    }
}
