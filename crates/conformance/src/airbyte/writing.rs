//! `write`: that what is delivered is taken, and how it ends.

use serde_json::{Value, json};

use super::delivery::{Delivery, OTHER, STREAM, configured, record, state, status};
use super::subject::Subject;
use super::{Invocation, Until, command_line, lines};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "write/succeeds" Must "Airbyte Protocol, write" "`write` takes records, a state and COMPLETE, and ends with exit code 0 at the end of stdin"
    "read stdin until its end" succeeds;
    "write/only-messages" Should "Airbyte Protocol, AirbyteMessage" "every line on stdout of `write` is a message"
    "write logs as LOG messages, and everything else to stderr" only_messages;
    "write/logs" Should "AirbyteLogMessage" "every LOG of `write` has a known level and a message"
    "one of FATAL, ERROR, WARN, INFO, DEBUG, TRACE" logs;
    "write/traces" Should "AirbyteTraceMessage" "every TRACE has a type, a time and what its type needs"
    "platforms drop others" traces;
    "write/nothing" Must "Airbyte Protocol, write" "no message at all is taken"
    "a source may have nothing new" nothing;
    "write/no-state" Must "Airbyte Protocol, write" "records without a state are taken, and no state is made up"
    "flush at the end of stdin" no_state;
    "write/cut-anywhere" Must "Airbyte Protocol, write" "an input that ends after any message is ended by, and nothing but what came is echoed"
    "the source, or the platform, may die at any moment" cut_anywhere;
    "write/statuses" Must "AirbyteStreamStatusTraceMessage" "statuses between records are taken"
    "newer platforms send them" statuses;
    "write/two-streams" Must "ConfiguredAirbyteCatalog" "records of two streams may take turns"
    "sources read streams at once" two_streams;
    "write/no-generation" Must "ConfiguredAirbyteStream" "a catalog without generations is taken"
    "older platforms send none" no_generation;
    "write/new-generation" Must "ConfiguredAirbyteStream, minimum_generation_id" "a refresh is taken: a minimum generation that is the present one"
    "rows of older generations go at the end" new_generation;
    "write/each-mode" Must "ConnectorSpecification, supported_destination_sync_modes" "every mode that the specification names is taken"
    "take it out of the specification otherwise" each_mode;
    "write/unknown-catalog-fields" Must "Airbyte Protocol, backward compatibility" "properties of a catalog that are not known do no harm"
    "ignore them" unknown_catalog_fields;
    "write/no-catalog" Must "Airbyte Protocol, write --catalog" "`write` without --catalog ends with a code other than 0"
    "a missing option is an error of usage" no_catalog;
    "write/no-input-json" Should "Airbyte Protocol, write" "a line that is not JSON does not end the write"
    "log it and go on" no_input_json;
    "write/unknown-stream" Should "ConfiguredAirbyteCatalog" "a record of a stream that is not in the catalog is told: an error, or a LOG of WARN or above"
    "the rows would be lost without a word" unknown_stream;
    "write/refuses-broken-record" Should "AirbyteRecordMessage" "a record without data is told as an error, and no state after it is echoed"
    "a TRACE of type ERROR and exit code 1" refuses_broken_record;
    "write/refuses-nothing" Must "Airbyte Protocol, write" "`write` with a configuration that cannot work fails with an error that is told"
    "a TRACE of type ERROR and exit code 1" refuses_nothing;
    "write/asked" Must "Airbyte's platform, cancellation" "a write that is asked to end (SIGTERM) ends within ten seconds, although its stdin is open"
    "do not ignore the signal" asked;
    "write/again" Must "Airbyte Protocol, write" "the same delivery is taken a second time"
    "tables and files that are there are the usual case" again;
}

/// A small delivery that everybody takes.
pub(super) fn plain() -> Delivery {
    Delivery::new()
        .records(0..2)
        .state(1)
        .records(2..4)
        .state(2)
        .complete()
}

async fn succeeds(it: &Subject) -> Outcome {
    plain().taken(it).await.map(drop)
}

async fn only_messages(it: &Subject) -> Outcome {
    lines::are_messages(&*plain().exchange(it).await?)
}

async fn logs(it: &Subject) -> Outcome {
    lines::logs(&*plain().exchange(it).await?)
}

async fn traces(it: &Subject) -> Outcome {
    lines::traces(&*plain().exchange(it).await?)
}

async fn nothing(it: &Subject) -> Outcome {
    Delivery::new().taken(it).await.map(drop)
}

async fn no_state(it: &Subject) -> Outcome {
    let exchange = Delivery::new().records(0..3).complete().taken(it).await?;
    match exchange.of("STATE").next() {
        Some(state) => broken("a state that nobody sent", exchange.shown(Some(state.line))),
        None => Ok(()),
    }
}

async fn cut_anywhere(it: &Subject) -> Outcome {
    for lines in 1..plain().len() {
        let delivery = plain().cut(lines);
        let exchange = delivery.exchange(it).await?;
        if exchange.exit.is_none() {
            return broken(
                format!("it does not end after {lines} messages"),
                exchange.shown(None),
            );
        }
        let sent = delivery.states();
        let mut echoes = exchange.of("STATE");
        if let Some(other) =
            echoes.find(|e| !sent.iter().any(|s| super::delivery::same(&e.body, s)))
        {
            return broken(
                "a state that did not come",
                exchange.shown(Some(other.line)),
            );
        }
    }
    Ok(())
}

async fn statuses(it: &Subject) -> Outcome {
    let delivery = Delivery::new()
        .message(&status(STREAM, "STARTED"))
        .message(&status(STREAM, "RUNNING"));
    delivery
        .records(0..2)
        .state(1)
        .complete()
        .taken(it)
        .await
        .map(drop)
}

async fn two_streams(it: &Subject) -> Outcome {
    let mut delivery = Delivery::of(vec![configured(STREAM), configured(OTHER)]);
    for id in 0..4_u64 {
        for stream in [STREAM, OTHER] {
            delivery = delivery
                .message(&record(stream, &json!({"id": id})))
                .message(&state(stream, id));
        }
    }
    let delivery = delivery.complete();
    let exchange = delivery.taken(it).await?;
    let first = state(STREAM, 3)["state"].clone();
    match exchange
        .of("STATE")
        .any(|echo| super::delivery::same(&echo.body, &first))
    {
        true => Ok(()),
        false => broken(
            "the last state of the first stream is not echoed",
            exchange.shown(None),
        ),
    }
}

/// The usual stream with these members in place of its own; null takes one away.
fn stream_with(members: &Value) -> Value {
    let mut stream = configured(STREAM);
    for (name, value) in members.as_object().into_iter().flatten() {
        match (value, stream.as_object_mut()) {
            (Value::Null, Some(stream)) => drop(stream.remove(name)),
            (value, Some(stream)) => drop(stream.insert(name.clone(), value.clone())),
            _ => {}
        }
    }
    stream
}

async fn takes(it: &Subject, stream: Value) -> Outcome {
    let delivery = Delivery::of(vec![stream]).records(0..3).state(1).complete();
    delivery.taken(it).await.map(drop)
}

async fn no_generation(it: &Subject) -> Outcome {
    let none = json!({"generation_id": null, "minimum_generation_id": null, "sync_id": null});
    takes(it, stream_with(&none)).await
}

async fn new_generation(it: &Subject) -> Outcome {
    takes(
        it,
        stream_with(&json!({"generation_id": 2, "minimum_generation_id": 2, "sync_id": 2})),
    )
    .await
}

async fn each_mode(it: &Subject) -> Outcome {
    let specification = it.specification().await?;
    let modes = specification["supported_destination_sync_modes"].as_array();
    let Some(modes) = modes.filter(|modes| !modes.is_empty()) else {
        return skip("the specification names no mode");
    };
    for mode in modes {
        // These two need an object of the other side by its name.
        if mode == "update" || mode == "soft_delete" {
            continue;
        }
        takes(it, stream_with(&json!({"destination_sync_mode": mode}))).await?;
    }
    Ok(())
}

async fn unknown_catalog_fields(it: &Subject) -> Outcome {
    takes(
        it,
        stream_with(&json!({"__added_by_a_platform": {"a": [1]}})),
    )
    .await
}

async fn no_catalog(it: &Subject) -> Outcome {
    command_line::fails(&*it.exchange(it.with_config("write")?.input([])).await?)
}

async fn no_input_json(it: &Subject) -> Outcome {
    let delivery = Delivery::new()
        .records(0..1)
        .line("this is not JSON")
        .records(1..2);
    delivery.state(1).complete().taken(it).await.map(drop)
}

/// It fails, and no state is echoed.
async fn refuses(it: &Subject, delivery: Delivery) -> Outcome {
    let exchange = delivery.exchange(it).await?;
    if let Some(echo) = exchange.of("STATE").next() {
        return broken(
            "the state after it is echoed",
            exchange.shown(Some(echo.line)),
        );
    }
    command_line::fails(&exchange)?;
    match exchange.error() {
        Some(_) => Ok(()),
        None => broken("there is no TRACE of an error", exchange.shown(None)),
    }
}

async fn unknown_stream(it: &Subject) -> Outcome {
    let unknown = record("crossdock_conformance_nobodys_stream", &json!({"id": 1}));
    let exchange = Delivery::new()
        .message(&unknown)
        .complete()
        .exchange(it)
        .await?;
    let mut logs = exchange.of("LOG");
    let warned = logs.any(|log| ["FATAL", "ERROR", "WARN"].contains(&log.text("/level")));
    match warned || exchange.error().is_some() {
        true => Ok(()),
        false => broken("nothing is said", exchange.shown(None)),
    }
}

async fn refuses_broken_record(it: &Subject) -> Outcome {
    let broken = json!({"type": "RECORD", "record": {"stream": STREAM, "emitted_at": 1}});
    refuses(it, Delivery::new().message(&broken).state(1).complete()).await
}

async fn refuses_nothing(it: &Subject) -> Outcome {
    it.without_required("check").await?;
    let usual = plain().invocation(it)?;
    let catalog =
        String::from_utf8_lossy(usual.content("catalog").unwrap_or_default()).into_owned();
    let write = Invocation::new("write")
        .text("config", "{}")
        .text("catalog", &catalog)
        .input([]);
    let exchange = it.exchange(write).await?;
    command_line::fails(&exchange)?;
    match exchange.error() {
        Some(_) => Ok(()),
        None => broken("there is no TRACE of an error", exchange.shown(None)),
    }
}

async fn asked(it: &Subject) -> Outcome {
    let write = plain().invocation(it)?.until(Until::Asked(0));
    let exchange = it.exchange(write).await?;
    match exchange.exit {
        Some(_) => Ok(()),
        None => broken("it went on", exchange.shown(None)),
    }
}

async fn again(it: &Subject) -> Outcome {
    let first = plain().taken(it).await?;
    let second = it.again(&first.invocation).await?;
    match second.succeeded() && second.of("STATE").next().is_some() {
        true => Ok(()),
        false => broken(second.ended(), second.shown(None)),
    }
}
