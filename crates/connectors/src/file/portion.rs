//! A batch in parts: one for each partition that it has records of.

use std::sync::Arc;

use crossdock_core::batch::Body;
use crossdock_core::error::Result;

use super::format::Format;
use crate::semantics::partition::Partitioner;
use crate::semantics::shape::Shape;
use crate::semantics::target::Target;

/// The records of one partition, ready to be written.
pub(crate) struct Portion<S> {
    /// The folder within the stream's; empty if that is not partitioned.
    pub(crate) partition: Arc<str>,
    pub(crate) shaped: S,
    pub(crate) rows: u64,
}

/// Brings the batches of one stream into shape, each partition's records for themselves.
pub(crate) struct Portions<S> {
    partitioner: Option<Partitioner>,
    shape: Box<dyn Shape<S>>,
    whole: Arc<str>,
}

impl<S> Portions<S> {
    pub(crate) fn new<F: Format<Shaped = S>>(format: &F, target: &Target) -> Result<Self> {
        Ok(Self {
            partitioner: Partitioner::of(target),
            shape: format.shape(target)?,
            whole: "".into(),
        })
    }

    fn portion(&mut self, partition: Arc<str>, body: Body) -> Result<Portion<S>> {
        Ok(Portion {
            partition,
            rows: body.len() as u64,
            shaped: self.shape.shape(body)?,
        })
    }
}

impl<S> Shape<Vec<Portion<S>>> for Portions<S> {
    fn tells_deletes(&self) -> bool {
        self.shape.tells_deletes()
    }

    fn shape(&mut self, body: Body) -> Result<Vec<Portion<S>>> {
        let parts = match &mut self.partitioner {
            None => vec![(self.whole.clone(), body)],
            Some(partitioner) => partitioner.split(body)?,
        };
        let parts = parts.into_iter();
        parts
            .map(|(partition, body)| self.portion(partition, body))
            .collect()
    }
}
