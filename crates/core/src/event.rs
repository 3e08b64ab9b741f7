//! What a source tells the engine, in order, and the small facts that travel with data.

use crate::batch::Batch;
use crate::catalog::Stream;
use crate::checkpoint::Checkpoint;
use crate::error::Error;
use crate::stream::StreamId;

/// One step of a source's output. Order matters: a checkpoint covers what came before it.
#[derive(Debug)]
pub enum Event {
    /// Records of one stream.
    Batch(Batch),
    /// Records of one stream that went to the destination by themselves, past the engine, which only keeps the books of
    /// them (Airbyte §4.8). The checkpoint after them covers them as it does others.
    Passed {
        /// The stream.
        stream: StreamId,
        /// How many.
        records: u64,
    },
    /// A resume point.
    Checkpoint(Checkpoint),
    /// A stream is new, or its schema has changed: records after this are as it says. Only sources
    /// whose capabilities say `learns_streams` send it, best right after a checkpoint that covers
    /// everything before: what no checkpoint covers is read again after a crash.
    Schema(Stream),
    /// A stream changed its status.
    Status {
        /// The stream.
        stream: StreamId,
        /// The new status.
        status: StreamStatus,
    },
    /// A stream failed; the others go on (Airbyte §2.2).
    StreamFailed {
        /// The stream.
        stream: StreamId,
        /// Why.
        error: Error,
    },
    /// How much is to come, for the progress display.
    Estimate(Estimate),
    /// Records that were left out on the way, with the reason, so that the counts add up (P6).
    Dropped {
        /// The stream, if it could be told.
        stream: Option<StreamId>,
        /// How many.
        records: u64,
        /// Why, as a short phrase for people.
        reason: &'static str,
    },
    /// Records that could not be processed on the way, as they came: they are kept as dead letters, or
    /// end the run.
    Refused(Box<Refused>),
    /// The source has ended well; nothing follows.
    End,
}

/// Records of one stream that a processor could not take.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The records as they were before the first processor of the list that it is in: what goes through
    /// the list again if they are replayed.
    pub batch: Batch,
    /// The records as that processor saw them.
    pub seen: Batch,
    /// The list of processors.
    pub by: String,
    /// The processor in the list.
    pub processor: String,
    /// Why.
    pub reason: String,
}

/// The life of a stream within a run (Airbyte §3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamStatus {
    /// Begun.
    Started,
    /// Records flow.
    Running,
    /// Waiting for a quota of the other side; `quota_reset` is its end in ms since the epoch.
    RateLimited {
        /// When the quota is renewed, if told.
        quota_reset: Option<i64>,
    },
    /// The source is done with it.
    Complete,
    /// The source gave up on it.
    Incomplete,
}

/// A source's estimate of the whole sync; a later one replaces an earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// The stream, or the whole sync.
    pub stream: Option<StreamId>,
    /// Records in all.
    pub records: Option<u64>,
    /// Bytes in all.
    pub bytes: Option<u64>,
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Finest detail.
    Trace,
    /// For the connector's author.
    Debug,
    /// Progress.
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// The connector gives up.
    Fatal,
}

/// A log line of a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// How grave.
    pub level: LogLevel,
    /// The text, already masked (P10).
    pub message: String,
    /// A stack trace, if sent along.
    pub stack_trace: Option<String>,
}
