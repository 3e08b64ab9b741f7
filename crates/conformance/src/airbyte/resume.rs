//! `read --state`: going on where a read was.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::records::{identity, some};
use super::states::{covered, is_global};
use super::status::descriptor;
use super::subject::{Mode, Stream, Subject};
use super::{Exchange, Message, Until};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "resume/every-state" Must "Airbyte Protocol, state and checkpointing" "a read from any state brings every row that came after it"
    "emit a state only after all the records that it covers" every_state;
    "resume/last-state" Should "Airbyte Protocol, state and checkpointing" "a read from the last state brings less than a first one"
    "compare with the cursor of the state" last_state;
    "resume/killed" Must "Airbyte Protocol, state and checkpointing" "a read that is killed goes on from its last state, and no row is missing"
    "emit a state only after all the records that it covers" killed;
    "resume/no-state" Must "Airbyte Protocol, read --state" "an empty array of states is the beginning"
    "the same as without --state" no_state;
    "resume/unknown-stream" Must "Airbyte Protocol, read --state" "a state of a stream that is not read does no harm"
    "streams are selected and dropped again; ignore what is not in the catalog" unknown_stream;
    "resume/unknown-properties" Must "Airbyte Protocol, backward compatibility" "properties of a state that are not known do no harm"
    "platforms add some, such as `id`" unknown_properties;
    "resume/reset" Should "Airbyte Protocol, read --state" "a stream_state of null is the beginning of that stream"
    "streams are reset so" reset;
}

/// From how many states, and after how many kills, is gone on where some are enough.
const FEW: usize = 8;

/// The states that stand at some place, as a platform hands them over.
fn given(messages: &[Message], streams: &[Stream]) -> Vec<Value> {
    let states = messages.iter().filter(|message| message.kind == "STATE");
    let states: Vec<&Message> = states.collect();
    match states.last() {
        Some(last) if is_global(last) => vec![last.body.clone()],
        _ => {
            let latest = |stream: &Stream| {
                let mut of = states.iter().rev();
                of.find(|state| covered(state).contains(&stream.id()))
            };
            streams
                .iter()
                .filter_map(latest)
                .map(|state| state.body.clone())
                .collect()
        }
    }
}

/// Reads on from these states.
async fn from(it: &Subject, streams: &[Stream], states: &[Value]) -> Outcome<Arc<Exchange>> {
    let read = it.read(streams, Mode::Incremental)?;
    let exchange = it.exchange(read.file("state", &json!(states))).await?;
    match exchange.succeeded() {
        true => Ok(exchange),
        false => broken(
            format!("it fails: {}", exchange.ended()),
            exchange.shown(None),
        ),
    }
}

/// The incremental read from the beginning, which has states.
async fn first(it: &Subject) -> Outcome<(Vec<Stream>, Arc<Exchange>)> {
    let (streams, exchange) = it.incremental().await?;
    some(&exchange, "STATE")?;
    some(&exchange, "RECORD")?;
    Ok((streams, exchange))
}

fn rows(messages: &[Message], streams: &[Stream]) -> BTreeSet<String> {
    let records = messages.iter().filter(|message| message.kind == "RECORD");
    records.map(|record| identity(record, streams)).collect()
}

/// Every row of the whole read came before a place, or comes from there.
fn complete(whole: &Exchange, before: &[Message], after: &Exchange, streams: &[Stream]) -> Outcome {
    let mut seen = rows(before, streams);
    seen.extend(rows(after.messages(), streams));
    match rows(whole.messages(), streams).difference(&seen).next() {
        Some(missing) => broken(format!("a row is missing: {missing}"), after.shown(None)),
        None => Ok(()),
    }
}

async fn every_state(it: &Subject) -> Outcome {
    let (streams, whole) = first(it).await?;
    let messages = whole.messages();
    let states = messages.iter().enumerate();
    let states: Vec<usize> = states
        .filter(|(_, m)| m.kind == "STATE")
        .map(|(at, _)| at)
        .collect();
    for place in it.places.among(states.len(), FEW) {
        let before = &messages[..=states[place]];
        let after = from(it, &streams, &given(before, &streams)).await?;
        complete(&whole, before, &after, &streams)?;
    }
    Ok(())
}

async fn last_state(it: &Subject) -> Outcome {
    let (streams, whole) = first(it).await?;
    let after = from(it, &streams, &given(whole.messages(), &streams)).await?;
    let (first, then) = (whole.of("RECORD").count(), after.of("RECORD").count());
    match then < first {
        true => Ok(()),
        false => broken(format!("{first} records, then {then}"), after.shown(None)),
    }
}

async fn killed(it: &Subject) -> Outcome {
    let (streams, whole) = first(it).await?;
    for place in it.places.among(whole.lines.len(), FEW) {
        let read = it
            .read(&streams, Mode::Incremental)?
            .until(Until::Killed(place + 1));
        let cut = it.exchange(read).await?;
        let states = given(cut.messages(), &streams);
        let after = from(it, &streams, &states).await?;
        complete(&whole, cut.messages(), &after, &streams)?;
    }
    Ok(())
}

async fn no_state(it: &Subject) -> Outcome {
    let (streams, whole) = first(it).await?;
    let after = from(it, &streams, &[]).await?;
    complete(&whole, &[], &after, &streams)
}

/// A state of one stream.
fn state(descriptor: Value, own: Value) -> Value {
    json!({"type": "STREAM", "stream": {"stream_descriptor": descriptor, "stream_state": own}})
}

/// The states at the end of the first read, if they are of single streams.
async fn of_streams(it: &Subject) -> Outcome<(Vec<Stream>, Vec<Value>)> {
    let (streams, whole) = first(it).await?;
    if whole.of("STATE").any(is_global) {
        return skip("the states are of all streams together");
    }
    let given = given(whole.messages(), &streams);
    Ok((streams, given))
}

async fn unknown_stream(it: &Subject) -> Outcome {
    let (streams, mut states) = of_streams(it).await?;
    states.push(state(
        json!({"name": "crossdock_conformance_nobodys_stream"}),
        json!({"at": 1}),
    ));
    from(it, &streams, &states).await.map(drop)
}

async fn unknown_properties(it: &Subject) -> Outcome {
    let (streams, whole) = first(it).await?;
    let mut states = given(whole.messages(), &streams);
    for state in &mut states {
        let known = state
            .as_object_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        let mut more = Map::from_iter([("id".to_owned(), json!(7))]);
        more.extend(known);
        more.insert("__added_by_a_platform".to_owned(), json!({"job": [1]}));
        *state = Value::Object(more);
    }
    from(it, &streams, &states).await.map(drop)
}

async fn reset(it: &Subject) -> Outcome {
    let (streams, _) = of_streams(it).await?;
    let (_, whole) = it.incremental().await?;
    let states: Vec<Value> = streams
        .iter()
        .map(|stream| state(descriptor(stream), Value::Null))
        .collect();
    let after = from(it, &streams, &states).await?;
    complete(&whole, &[], &after, &streams)
}
