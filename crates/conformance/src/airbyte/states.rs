//! `read`: the states, and what they cover.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::records::{some, stream_of};
use super::status::completed;
use super::subject::{Subject, id_of};
use super::{Exchange, Message};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "state/there" Must "AirbyteStateMessage" "an incremental read of records brings a state for their stream, or one for all"
    "without one every read is from the beginning" there;
    "state/shape" Must "AirbyteStateMessage" "every state has a known type, and what its type needs"
    "STREAM: a descriptor and an object as stream_state; GLOBAL: stream_states" shape;
    "state/one-kind" Must "AirbyteStateMessage, type" "a read has states of one type"
    "platforms fail on a mix of STREAM and GLOBAL" one_kind;
    "state/covers-all" Must "Airbyte Protocol, state and checkpointing" "a state follows the last record of each stream"
    "emit a final state; the rows after the last one are read again each time" covers_all;
    "state/before-complete" Should "AirbyteStreamStatusTraceMessage" "COMPLETE comes after the state that covers the last record"
    "emit the final state first" before_complete;
    "state/counts" Should "AirbyteStateStats, recordCount" "every state says how many records it covers"
    "sourceStats.recordCount, by which platforms find lost rows" counts;
    "state/counts-right" Must "AirbyteStateStats, recordCount" "the count of a state is that of the records since the state before"
    "of the same stream for STREAM, of all for GLOBAL; platforms report a difference as lost rows" counts_right;
    "state/configured-streams" Must "AirbyteStateMessage" "every state is of a stream in the catalog"
    "by name and namespace" configured_streams;
}

/// The streams that a state is of; all for a global one.
pub(super) fn covered(state: &Message) -> Vec<(String, Option<String>)> {
    let descriptors: Vec<&Value> = match state.text("/type") {
        "GLOBAL" => {
            let states = state.body["global"]["stream_states"].as_array();
            states
                .into_iter()
                .flatten()
                .map(|state| &state["stream_descriptor"])
                .collect()
        }
        _ => vec![&state.body["stream"]["stream_descriptor"]],
    };
    descriptors
        .into_iter()
        .filter(|of| of.is_object())
        .map(id_of)
        .collect()
}

pub(super) fn is_global(state: &Message) -> bool {
    matches!(state.text("/type"), "GLOBAL" | "LEGACY" | "")
}

/// The last line of records of each stream, and of all.
fn last_records(exchange: &Exchange) -> BTreeMap<(String, Option<String>), usize> {
    exchange
        .of("RECORD")
        .map(|record| (stream_of(record), record.line))
        .collect()
}

/// The last state that covers a stream.
fn last_state(exchange: &Exchange, stream: &(String, Option<String>)) -> Option<usize> {
    let states = exchange.of("STATE");
    let of = states.filter(|state| is_global(state) || covered(state).contains(stream));
    of.last().map(|state| state.line)
}

async fn there(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    some(&exchange, "RECORD")?;
    for stream in last_records(&exchange).keys() {
        if last_state(&exchange, stream).is_none() {
            return broken(
                format!("there is none for `{}`", stream.0),
                exchange.shown(None),
            );
        }
    }
    Ok(())
}

async fn shape(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    for state in exchange.of("STATE") {
        let fault = match state.text("/type") {
            "STREAM" => of_stream(&state.body["stream"]),
            "GLOBAL" => {
                let states = state.body["global"]["stream_states"].as_array();
                match states {
                    None => Some("a GLOBAL state without stream_states".to_owned()),
                    Some(states) => states.iter().find_map(of_stream),
                }
            }
            "LEGACY" | "" if state.body["data"].is_object() => None,
            "LEGACY" | "" => Some("a LEGACY state without data".to_owned()),
            other => Some(format!("a state of type `{other}`")),
        };
        if let Some(fault) = fault {
            return broken(fault, exchange.shown(Some(state.line)));
        }
    }
    Ok(())
}

fn of_stream(state: &Value) -> Option<String> {
    if !state["stream_descriptor"]["name"].is_string() {
        return Some("a state without a descriptor".to_owned());
    }
    let own = state.get("stream_state");
    let right = own.is_none_or(|own| own.is_object() || own.is_null());
    (!right).then(|| "a stream_state that is no object".to_owned())
}

async fn one_kind(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    let kinds: BTreeSet<&str> = exchange
        .of("STATE")
        .map(|state| state.text("/type"))
        .collect();
    match kinds.len() {
        1 => Ok(()),
        _ => broken(format!("{kinds:?}"), exchange.shown(None)),
    }
}

async fn covers_all(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    for (stream, record) in last_records(&exchange) {
        if last_state(&exchange, &stream).is_none_or(|state| state < record) {
            let seen = format!("the last record of `{}` is covered by no state", stream.0);
            return broken(seen, exchange.shown(Some(record)));
        }
    }
    Ok(())
}

async fn before_complete(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    let records = last_records(&exchange);
    let completed = completed(&exchange);
    if completed.is_empty() {
        return skip("no stream is told to be COMPLETE");
    }
    for (stream, complete) in completed {
        let Some(record) = records.get(&stream) else {
            continue;
        };
        let mut covering = exchange.of("STATE").filter(|state| {
            (*record..complete).contains(&state.line)
                && (is_global(state) || covered(state).contains(&stream))
        });
        if covering.next().is_none() {
            let seen = format!("`{}` is COMPLETE before its last state", stream.0);
            return broken(seen, exchange.shown(Some(complete)));
        }
    }
    Ok(())
}

fn count(state: &Message) -> Option<f64> {
    state.body.pointer("/sourceStats/recordCount")?.as_f64()
}

async fn counts(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    match exchange.of("STATE").find(|state| count(state).is_none()) {
        Some(state) => broken(
            "a state without recordCount",
            exchange.shown(Some(state.line)),
        ),
        None => Ok(()),
    }
}

async fn counts_right(it: &Subject) -> Outcome {
    let (_, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    let mut since: BTreeMap<(String, Option<String>), u64> = BTreeMap::new();
    for message in exchange.messages() {
        match message.kind.as_str() {
            "RECORD" => *since.entry(stream_of(message)).or_default() += 1,
            "STATE" => {
                let is = match is_global(message) {
                    true => std::mem::take(&mut since).into_values().sum(),
                    false => {
                        let mut is = 0;
                        for stream in covered(message) {
                            is += since.remove(&stream).unwrap_or_default();
                        }
                        is
                    }
                };
                if let Some(said) = count(message).filter(|said| *said != is as f64) {
                    let seen = format!("a state says {said} records, and {is} came");
                    return broken(seen, exchange.shown(Some(message.line)));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

async fn configured_streams(it: &Subject) -> Outcome {
    let (streams, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    for state in exchange.of("STATE") {
        let unknown = covered(state)
            .into_iter()
            .find(|id| !streams.iter().any(|s| s.id() == *id));
        if let Some(unknown) = unknown {
            return broken(
                format!("a state of {unknown:?}"),
                exchange.shown(Some(state.line)),
            );
        }
    }
    Ok(())
}
