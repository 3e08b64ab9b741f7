//! What a run did, for people and for `--json`.

use std::collections::HashMap;
use std::time::Duration;

use crossdock_config::Pipeline;
use crossdock_core::error::Error;
use crossdock_core::event::StreamStatus;
use crossdock_core::statistics::RunStatistics;
use crossdock_core::store::{RunEnd, RunKind, RunStatus, StreamCounts};
use crossdock_core::stream::StreamId;
use crossdock_engine::Report;

use crate::schema_check::SchemaFindings;
use crate::schema_review::StreamChange;

/// What one stream did.
#[derive(Clone, Debug)]
pub struct StreamSummary {
    /// The counts, over all attempts.
    pub counts: StreamCounts,
    /// The last status that the source gave.
    pub status: Option<StreamStatus>,
    /// Why records were left out.
    pub drops: Vec<(&'static str, u64)>,
    /// Why the stream failed.
    pub failure: Option<String>,
    /// What a look at some records has shown, if they are not as announced.
    pub schema: Option<SchemaFindings>,
}

/// What a run did.
#[derive(Debug)]
pub struct Summary {
    /// The pipeline.
    pub pipeline: String,
    /// What it was for.
    pub kind: RunKind,
    /// The number of the last attempt's run in the store.
    pub run: i64,
    /// Attempts made.
    pub attempts: u32,
    /// Time of all attempts, without the waits between them.
    pub elapsed: Duration,
    /// The streams in the order of the catalog.
    pub streams: Vec<StreamSummary>,
    /// Estimates, and the life of states, over all attempts.
    pub statistics: RunStatistics,
    /// How the source's catalog differs from that of the last run.
    pub schema_changes: Vec<StreamChange>,
    /// Records that were left out and belong to no stream that could be told.
    pub unattributed: Vec<(&'static str, u64)>,
    /// What is wrong but was allowed.
    pub warnings: Vec<Error>,
    /// Somebody wanted the end.
    pub cancelled: bool,
    /// Why it failed.
    pub error: Option<Error>,
    /// Whether the last attempt committed anything.
    pub(crate) committed_something: bool,
}

impl Summary {
    pub(crate) fn new(
        pipeline: &Pipeline,
        run: i64,
        report: Report,
        mask: impl Fn(Error) -> Error,
    ) -> Self {
        let Report {
            outcome,
            elapsed,
            drops,
            statuses,
            statistics,
            untidy,
        } = report;
        let committed_something = outcome
            .streams
            .iter()
            .any(|s| s.checkpoints > 0 && s.committed > 0);
        let mut reasons: HashMap<Option<StreamId>, Vec<_>> = HashMap::new();
        for ((stream, reason), count) in drops {
            reasons.entry(stream).or_default().push((reason, count));
        }
        let mut reasons_of =
            |stream: Option<&StreamId>| reasons.remove(&stream.cloned()).unwrap_or_default();
        let mut failures: HashMap<StreamId, Error> = HashMap::new();
        for (stream, error) in outcome.stream_failures {
            // The first is the cause of those that follow.
            failures.entry(stream).or_insert_with(|| mask(error));
        }
        let streams = outcome
            .streams
            .into_iter()
            .map(|counts| StreamSummary {
                status: statuses.get(&counts.stream).copied(),
                drops: reasons_of(Some(&counts.stream)),
                failure: failures
                    .get(&counts.stream)
                    .map(|error| error.message().to_owned()),
                schema: None,
                counts,
            })
            .collect();
        Self {
            pipeline: pipeline.id.clone(),
            kind: RunKind::Sync,
            run,
            attempts: 1,
            elapsed,
            streams,
            statistics,
            schema_changes: Vec::new(),
            unattributed: reasons_of(None),
            warnings: outcome
                .warnings
                .into_iter()
                .chain(untidy)
                .map(&mask)
                .collect(),
            cancelled: outcome.cancelled,
            error: outcome.error.map(&mask),
            committed_something,
        }
    }

    /// A run that had nothing to read.
    pub(crate) fn nothing(pipeline: &Pipeline, run: i64) -> Self {
        Self {
            pipeline: pipeline.id.clone(),
            kind: RunKind::Sync,
            run,
            attempts: 1,
            elapsed: Duration::ZERO,
            streams: Vec::new(),
            statistics: RunStatistics::default(),
            schema_changes: Vec::new(),
            unattributed: Vec::new(),
            warnings: Vec::new(),
            cancelled: false,
            error: None,
            committed_something: false,
        }
    }

    /// The failure, if there was one that another attempt may mend. A cancelled run is not tried
    /// again.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        if self.cancelled {
            None
        } else {
            self.error.take()
        }
    }

    /// Adds what earlier attempts did: what they committed is there, what they read beyond that was
    /// read again.
    pub(crate) fn add_earlier(&mut self, earlier: &Self) {
        self.attempts += earlier.attempts;
        if self.schema_changes.is_empty() {
            // What one attempt took is agreed on for the next.
            self.schema_changes.clone_from(&earlier.schema_changes);
        }
        self.elapsed += earlier.elapsed;
        let statistics = &earlier.statistics;
        let earlier: HashMap<_, _> = earlier
            .streams
            .iter()
            .map(|s| (&s.counts.stream, s))
            .collect();
        for stream in &mut self.streams {
            let Some(before) = earlier.get(&stream.counts.stream) else {
                continue;
            };
            stream.counts.add(&before.counts);
            if let Some(found) = &before.schema {
                stream.schema.get_or_insert_default().add(found.clone());
            }
        }
        self.statistics.add_earlier(statistics);
    }

    /// Records read in all.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.streams.iter().map(|s| s.counts.read).sum()
    }

    /// Bytes read in all.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.streams.iter().map(|s| s.counts.bytes).sum()
    }

    /// How it ended.
    #[must_use]
    pub fn status(&self) -> RunStatus {
        match (&self.error, self.cancelled) {
            (Some(_), _) => RunStatus::Failed,
            (None, true) => RunStatus::Cancelled,
            (None, false) => RunStatus::Succeeded,
        }
    }

    pub(crate) fn run_end(&self) -> RunEnd {
        RunEnd {
            status: self.status(),
            error: self
                .error
                .as_ref()
                .map(|e| (e.code().name.to_owned(), in_one_line(e))),
            error_kind: self.error.as_ref().map(Error::kind),
            streams: self.streams.iter().map(|s| s.counts.clone()).collect(),
            statistics: Some(self.statistics.clone()),
        }
    }
}

/// An error's message and where it happened, for a list of runs.
pub(super) fn in_one_line(error: &Error) -> String {
    let mut context = error
        .context()
        .iter()
        .map(|(key, value)| format!("{key}: {value}"));
    match context.next() {
        None => error.message().to_owned(),
        Some(first) => {
            let context = context.fold(first, |all, one| format!("{all}, {one}"));
            format!("{} ({context})", error.message())
        }
    }
}
