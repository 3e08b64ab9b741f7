//! What webhooks are told of a run (Airbyte §3.13). Pure: somebody else sends it.

use crossdock_config::{Connector, Notification, Occasion, Pipeline};
use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};
use crossdock_core::store::RunKind;
use serde_json::{Value, json};

use crate::run::Summary;

/// A run as webhooks are told of it.
#[derive(Clone, Copy, Debug)]
pub struct Told<'p, 'r> {
    /// Its pipeline.
    pub pipeline: &'p Pipeline,
    /// What it did. `None`: it could not even begin.
    pub summary: Option<&'r Summary>,
    /// Why it failed, masked.
    pub error: Option<&'r Error>,
    /// When it began, ms since the epoch.
    pub started_at: i64,
    /// When it ended, ms since the epoch.
    pub finished_at: i64,
}

/// The messages to send, each with where it goes.
#[must_use]
pub fn messages<'p>(told: &Told<'p, '_>) -> Vec<(&'p Notification, Value)> {
    let occasions = occasions(told);
    let mut messages = Vec::new();
    for notification in &told.pipeline.notifications {
        let wanted = occasions.iter().filter(|one| notification.on.contains(one));
        // A failure is told once, by the word that says most.
        let limit = if told.error.is_some() { 1 } else { usize::MAX };
        for occasion in wanted.take(limit) {
            messages.push((notification, body(told, *occasion)));
        }
    }
    messages
}

/// What a run is an occasion of, the gravest first. One that somebody ended is none.
fn occasions(told: &Told<'_, '_>) -> Vec<Occasion> {
    let is_cancelled = told.summary.is_some_and(|summary| summary.cancelled);
    match told.error {
        Some(error) if error.kind() == ErrorKind::Cancelled => Vec::new(),
        Some(error) if *error.code() == code::SCHEMA_CHANGED => {
            vec![
                Occasion::ConnectionUpdateActionRequired,
                Occasion::SyncFailure,
            ]
        }
        Some(_) => vec![Occasion::SyncFailure],
        None if is_cancelled => Vec::new(),
        None => {
            let has_changed = told
                .summary
                .is_some_and(|one| !one.schema_changes.is_empty());
            let changed = has_changed.then_some(Occasion::ConnectionUpdate);
            changed.into_iter().chain([Occasion::SyncSuccess]).collect()
        }
    }
}

fn body(told: &Told<'_, '_>, occasion: Occasion) -> Value {
    let Told {
        pipeline,
        summary,
        error,
        ..
    } = told;
    let sum = |of: fn(&crossdock_core::store::StreamCounts) -> u64| {
        summary.map_or(0, |s| {
            s.streams
                .iter()
                .map(|stream| of(&stream.counts))
                .sum::<u64>()
        })
    };
    let seconds = told.finished_at.saturating_sub(told.started_at).max(0) / 1000;
    let destinations: Vec<Value> = pipeline.destinations.iter().map(connector).collect();
    let id = &pipeline.id;
    json!({
        "text": text(told, occasion, seconds),
        "data": {
            "event": occasion.as_str(),
            "workspace": named(None, None),
            "connection": named(Some(id), Some(id)),
            "source": pipeline.sources.first().map(connector),
            "destination": destinations.first(),
            "destinations": destinations,
            "jobId": summary.map(|summary| summary.run),
            "startedAt": moment(told.started_at),
            "finishedAt": moment(told.finished_at),
            "bytesEmitted": summary.map_or(0, Summary::bytes),
            "bytesCommitted": summary.map_or(0, |s| s.statistics.total.committed_bytes),
            "recordsEmitted": summary.map_or(0, Summary::records),
            "recordsCommitted": sum(|counts| counts.committed),
            "recordsFilteredOut": sum(|counts| counts.filtered),
            "errorMessage": error.map(Error::message),
            "errorCode": error.map(|error| error.code().name),
            "errorType": error.map(error_type),
            "errorOrigin": error.map(error_origin),
            "success": error.is_none(),
            "durationInSeconds": seconds,
            "durationFormatted": formatted(seconds),
            "schemaChanges": changes(told),
        },
    })
}

/// One line for people.
fn text(told: &Told<'_, '_>, occasion: Occasion, seconds: i64) -> String {
    let id = &told.pipeline.id;
    let took = formatted(seconds);
    let run = told
        .summary
        .map(|summary| format!(", run {}", summary.run))
        .unwrap_or_default();
    let what = match told.summary.map(|summary| summary.kind) {
        Some(RunKind::Clear) => "clear",
        _ => "sync",
    };
    match (occasion, told.error) {
        (Occasion::ConnectionUpdateActionRequired, _) => {
            let changes = changes(told).join("; ");
            format!(
                "{id} is paused, since the source's schema has changed: {changes}. `crossdock accept {id}` takes the changes"
            )
        }
        (Occasion::ConnectionUpdate, _) => {
            format!(
                "{id}: the source's schema has changed: {}",
                changes(told).join("; ")
            )
        }
        (_, Some(error)) => format!(
            "{id}: {what} failed after {took}{run}: {} [{}]",
            error.message(),
            error.code().name
        ),
        (_, None) => {
            let records = told.summary.map_or(0, Summary::records);
            format!("{id}: {what} succeeded in {took}{run}: {records} records")
        }
    }
}

/// The changes of the source's schema, in lines.
fn changes(told: &Told<'_, '_>) -> Vec<String> {
    let refused = told
        .error
        .filter(|error| *error.code() == code::SCHEMA_CHANGED);
    let refused = refused.map_or(&[][..], |error| error.context());
    let refused = refused
        .iter()
        .filter(|(key, _)| *key == "change")
        .map(|(_, line)| line.clone());
    let taken = told
        .summary
        .map_or(&[][..], |summary| &summary.schema_changes);
    refused
        .chain(taken.iter().flat_map(|change| change.lines()))
        .collect()
}

/// There are no pages to link to.
fn named(id: Option<&str>, name: Option<&str>) -> Value {
    json!({"id": id, "name": name, "url": null})
}

fn connector(connector: &Connector) -> Value {
    let reference = &connector.reference;
    let id = (!connector.id.is_empty()).then_some(connector.id.as_str());
    let name = reference.short_name();
    named(Some(id.unwrap_or(&name)), Some(&name))
}

/// The words of Airbyte's platform for why a sync failed (§3.5).
fn error_type(error: &Error) -> &'static str {
    let is = |one: &code::Code| error.code() == one;
    match error.kind() {
        _ if is(&code::SOURCE_SILENT) => "heartbeat_timeout",
        _ if is(&code::DESTINATION_STUCK) || is(&code::CHECKPOINT_NOT_RETURNED) => {
            "destination_timeout"
        }
        _ if is(&code::SCHEMA_CHANGED) => "refresh_schema",
        ErrorKind::Config | ErrorKind::Auth => "config_error",
        ErrorKind::Transient | ErrorKind::RateLimited => "transient_error",
        ErrorKind::Cancelled => "manual_cancellation",
        _ => "system_error",
    }
}

/// The side that the error names.
fn error_origin(error: &Error) -> &'static str {
    let names = |side: &str| error.context().iter().any(|(key, _)| *key == side);
    match () {
        () if names("source") => "source",
        () if names("destination") => "destination",
        () => "replication",
    }
}

fn moment(ms: i64) -> Option<String> {
    let moment = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(moment.to_string())
}

fn formatted(seconds: i64) -> String {
    let (hours, minutes, left) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{left} sec"),
        (0, _) => format!("{minutes} min {left} sec"),
        _ => format!("{hours} h {minutes} min {left} sec"),
    }
}

#[cfg(test)]
mod tests {
    use crossdock_config::{ConnectorRef, Plan, ProcessEnvironment, parse};

    use super::*;

    fn pipeline(on: &str) -> Pipeline {
        let text = format!(
            "version: 1\npipelines:\n- id: shop\n  source: {{connector: native:sample}}\n  destination: {{connector: native:parquet}}\n  notifications: [{{webhook: \"http://host/x\"{on}}}]\n"
        );
        let plan: Plan = parse(
            &text,
            "p.yaml",
            std::path::Path::new(""),
            &ProcessEnvironment,
        )
        .unwrap();
        plan.pipelines.into_iter().next().unwrap()
    }

    fn sent(pipeline: &Pipeline, summary: Option<&Summary>, error: Option<&Error>) -> Vec<Value> {
        let told = Told {
            pipeline,
            summary,
            error,
            started_at: 1_700_000_000_000,
            finished_at: 1_700_000_061_900,
        };
        messages(&told).into_iter().map(|(_, body)| body).collect()
    }

    const ALL: &str =
        ", on: [sync_success, sync_failure, connection_update, connection_update_action_required]";

    #[test]
    fn a_message_has_what_airbytes_platform_sends() {
        let pipeline = pipeline(ALL);
        let summary = Summary::nothing(&pipeline, 7);
        let sent = sent(&pipeline, Some(&summary), None);
        let [message] = sent.as_slice() else {
            panic!("{sent:?}");
        };
        assert_eq!(
            message["text"],
            "shop: sync succeeded in 1 min 1 sec, run 7: 0 records"
        );
        let data = &message["data"];
        assert_eq!(data["connection"]["id"], "shop");
        assert_eq!(
            data["source"]["name"],
            ConnectorRef::native("sample").short_name()
        );
        assert_eq!(
            (&data["jobId"], &data["success"]),
            (&json!(7), &json!(true))
        );
        assert_eq!(data["startedAt"], "2023-11-14T22:13:20Z");
        assert_eq!(
            (&data["durationInSeconds"], &data["errorMessage"]),
            (&json!(61), &Value::Null)
        );
        for key in [
            "finishedAt",
            "bytesEmitted",
            "bytesCommitted",
            "recordsEmitted",
            "recordsCommitted",
            "recordsFilteredOut",
            "errorType",
            "errorOrigin",
            "workspace",
            "destination",
            "durationFormatted",
        ] {
            assert!(data.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn who_hears_of_what() {
        let failure =
            Error::new(&code::CONNECTOR_FAILED, "it broke").with("source", "native:sample");
        let paused =
            Error::new(&code::SCHEMA_CHANGED, "it changed").with("change", "a: + b: string");
        let cancelled = Error::new(&code::CANCELLED, "cancelled");
        let check = |on: &str, error: Option<&Error>, expected: &[&str]| {
            let pipeline = pipeline(on);
            let summary = Summary::nothing(&pipeline, 7);
            let sent = sent(&pipeline, error.is_none().then_some(&summary), error);
            let events: Vec<_> = sent
                .iter()
                .map(|m| m["data"]["event"].as_str().unwrap())
                .collect();
            assert_eq!(events, expected, "{on} {error:?}");
        };
        check("", None, &[]);
        check("", Some(&failure), &["sync_failure"]);
        check("", Some(&paused), &["connection_update_action_required"]);
        check(ALL, Some(&paused), &["connection_update_action_required"]);
        check(", on: [sync_failure]", Some(&paused), &["sync_failure"]);
        check(", on: [sync_success]", Some(&failure), &[]);
        check(ALL, Some(&cancelled), &[]);
        let pipeline = pipeline(ALL);
        let mut ended = Summary::nothing(&pipeline, 7);
        ended.cancelled = true;
        assert_eq!(sent(&pipeline, Some(&ended), None), [] as [Value; 0]);
    }

    #[test]
    fn a_failure_is_told_in_the_platforms_words() {
        let pipeline = pipeline("");
        let check = |error: &Error, kind: &str, origin: &str| {
            let sent = sent(&pipeline, None, Some(error));
            let data = &sent[0]["data"];
            assert_eq!(
                (data["errorType"].as_str(), data["errorOrigin"].as_str()),
                (Some(kind), Some(origin))
            );
            assert_eq!(
                (&data["success"], &data["jobId"]),
                (&json!(false), &Value::Null)
            );
        };
        let error = |code| Error::new(code, "it broke");
        check(
            &error(&code::CONNECTOR_FAILED).with("source", "x"),
            "system_error",
            "source",
        );
        check(
            &error(&code::CONNECTOR_FAILED).with_kind(ErrorKind::Config),
            "config_error",
            "replication",
        );
        check(
            &error(&code::STORE_LOCKED),
            "transient_error",
            "replication",
        );
        check(
            &error(&code::SOURCE_SILENT),
            "heartbeat_timeout",
            "replication",
        );
        check(
            &error(&code::DESTINATION_STUCK).with("destination", 1),
            "destination_timeout",
            "destination",
        );
        check(
            &error(&code::SCHEMA_CHANGED),
            "refresh_schema",
            "replication",
        );
    }
}
