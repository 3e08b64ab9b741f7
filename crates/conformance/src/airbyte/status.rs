//! `read`: what it says of the progress of its streams.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::records::stream_of;
use super::subject::{Mode, Stream, Subject, id_of};
use super::{Exchange, Message};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "status/told" Should "AirbyteStreamStatusTraceMessage" "every stream is told to be STARTED and then COMPLETE"
    "a stream without COMPLETE is taken for unfinished by newer destinations" told;
    "status/order" Must "AirbyteStreamStatusTraceMessage" "a stream's statuses come in their order, and none after its end"
    "STARTED, RUNNING, then COMPLETE or INCOMPLETE" order;
    "status/around-records" Must "AirbyteStreamStatusTraceMessage" "records come between their stream's STARTED and its end"
    "rows after COMPLETE are lost to destinations that replace a table at it" around_records;
    "status/unknown-stream" Must "AirbyteStreamStatusTraceMessage" "a stream that the source does not have is not told to be COMPLETE"
    "fail, or say INCOMPLETE; the user would lose the table otherwise" unknown_stream;
    "status/no-stream" Should "ConfiguredAirbyteCatalog" "a read of no stream brings no record"
    "end with exit code 0" no_stream;
}

/// The statuses, each with its stream.
fn statuses(exchange: &Exchange) -> impl Iterator<Item = ((String, Option<String>), &Message)> {
    let traces = exchange.of("TRACE");
    let statuses = traces.filter(|trace| trace.text("/type") == "STREAM_STATUS");
    statuses.map(|trace| {
        (
            id_of(&trace.body["stream_status"]["stream_descriptor"]),
            trace,
        )
    })
}

fn word(trace: &Message) -> &str {
    trace.text("/stream_status/status")
}

async fn told(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    for stream in it.streams().await? {
        for wanted in ["STARTED", "COMPLETE"] {
            let mut of = statuses(&exchange).filter(|(id, _)| *id == stream.id());
            if !of.any(|(_, trace)| word(trace) == wanted) {
                let seen = format!("stream `{}` is not told to be {wanted}", stream.name());
                return broken(seen, exchange.shown(None));
            }
        }
    }
    Ok(())
}

fn rank(word: &str) -> Option<u8> {
    Some(match word {
        "STARTED" => 0,
        "RUNNING" => 1,
        "COMPLETE" | "INCOMPLETE" => 2,
        _ => return None,
    })
}

async fn order(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    let mut seen: BTreeMap<_, u8> = BTreeMap::new();
    for (stream, trace) in statuses(&exchange) {
        let fault = match (rank(word(trace)), seen.get(&stream)) {
            (None, _) => Some(format!("an unknown status `{}`", word(trace))),
            (Some(_), Some(2)) => Some(format!("{} after the end", word(trace))),
            (Some(now), Some(before)) if now < *before => Some("an earlier status".to_owned()),
            (Some(now), _) => {
                seen.insert(stream.clone(), now);
                None
            }
        };
        if let Some(fault) = fault {
            let seen = format!("stream `{}`: {fault}", stream.0);
            return broken(seen, exchange.shown(Some(trace.line)));
        }
    }
    match seen.is_empty() {
        true => skip("no status is told"),
        false => Ok(()),
    }
}

async fn around_records(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    let mut began = BTreeMap::new();
    let mut ended = BTreeMap::new();
    for (stream, trace) in statuses(&exchange) {
        match rank(word(trace)) {
            Some(0) => drop(began.entry(stream).or_insert(trace.line)),
            Some(2) => drop(ended.insert(stream, trace.line)),
            _ => {}
        }
    }
    if began.is_empty() {
        return skip("no status is told");
    }
    for record in exchange.of("RECORD") {
        let stream = stream_of(record);
        let early = began.get(&stream).is_some_and(|line| record.line < *line);
        let late = ended.get(&stream).is_some_and(|line| record.line > *line);
        if early || late {
            let seen = format!(
                "a record of `{}` {}",
                stream.0,
                if early {
                    "before STARTED"
                } else {
                    "after the end"
                }
            );
            return broken(seen, exchange.shown(Some(record.line)));
        }
    }
    Ok(())
}

/// No source has it.
const NOBODYS: &str = "crossdock_conformance_nobodys_stream";

async fn unknown_stream(it: &Subject) -> Outcome {
    let stream = Stream(json!({
        "name": NOBODYS,
        "json_schema": {"type": "object", "properties": {"id": {"type": "integer"}}},
        "supported_sync_modes": ["full_refresh"],
    }));
    let exchange = it.exchange(it.read(&[stream], Mode::FullRefresh)?).await?;
    let complete =
        statuses(&exchange).find(|(id, trace)| id.0 == NOBODYS && word(trace) == "COMPLETE");
    match complete {
        Some((_, trace)) => broken(
            "it is told to be COMPLETE",
            exchange.shown(Some(trace.line)),
        ),
        None => Ok(()),
    }
}

async fn no_stream(it: &Subject) -> Outcome {
    let exchange = it.exchange(it.read(&[], Mode::FullRefresh)?).await?;
    match exchange.of("RECORD").next() {
        Some(record) => broken("a record came", exchange.shown(Some(record.line))),
        None => Ok(()),
    }
}

/// Whether a stream is told to be complete.
pub(super) fn completed(exchange: &Exchange) -> BTreeMap<(String, Option<String>), usize> {
    let complete = statuses(exchange).filter(|(_, trace)| word(trace) == "COMPLETE");
    complete
        .map(|(stream, trace)| (stream, trace.line))
        .collect()
}

/// A descriptor as it stands in messages.
pub(super) fn descriptor(stream: &Stream) -> Value {
    let (name, namespace) = stream.id();
    match namespace {
        Some(namespace) => json!({"name": name, "namespace": namespace}),
        None => json!({"name": name}),
    }
}
