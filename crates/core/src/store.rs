//! The store's contract: committed states, their history, runs and connector configurations.
//!
//! One pipeline is written by one run at a time. A run holds a [`Lease`]; its `epoch` is greater
//! than that of every run and every manual edit before it, and each commit names it: a run that
//! was overtaken gets `store.fenced` and can commit nothing (P4). Every method that changes
//! something returns after the change is on disk, and a crash in the middle leaves the old or the
//! new state, never a mixture.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::catalog::ConfiguredCatalog;
use crate::checkpoint::{Lane, LaneState, Seq};
use crate::destination::Mark;
use crate::error::{ErrorKind, Result};
use crate::statistics::RunStatistics;
use crate::stream::StreamId;

/// The right of one run to write a pipeline's state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The pipeline.
    pub pipeline: String,
    /// The fencing number: greater than all before.
    pub epoch: i64,
    /// The run's number in the store, over all pipelines.
    pub run: i64,
}

/// One atomic commit.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The new state of each lane named. A GLOBAL state replaces the states of all streams and the
    /// reverse: the store keeps one kind.
    pub states: Vec<LaneState>,
    /// How far each lane is now committed.
    pub marks: Vec<(Lane, Seq)>,
    /// The counts of the run so far.
    pub streams: Vec<StreamCounts>,
    /// Generations that are complete with this commit.
    pub generations: Vec<Generation>,
}

/// The records of one stream in one run (P6): `read` = `written` + `filtered` + `dead_lettered` +
/// `rejected` + `dropped` at the end of a run that went well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamCounts {
    /// The stream.
    pub stream: StreamId,
    /// Records that the source emitted.
    pub read: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Records durable at every destination.
    pub written: u64,
    /// Records that a processor removed.
    pub filtered: u64,
    /// Records kept by the dead-letter destination.
    pub dead_lettered: u64,
    /// Records that a destination refused and nothing kept.
    pub rejected: u64,
    /// Records left out on the way with a reason.
    pub dropped: u64,
    /// Records covered by committed checkpoints.
    pub committed: u64,
    /// Checkpoints committed.
    pub checkpoints: u64,
}

impl StreamCounts {
    /// No records yet.
    #[must_use]
    pub fn new(stream: StreamId) -> Self {
        Self {
            stream,
            read: 0,
            bytes: 0,
            written: 0,
            filtered: 0,
            dead_lettered: 0,
            rejected: 0,
            dropped: 0,
            committed: 0,
            checkpoints: 0,
        }
    }

    /// Adds what was counted elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.bytes += other.bytes;
        self.written += other.written;
        self.filtered += other.filtered;
        self.dead_lettered += other.dead_lettered;
        self.rejected += other.rejected;
        self.dropped += other.dropped;
        self.committed += other.committed;
        self.checkpoints += other.checkpoints;
    }

    /// Records that are accounted for.
    #[must_use]
    pub fn accounted(&self) -> u64 {
        self.written + self.filtered + self.dead_lettered + self.rejected + self.dropped
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Going on, or its process died before it could say.
    Running,
    /// Everything was read and written.
    Succeeded,
    /// It failed; what it committed stays.
    Failed,
    /// It was cancelled; what it committed stays.
    Cancelled,
}

impl RunStatus {
    /// The name in the store and in `--json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A run as the store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its number.
    pub run: i64,
    /// What it was for.
    #[serde(default)]
    pub kind: RunKind,
    /// The pipeline.
    pub pipeline: String,
    /// Its epoch.
    pub epoch: i64,
    /// Begin, ms since the epoch.
    pub started_at: i64,
    /// End, ms since the epoch.
    pub ended_at: Option<i64>,
    /// How it ended.
    pub status: RunStatus,
    /// The code of the error that ended it.
    pub error_code: Option<String>,
    /// The message of that error, masked.
    pub error_message: Option<String>,
    /// What sort of failure it was, as [`crate::ErrorKind::as_str`] has it. `None`: none, or an older Crossdock
    /// wrote it.
    #[serde(default)]
    pub error_kind: Option<String>,
    /// Counts per stream.
    pub streams: Vec<StreamCounts>,
    /// What is kept beside the counts, if the run came to its end.
    #[serde(default)]
    pub statistics: Option<RunStatistics>,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct RunEnd {
    /// How it ended.
    pub status: RunStatus,
    /// Code and message of the error that ended it, masked.
    pub error: Option<(String, String)>,
    /// What sort of failure that error is.
    pub error_kind: Option<ErrorKind>,
    /// Counts per stream.
    pub streams: Vec<StreamCounts>,
    /// What is kept beside the counts.
    pub statistics: Option<RunStatistics>,
}

impl RunEnd {
    /// An end without an error, of a run that counted nothing.
    #[must_use]
    pub fn new(status: RunStatus) -> Self {
        Self {
            status,
            error: None,
            error_kind: None,
            streams: Vec::new(),
            statistics: None,
        }
    }
}

/// One earlier version of a lane's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Names the version for `rollback`; grows with time.
    pub version: i64,
    /// When it was committed, ms since the epoch.
    pub committed_at: i64,
    /// The run that committed it; `None` for a manual edit.
    pub run: Option<i64>,
    /// The state; `None` where the lane was reset.
    pub state: Option<LaneState>,
    /// The lane.
    pub lane: Lane,
}

/// Where a stream's data stands in the count of generations (Airbyte §3.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The stream.
    pub stream: StreamId,
    /// The current generation's number.
    pub generation: i64,
    /// Whether the run that began this generation completed it.
    pub complete: bool,
    /// A refresh that truncates began it: until it is complete, the rows of older ones are to go.
    pub truncates: bool,
}

/// What a refresh does with the rows of earlier copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshMode {
    /// They stay beside those that are read anew.
    #[default]
    Merge,
    /// They go when the new copy is complete.
    Truncate,
}

impl RefreshMode {
    /// The name in the store and in pipeline files.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Truncate => "truncate",
        }
    }
}

/// A stream that the next run is to read anew, since somebody asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refresh {
    /// The stream.
    pub stream: StreamId,
    /// `None`: as the pipeline says when it runs.
    pub mode: Option<RefreshMode>,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// It moves records.
    #[default]
    Sync,
    /// It empties what the pipeline filled.
    Clear,
}

impl RunKind {
    /// The name in the store and in `--json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Clear => "clear",
        }
    }
}

/// Everything a run resumes from.
#[derive(Clone, Debug, Default)]
pub struct Resume {
    /// The committed state of each lane.
    pub states: Vec<LaneState>,
    /// What earlier runs committed, for staged destinations: for each epoch that is still of
    /// interest and each lane, the greatest sequence number.
    pub marks: Vec<Mark>,
    /// The generations.
    pub generations: Vec<Generation>,
    /// Which lanes a person changed last by hand, and when.
    pub edits: Vec<Edit>,
    /// The streams that somebody wants to be read anew.
    pub refreshes: Vec<Refresh>,
}

/// A lane's last change by hand: import, reset or rollback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The lane; [`Lane::Global`] for all lanes.
    pub lane: Lane,
    /// The epoch that the change took: it is later than every run with a smaller one.
    pub epoch: i64,
}

/// Changes of a source's catalog that a run found and did not take.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// Nothing is moved until somebody has accepted them.
    pub pauses: bool,
    /// The changes, in the form of whoever found them.
    pub changes: Value,
    /// The catalog with all of them.
    pub catalog: ConfiguredCatalog,
}

/// What a run found, as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaReview {
    /// The run.
    pub run: i64,
    /// When, ms since the epoch.
    pub at: i64,
    /// What it found.
    pub reviewed: Reviewed,
}

/// A connector's configuration that the connector itself replaced (Airbyte's CONTROL).
#[derive(Clone, Debug, PartialEq)]
pub struct StoredConfig {
    /// The configuration that the user had given when it was replaced.
    pub base: Value,
    /// The connector's own.
    pub config: Value,
}

/// What is kept between runs. Implementations are shared by reference and safe to call at once.
#[async_trait]
pub trait Store: Send + Sync {
    /// Begins a run: takes the pipeline (or fails with `store.pipeline_busy` while a living
    /// process holds it) and fences all earlier runs off.
    async fn begin(&self, pipeline: &str) -> Result<Lease> {
        self.begin_as(pipeline, RunKind::Sync).await
    }

    /// As `begin`, of a run of this kind.
    async fn begin_as(&self, pipeline: &str, kind: RunKind) -> Result<Lease>;

    /// What the pipeline resumes from.
    async fn resume(&self, pipeline: &str) -> Result<Resume>;

    /// Commits, all or nothing, or fails with `store.fenced`.
    async fn commit(&self, lease: &Lease, commit: Commit) -> Result<()>;

    /// Sets generations, all or nothing, or fails with `store.fenced`. What [`Store::refresh`] asked for
    /// of their streams is thereby begun.
    async fn set_generations(&self, lease: &Lease, generations: Vec<Generation>) -> Result<()>;

    /// Forgets lanes' states at the start of a run that reads them anew, or fails with
    /// `store.fenced`. History keeps them.
    async fn clear(&self, lease: &Lease, lanes: Vec<Lane>) -> Result<()>;

    /// Keeps the catalog that the pipeline's run reads, for the next plan to compare with, or fails
    /// with `store.fenced`. What an earlier run found and did not take is of the past then.
    async fn save_catalog(&self, lease: &Lease, catalog: ConfiguredCatalog) -> Result<()>;

    /// The catalog of the pipeline's last run, if any, or that which somebody has accepted since.
    async fn catalog(&self, pipeline: &str) -> Result<Option<ConfiguredCatalog>>;

    /// Keeps changes that the run found and does not take, for somebody to accept, or fails with
    /// `store.fenced`.
    async fn save_review(&self, lease: &Lease, reviewed: Reviewed) -> Result<()>;

    /// The changes that wait for somebody to accept them, if any.
    async fn review(&self, pipeline: &str) -> Result<Option<SchemaReview>>;

    /// By hand: takes the catalog of the changes that wait, or fails with `store.nothing_to_accept`. As
    /// `import` otherwise; states stay.
    async fn accept(&self, pipeline: &str) -> Result<()>;

    /// Ends a run and gives the pipeline free.
    async fn finish(&self, lease: &Lease, end: RunEnd) -> Result<()>;

    /// Keeps a configuration that a connector replaced. `role` is `source` or `destination`.
    async fn save_config(&self, pipeline: &str, role: &str, config: StoredConfig) -> Result<()>;

    /// The replaced configuration, if any.
    async fn load_config(&self, pipeline: &str, role: &str) -> Result<Option<StoredConfig>>;

    /// What a connector remembers under `key`; see [`crate::memory::Memory`]. `owner` is its place in a
    /// pipeline, or empty for what all connectors share.
    async fn recall(&self, owner: &str, key: &str) -> Result<Option<String>>;

    /// Remembers `value`; with `only_first`, if there is nothing. `false` if it was not kept.
    async fn remember(&self, owner: &str, key: &str, value: &str, only_first: bool)
    -> Result<bool>;

    /// Whether a living process runs the pipeline.
    async fn is_held(&self, pipeline: &str) -> Result<bool>;

    /// The pipelines that have states or runs.
    async fn pipelines(&self) -> Result<Vec<String>>;

    /// The newest runs of a pipeline (of all, without a name), newest first.
    async fn runs(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRecord>>;

    /// One run by its number.
    async fn run(&self, run: i64) -> Result<Option<RunRecord>>;

    /// Earlier states, newest first. With `stream`, that stream's lane (and the global one's).
    async fn history(
        &self,
        pipeline: &str,
        stream: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>>;

    /// By hand: replaces all states of the pipeline, and takes back what `refresh` asked for. Refused with `store.pipeline_busy` while a
    /// run goes on. Fences earlier runs off.
    async fn import(&self, pipeline: &str, states: Vec<LaneState>) -> Result<()>;

    /// By hand: forgets the state of one stream, or of all (`None`); within a GLOBAL state, the
    /// stream's part. As `import` otherwise.
    async fn reset(&self, pipeline: &str, stream: Option<&StreamId>) -> Result<()>;

    /// By hand: as `reset` of these streams, and the pipeline's next run begins new generations of them,
    /// as each refresh says. A state that covers the whole source in one piece can be forgotten only with
    /// all streams that it is of. As `import` otherwise.
    async fn refresh(&self, pipeline: &str, refreshes: Vec<Refresh>) -> Result<()>;

    /// By hand: takes every lane back to how it stood right after history version `version`.
    /// As `import` otherwise.
    async fn rollback(&self, pipeline: &str, version: i64) -> Result<()>;
}
