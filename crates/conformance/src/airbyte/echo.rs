//! `write`: the states that come back.

use serde_json::{Value, json};

use super::delivery::{Delivery, OTHER, STREAM, configured, record, same, state};
use super::subject::Subject;
use super::writing::plain;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "echo/last" Must "Airbyte Protocol, state and checkpointing" "the last state is echoed when everything before it is stored"
    "echo it at the end of stdin at the latest" last;
    "echo/order" Must "Airbyte Protocol, state and checkpointing" "states of a stream are echoed in the order in which they came"
    "a later state covers the earlier ones, never the other way round" order;
    "echo/made-up" Must "Airbyte Protocol, state and checkpointing" "only states that came are echoed"
    "hand on what the source said, as it said it" made_up;
    "echo/verbatim" Must "AirbyteStateMessage" "a state comes back with the same value, however odd"
    "big integers, empty names, nested values and letters of any script belong to the source" verbatim;
    "echo/global" Must "AirbyteStateMessage, GLOBAL" "a state of all streams comes back as a whole"
    "shared_state and each of stream_states" global;
    "echo/namespace" Must "AirbyteStateMessage, StreamDescriptor" "the namespace of a state comes back"
    "two streams can differ in it alone" namespace;
    "echo/legacy" Should "AirbyteStateMessage, LEGACY" "a state without a type comes back"
    "old sources send `data` alone" legacy;
    "echo/unknown-properties" Should "AirbyteStateMessage" "properties of a state that the destination does not know come back: `id` and others"
    "platforms number the states so, and must guess otherwise" unknown_properties;
    "echo/stats" Should "AirbyteStateStats, destinationStats" "an echo says how many records were stored since the state before"
    "destinationStats.recordCount, by which platforms find lost rows" stats;
    "echo/stats-right" Must "AirbyteStateStats, destinationStats" "the count of an echo is that of the records that it covers"
    "of those between this state and the one echoed before" stats_right;
    "echo/source-stats" Should "AirbyteStateStats, sourceStats" "what the source counted comes back"
    "keep sourceStats as it is" source_stats;
    "echo/many" Must "Airbyte Protocol, state and checkpointing" "a thousand states are taken, and the last is echoed"
    "sources may checkpoint often" many;
}

async fn last(it: &Subject) -> Outcome {
    let delivery = plain();
    let exchange = delivery.exchange(it).await?;
    let sent = delivery.states();
    let last = sent.last().cloned().unwrap_or_default();
    match exchange.of("STATE").last() {
        Some(echo) if same(&echo.body, &last) => Ok(()),
        Some(echo) => broken("another one is the last", exchange.shown(Some(echo.line))),
        None => broken("no state is echoed", exchange.shown(None)),
    }
}

/// States of two streams that take turns.
fn turns() -> Delivery {
    let mut delivery = Delivery::of(vec![configured(STREAM), configured(OTHER)]);
    for at in 1..6_u64 {
        for stream in [STREAM, OTHER] {
            delivery = delivery
                .message(&record(stream, &json!({"id": at})))
                .message(&state(stream, at));
        }
    }
    delivery.complete()
}

async fn order(it: &Subject) -> Outcome {
    let exchange = turns().exchange(it).await?;
    for stream in [STREAM, OTHER] {
        let of = exchange
            .of("STATE")
            .filter(|s| s.text("/stream/stream_descriptor/name") == stream);
        let mut before = 0;
        for echo in of {
            let at = echo.body["stream"]["stream_state"]["at"]
                .as_u64()
                .unwrap_or_default();
            if at < before {
                return broken(
                    format!("{at} after {before}"),
                    exchange.shown(Some(echo.line)),
                );
            }
            before = at;
        }
        if before == 0 {
            return broken(
                format!("no state of `{stream}` is echoed"),
                exchange.shown(None),
            );
        }
    }
    Ok(())
}

async fn made_up(it: &Subject) -> Outcome {
    let delivery = turns();
    let sent = delivery.states();
    let exchange = delivery.exchange(it).await?;
    let other = exchange
        .of("STATE")
        .find(|echo| !sent.iter().any(|state| same(&echo.body, state)));
    match other {
        Some(echo) => broken("a state that did not come", exchange.shown(Some(echo.line))),
        None => Ok(()),
    }
}

/// The echo of a single state.
async fn echo_of(it: &Subject, state: &Value) -> Outcome<Value> {
    let delivery = Delivery::new().records(0..2);
    let delivery = delivery
        .message(&json!({"type": "STATE", "state": state}))
        .complete();
    let exchange = delivery.exchange(it).await?;
    match exchange.of("STATE").last() {
        Some(echo) if same(&echo.body, state) => Ok(echo.body.clone()),
        Some(echo) => broken("it comes back as another", exchange.shown(Some(echo.line))),
        None => broken("it does not come back", exchange.shown(None)),
    }
}

fn with_state(own: Value) -> Value {
    json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": STREAM}, "stream_state": own}})
}

async fn verbatim(it: &Subject) -> Outcome {
    for own in [
        json!({"größe": "数 ☂ \u{1F600}", "": "empty", "a.b": {"deep": [1, [], {}, false]}, "quote": "\"\\\n"}),
        json!({"big": i64::MAX, "small": i64::MIN, "odd": 9_007_199_254_740_993_i64, "part": 0.1, "zero": 0}),
        json!({}),
    ] {
        echo_of(it, &with_state(own)).await?;
    }
    Ok(())
}

async fn global(it: &Subject) -> Outcome {
    let state = json!({"type": "GLOBAL", "global": {
        "shared_state": {"lsn": 42, "file": "log.7"},
        "stream_states": [{"stream_descriptor": {"name": STREAM}, "stream_state": {"at": 1}}],
    }});
    echo_of(it, &state).await.map(drop)
}

async fn namespace(it: &Subject) -> Outcome {
    let mut stream = configured(STREAM);
    stream["stream"]["namespace"] = json!("crossdock_ns");
    let mut row = record(STREAM, &json!({"id": 1}));
    row["record"]["namespace"] = json!("crossdock_ns");
    let mut of = state(STREAM, 1);
    of["state"]["stream"]["stream_descriptor"]["namespace"] = json!("crossdock_ns");
    let mut end = super::delivery::status(STREAM, "COMPLETE");
    end["trace"]["stream_status"]["stream_descriptor"]["namespace"] = json!("crossdock_ns");
    let delivery = Delivery::of(vec![stream])
        .message(&row)
        .message(&of)
        .message(&end);
    delivery.taken(it).await.map(drop)
}

async fn legacy(it: &Subject) -> Outcome {
    echo_of(it, &json!({"data": {"cursor": "2026-01-01"}}))
        .await
        .map(drop)
}

async fn unknown_properties(it: &Subject) -> Outcome {
    let mut state = with_state(json!({"at": 1}));
    state["id"] = json!(17);
    state["partition_id"] = json!("p-1");
    let echo = echo_of(it, &state).await?;
    for name in ["id", "partition_id"] {
        if echo[name] != state[name] {
            return broken(format!("`{name}` does not come back"), vec![shown(&echo)]);
        }
    }
    Ok(())
}

fn shown(echo: &Value) -> crate::Line {
    crate::Line::new(
        crate::From::Connector,
        json!({"type": "STATE", "state": echo}).to_string(),
    )
}

/// The counts of echoes, each with what it should be.
async fn counted(it: &Subject) -> Outcome<Vec<(Option<f64>, u64, Value)>> {
    let exchange = plain().exchange(it).await?;
    let mut before = 0;
    let echoes = exchange.of("STATE").map(|echo| {
        // Each of the two states is covered by two records more.
        let at = echo.body["stream"]["stream_state"]["at"]
            .as_u64()
            .unwrap_or_default();
        let should = at.saturating_sub(before) * 2;
        before = at;
        let said = echo.body.pointer("/destinationStats/recordCount");
        (said.and_then(Value::as_f64), should, echo.body.clone())
    });
    let echoes: Vec<_> = echoes.collect();
    match echoes.is_empty() {
        true => skip("no state is echoed"),
        false => Ok(echoes),
    }
}

async fn stats(it: &Subject) -> Outcome {
    match counted(it).await?.iter().find(|(said, ..)| said.is_none()) {
        Some((.., echo)) => broken("an echo without it", vec![shown(echo)]),
        None => Ok(()),
    }
}

async fn stats_right(it: &Subject) -> Outcome {
    let echoes = counted(it).await?;
    if echoes.iter().all(|(said, ..)| said.is_none()) {
        return skip("echoes have no count");
    }
    let wrong = echoes
        .iter()
        .find(|(said, should, _)| said.is_some_and(|said| said != *should as f64));
    match wrong {
        Some((said, should, echo)) => {
            let said = said.unwrap_or_default();
            broken(
                format!("it says {said}, and {should} came"),
                vec![shown(echo)],
            )
        }
        None => Ok(()),
    }
}

async fn source_stats(it: &Subject) -> Outcome {
    let mut state = with_state(json!({"at": 1}));
    state["sourceStats"] = json!({"recordCount": 2.0});
    let echo = echo_of(it, &state).await?;
    match echo
        .pointer("/sourceStats/recordCount")
        .and_then(Value::as_f64)
    {
        Some(2.0) => Ok(()),
        _ => broken("it does not come back", vec![shown(&echo)]),
    }
}

async fn many(it: &Subject) -> Outcome {
    let mut delivery = Delivery::new();
    for at in 0..1000 {
        delivery = delivery.records(at..at + 1).state(at);
    }
    delivery.complete().taken(it).await.map(drop)
}
