//! From what the ledger says is ready to what the store writes.

use std::sync::Arc;

use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, Seq};
use crossdock_core::destination::Mark;
use crossdock_core::store::{Commit, Generation, Lease, StreamCounts};

use crate::ledger::Ready;

/// One commit and whom to tell of it afterwards.
#[derive(Debug)]
pub(crate) struct Order {
    pub(crate) commit: Commit,
    pub(crate) marks: Vec<Mark>,
    pub(crate) checkpoints: Vec<Arc<Checkpoint>>,
}

impl Order {
    /// Whether a source waits for it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.checkpoints.iter().any(|checkpoint| checkpoint.awaited)
    }

    pub(crate) fn new(
        lease: &Lease,
        ready: Ready<Arc<Checkpoint>>,
        end: Option<Seq>,
        streams: Vec<StreamCounts>,
        complete: &[Generation],
    ) -> Self {
        let mut marks: Vec<(Lane, Seq)> = Vec::new();
        let mut states = Vec::new();
        let mut checkpoints = Vec::new();
        for (lane, seq, checkpoint) in ready.checkpoints {
            states.push(LaneState {
                lane: lane.clone(),
                kind: checkpoint.kind,
                state: checkpoint.state.clone(),
            });
            marks.push((lane, seq));
            checkpoints.push(checkpoint);
        }
        if let Some(seq) = end {
            marks.retain(|(lane, _)| *lane != Lane::Global);
            marks.push((Lane::Global, seq));
        }
        // A generation is complete with the very commit that ends the run, or not at all.
        let generations = if end.is_some() {
            complete.to_vec()
        } else {
            Vec::new()
        };
        let told = marks
            .iter()
            .map(|(lane, seq)| Mark {
                epoch: lease.epoch,
                lane: lane.clone(),
                seq: *seq,
            })
            .collect();
        Self {
            commit: Commit {
                states,
                marks,
                streams,
                generations,
            },
            marks: told,
            checkpoints,
        }
    }
}
