//! What a run shows while it goes on.

use std::time::Duration;

use crossdock_core::event::{Estimate, StreamStatus};
use crossdock_core::store::StreamCounts;

/// One stream's state of affairs.
#[derive(Clone, Debug)]
pub struct StreamProgress {
    /// Its counts so far.
    pub counts: StreamCounts,
    /// Its last status.
    pub status: Option<StreamStatus>,
    /// What the source expects.
    pub estimate: Option<Estimate>,
}

/// The whole run's state of affairs.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Time since the run began.
    pub elapsed: Duration,
    /// Time since the last commit, if there was one.
    pub since_commit: Option<Duration>,
    /// The source's estimate of the whole sync.
    pub estimate: Option<Estimate>,
    /// Bytes under way between source and destinations.
    pub queued_bytes: usize,
    /// The streams in the order of the catalog.
    pub streams: Vec<StreamProgress>,
}

/// Takes progress a few times a second. Must not block.
pub trait Watcher: Send + Sync {
    /// Takes the state of affairs.
    fn progress(&self, progress: &Progress);
}

/// A watcher that looks away.
#[derive(Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {
    fn progress(&self, _: &Progress) {}
}
