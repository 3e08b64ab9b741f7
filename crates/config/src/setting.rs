//! The limits and choices of a run, in units that code can use. The defaults stand here, and in
//! the JSON Schema, and a test holds them together.

use std::path::PathBuf;
use std::time::Duration;

use crossdock_core::session::{AnswerTimes, Limits};
use crossdock_core::store::RefreshMode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits and choices of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Memory for records on their way, in bytes, over all queues of a run (P7).
    pub memory_budget: usize,
    /// Longest line or message accepted from a connector, in bytes (P11).
    pub max_line_bytes: usize,
    /// Time from asking a process to end until it is killed (P8).
    pub grace: Duration,
    /// Time for `spec`, `check` and `discover`.
    pub command_timeout: Duration,
    /// How long a source may say nothing at all (P9).
    pub source_silence: Duration,
    /// How long a destination may accept nothing (P9).
    pub destination_silence: Duration,
    /// How long a destination that has all data may hold back a checkpoint (P9).
    pub checkpoint_silence: Duration,
    /// Time that a destination has to finish after the last record.
    pub finish_timeout: Duration,
    /// At most this long a durable checkpoint waits for others to be committed with it.
    pub commit_interval: Duration,
    /// Whether sources that poll are read to the end or on and on.
    pub mode: Mode,
    /// Whether a run goes on where the last one ended.
    pub resume: bool,
    /// Time that a connector has for an answer, where its protocol asks one question after another.
    pub answers: AnswerTimes,
    /// A source that has sent nothing for so long is asked to end, and the run ends well.
    pub until_idle: Option<Duration>,
    /// A source that has sent so many records is asked to end, and the run ends well.
    pub max_records: Option<u64>,
    /// Lines that look like records and cannot be read.
    pub unreadable_records: UnreadableRecords,
    /// Records read that are not accounted for (P6).
    pub count_mismatch: CountMismatch,
    /// Records that a destination rejects.
    pub rejected_records: RejectedRecords,
    /// Which way records go between two connectors of Airbyte that both have sockets. `None`: direct where that is
    /// possible.
    pub route: Option<Route>,
    /// Whether some records are held against the schemas of their streams.
    pub schema_check: SchemaCheck,
    /// What becomes of changes of the source's schema.
    pub schema_changes: SchemaChanges,
    /// Whether a stream that gets new columns is read anew.
    pub backfill: bool,
    /// How a stream is refreshed that names no mode, and whoever asks for it neither.
    pub refresh: RefreshMode,
    /// How often a run that failed is tried again.
    pub retries: Retries,
    /// The file that keeps the state. `None`: the caller's default. The same for all pipelines
    /// of a plan.
    pub store: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        let limits = Limits::default();
        Self {
            memory_budget: 256 << 20,
            max_line_bytes: limits.max_line_bytes,
            grace: limits.grace,
            command_timeout: limits.command_timeout,
            source_silence: Duration::from_secs(3 * HOUR),
            destination_silence: Duration::from_secs(2 * HOUR),
            // Some destinations return checkpoints only at their end.
            checkpoint_silence: Duration::from_secs(24 * HOUR),
            finish_timeout: limits.finish_timeout,
            commit_interval: Duration::from_millis(200),
            mode: Mode::Sync,
            resume: true,
            answers: limits.answers,
            until_idle: None,
            max_records: None,
            unreadable_records: UnreadableRecords::Fail,
            count_mismatch: CountMismatch::Fail,
            rejected_records: RejectedRecords::Fail,
            route: None,
            schema_check: SchemaCheck::Sampled,
            schema_changes: SchemaChanges::PropagateFully,
            backfill: false,
            refresh: RefreshMode::Merge,
            retries: Retries::default(),
            store: None,
        }
    }
}

impl Settings {
    /// The part that connectors' host sides keep.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_line_bytes: self.max_line_bytes,
            command_timeout: self.command_timeout,
            grace: self.grace,
            finish_timeout: self.finish_timeout,
            answers: self.answers,
            drop_unreadable_records: self.unreadable_records == UnreadableRecords::Drop,
        }
    }
}

/// What a run does with a source that polls, such as DataFlow's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The run ends when there is nothing new.
    #[default]
    Sync,
    /// It goes on asking until it is stopped.
    Stream,
}

/// What to do with a line that looks like a record and cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnreadableRecords {
    /// The run fails.
    #[default]
    Fail,
    /// The line is dropped and counted.
    Drop,
}

/// What to do when the records read are not the records accounted for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CountMismatch {
    /// The run fails.
    #[default]
    Fail,
    /// The run goes on and says so.
    Warn,
}

/// What to do when a destination rejects records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectedRecords {
    /// The run fails.
    #[default]
    Fail,
    /// The run goes on; the records are lost and counted.
    Allow,
}

/// Which way records go between two connectors of Airbyte that both have sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// From the source straight to the destination. A run for which that is not possible fails.
    Direct,
    /// Through Crossdock, which sees them.
    Through,
}

/// Whether some records are held against the schemas of their streams. None is ever refused for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaCheck {
    /// The first hundred of each stream and then one of a thousand; the summary tells what does not fit.
    #[default]
    Sampled,
    /// No record is looked at.
    Off,
}

/// What becomes of changes of the source's schema (Airbyte §3.12).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SchemaChanges {
    /// Streams go on with the fields that they had, and new ones are not moved.
    Ignore,
    /// Nothing is moved until somebody has accepted the change.
    Pause,
    /// Fields flow as they are now; new streams are not moved.
    PropagateColumns,
    /// Everything flows as it is now.
    #[default]
    PropagateFully,
}

/// How often a run that failed is tried again. A failure is complete where nothing was committed,
/// and partial otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    /// Complete failures in a row that end the run.
    pub complete_failures: u32,
    /// Complete failures in total that end the run.
    pub complete_failures_total: u32,
    /// Partial failures in a row that end the run.
    pub partial_failures: u32,
    /// Partial failures in total that end the run.
    pub partial_failures_total: u32,
    /// The wait after the first complete failure.
    pub backoff: Duration,
    /// Each further wait is this many times longer.
    pub backoff_factor: u32,
    /// The longest wait.
    pub backoff_max: Duration,
    /// An attempt that went so long and committed something makes earlier failures forgotten.
    pub window: Duration,
    /// The user has named a number of failures that ends the run. If not, a source without an end is
    /// tried for ever once it has moved something.
    pub is_counted: bool,
    /// No number of failures ends the run, unless it is asked to end by itself; each is waited for.
    pub is_endless: bool,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            complete_failures: 3,
            complete_failures_total: 5,
            partial_failures: 10,
            partial_failures_total: 20,
            backoff: Duration::from_secs(10),
            backoff_factor: 3,
            backoff_max: Duration::from_secs(30 * 60),
            window: Duration::from_secs(5 * 60),
            is_counted: false,
            is_endless: false,
        }
    }
}
