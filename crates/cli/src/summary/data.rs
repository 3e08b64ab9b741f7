//! A summary for programs. The keys are API: they stay.

use std::collections::HashMap;

use crossdock_control::{SchemaFindings, StreamSummary, Summary};
use crossdock_core::statistics::Statistics;
use crossdock_core::store::StreamCounts;
use crossdock_core::{Error, StreamStatus};
use serde_json::{Map, Value, json};

use crate::envelope::error_value;

/// The data of a run.
pub(crate) fn data(summary: &Summary) -> Value {
    json!({
        "pipeline": summary.pipeline,
        "run": summary.run,
        "kind": summary.kind.as_str(),
        "status": summary.status().as_str(),
        "attempts": summary.attempts,
        "elapsed_ms": u64::try_from(summary.elapsed.as_millis()).unwrap_or(u64::MAX),
        "records": summary.records(),
        "bytes": summary.bytes(),
        "statistics": statistics(&summary.statistics.total),
        "streams": streams(summary),
        "schema_changes": summary.schema_changes,
        "dropped_without_stream": drops(&summary.unattributed),
        "warnings": summary.warnings.iter().map(error_value).collect::<Vec<_>>(),
        "error": summary.error.as_ref().map(error_value),
    })
}

/// The data of a run that could not begin.
pub(crate) fn failed_data(pipeline: &str, error: &Error) -> Value {
    json!({"pipeline": pipeline, "status": "failed", "error": error_value(error)})
}

fn streams(summary: &Summary) -> Vec<Value> {
    let by_stream: HashMap<_, _> = summary
        .statistics
        .streams
        .iter()
        .map(|one| (&one.stream, &one.of))
        .collect();
    let streams = summary.streams.iter();
    streams
        .map(|one| stream(one, by_stream.get(&one.counts.stream).copied()))
        .collect()
}

fn stream(stream: &StreamSummary, of: Option<&Statistics>) -> Value {
    let mut data = counts(&stream.counts);
    data.insert("statistics".to_owned(), of.map(statistics).into());
    data.insert("status".to_owned(), stream.status.map(status).into());
    data.insert("drops".to_owned(), drops(&stream.drops).into());
    data.insert("failure".to_owned(), stream.failure.clone().into());
    if let Some(found) = &stream.schema {
        data.insert("schema".to_owned(), misfits(found));
    }
    data.into()
}

/// Only of streams with records that are not as announced.
fn misfits(found: &SchemaFindings) -> Value {
    let fault = |(record, fault): &(u64, String)| json!({"record": record, "fault": fault});
    json!({
        "checked": found.checked,
        "failing": found.failing,
        "faults": found.faults.iter().map(fault).collect::<Vec<_>>(),
        "unexpected": found.unexpected,
    })
}

/// A stream and its counts, the same wherever they are told.
pub(crate) fn counts(counts: &StreamCounts) -> Map<String, Value> {
    let counts = json!({
        "stream": counts.stream.name,
        "namespace": counts.stream.namespace,
        "records": counts.read,
        "bytes": counts.bytes,
        "written": counts.written,
        "filtered": counts.filtered,
        "dead_lettered": counts.dead_lettered,
        "rejected": counts.rejected,
        "dropped": counts.dropped,
        "accounted": counts.accounted(),
        "committed": counts.committed,
        "checkpoints": counts.checkpoints,
    });
    match counts {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// What is kept of a stream or a run beside its counts, the same wherever it is told.
pub(crate) fn statistics(of: &Statistics) -> Value {
    json!({
        "estimated_records": of.estimated_records,
        "estimated_bytes": of.estimated_bytes,
        "committed_bytes": of.committed_bytes,
        "source_states": of.source_states,
        "destination_states": of.destination_states,
        "max_seconds_between_states": of.between_states.max_seconds(),
        "mean_seconds_between_states": of.between_states.mean_seconds(),
        "max_seconds_until_committed": of.until_committed.max_seconds(),
        "mean_seconds_until_committed": of.until_committed.mean_seconds(),
    })
}

fn drops(drops: &[(&'static str, u64)]) -> Vec<Value> {
    drops
        .iter()
        .map(|(reason, records)| json!({"reason": reason, "records": records}))
        .collect()
}

fn status(status: StreamStatus) -> &'static str {
    match status {
        StreamStatus::Started => "started",
        StreamStatus::Running => "running",
        StreamStatus::RateLimited { .. } => "rate_limited",
        StreamStatus::Complete => "complete",
        StreamStatus::Incomplete => "incomplete",
    }
}
