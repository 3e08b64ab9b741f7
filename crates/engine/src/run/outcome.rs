//! What is said of a run at its end.

use crossdock_core::code;
use crossdock_core::error::Error;
use crossdock_core::store::StreamCounts;
use crossdock_core::stream::StreamId;

use crate::ledger::Ledger;

pub(super) fn rejected(streams: &[StreamCounts]) -> Option<Error> {
    let stream = streams.iter().find(|s| s.rejected > 0)?;
    Some(
        Error::new(
            &code::REJECTED_RECORDS,
            format!("the destination rejected {} records", stream.rejected),
        )
        .with("stream", &stream.stream),
    )
}

/// P6: the books must balance, ours among themselves and ours with the source's.
pub(super) fn mismatch<C>(ledger: &Ledger<C>, streams: &[StreamCounts]) -> Option<Error> {
    if let Some(s) = streams.iter().find(|s| s.read != s.accounted()) {
        return Some(
            Error::new(
                &code::COUNT_MISMATCH,
                format!(
                    "{} records were read and {} are accounted for",
                    s.read,
                    s.accounted()
                ),
            )
            .with("stream", &s.stream),
        );
    }
    let m = ledger.mismatches().first()?;
    Some(
        Error::new(
            &code::COUNT_MISMATCH,
            format!(
                "the source says that it sent {} records before a checkpoint, and {} arrived",
                m.source, m.counted
            ),
        )
        .with("stream", &m.lane)
        .hint("records may have been lost on the way, or the source counts wrongly; `settings.count_mismatch: warn` goes on"),
    )
}

pub(super) fn stream_failure(failures: &[(StreamId, Error)]) -> Error {
    let (stream, first) = &failures[0];
    if failures.len() == 1 {
        return of_one_stream(stream, first);
    }
    let mut error = Error::new(
        &code::STREAM_FAILED,
        format!("stream {stream}: {}", first.message()),
    )
    .with_kind(first.kind());
    for (stream, failure) in &failures[1..] {
        error = error.with("also failed", format!("{stream}: {}", failure.message()));
    }
    error
}

/// The error of the only stream that failed, as the run's own: nothing is gained by a word about it.
fn of_one_stream(stream: &StreamId, error: &Error) -> Error {
    let mut own = Error::new(error.code(), error.message())
        .with_kind(error.kind())
        .hint(error.remedy());
    let is_named = error.context().iter().any(|(key, _)| *key == "stream");
    if !is_named {
        own = own.with("stream", stream);
    }
    for (key, value) in error.context() {
        own = own.with(key, value);
    }
    let causes = error.causes();
    if causes.is_empty() {
        own
    } else {
        own.caused_by(causes.join(": "))
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The first cause of a failure.
    pub error: Option<Error>,
    /// Somebody wanted the end.
    pub cancelled: bool,
    /// What is wrong but was allowed.
    pub warnings: Vec<Error>,
    /// The streams that failed.
    pub stream_failures: Vec<(StreamId, Error)>,
    /// The counts of every stream (P6).
    pub streams: Vec<StreamCounts>,
}
