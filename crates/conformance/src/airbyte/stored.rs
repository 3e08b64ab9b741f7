//! What stands in the system behind a destination, as a source of that system reads it.

use serde_json::{Value, json};

use super::delivery::{Delivery, configured, record, same, state, status};
use super::subject::Subject;
use super::{Exchange, Until};
use crate::rule::checks;
use crate::store::{STORED, fragile};
use crate::{Outcome, broken, skip};

checks! { Subject;
    "stored/all" Must "Airbyte Protocol, write" "every row of a delivery that succeeded is stored"
    "flush everything at the end of stdin, before the last states are echoed" all;
    "stored/echoed" Must "Airbyte Protocol, state and checkpointing" "the rows before a state are stored when it is echoed, although the process is killed then"
    "echo a state after what came before it is durable, not when it comes" echoed;
    "stored/cut-anywhere" Must "Airbyte Protocol, state and checkpointing" "where an input ends after any message, the rows before each echoed state are stored"
    "the source, or the platform, may die at any moment" cut_anywhere;
    "stored/no-state" Must "Airbyte Protocol, write" "rows without a state after them are stored when it succeeds"
    "flush at the end of stdin" no_state;
    "stored/append" Must "ConfiguredAirbyteStream, destination_sync_mode" "in the mode append the rows of an earlier delivery stay"
    "do not create the table anew" append;
    "stored/overwrite" Must "ConfiguredAirbyteStream, destination_sync_mode" "in the mode overwrite only the rows of the last delivery are left"
    "replace the table when the delivery is complete" overwrite;
    "stored/refresh" Should "ConfiguredAirbyteStream, minimum_generation_id" "rows of a generation below the minimum are gone after a complete delivery"
    "compare the generation of each row with the minimum" refresh;
    "stored/dedup" Should "ConfiguredAirbyteStream, primary_key" "in the mode append_dedup a key has one row, the newest by the cursor"
    "merge by the primary key; if what is read is a table of raw rows, this says nothing" dedup;
    "stored/two-streams" Must "ConfiguredAirbyteCatalog" "rows of two streams that take turns are all stored"
    "keep a buffer for each stream" two_streams;
    "stored/text" Should "AirbyteRecordMessage, data" "a text of many scripts, with quotes and line ends, comes back as it was"
    "treat texts as UTF-8; escape, do not replace" text;
    "stored/integer" Should "Airbyte Protocol, data types, integer" "an integer that no double can hold comes back as it was"
    "keep integers apart from numbers" integer;
}

/// Another one beside it.
const BESIDE: &str = "crossdock_stored_beside";
/// One of which only the last delivery is left.
const REPLACED: &str = "crossdock_stored_replaced";
/// One with a row for each key.
const KEYED: &str = "crossdock_stored_keyed";

/// A stream in this mode and generation.
fn stream(name: &str, mode: &str, generation: u64, minimum: u64) -> Value {
    let mut stream = configured(name);
    stream["destination_sync_mode"] = json!(mode);
    stream["generation_id"] = json!(generation);
    stream["minimum_generation_id"] = json!(minimum);
    stream["sync_id"] = json!(generation);
    stream
}

fn appended() -> Delivery {
    Delivery::of(vec![stream(STORED, "append", 1, 0)])
}

/// A row that has the mark.
fn row(stream: &str, id: usize, mark: &str) -> Value {
    record(stream, &json!({"id": id + 1, "name": mark}))
}

/// Two rows and a state after them, again and again, and the end.
fn checkpointed(marks: &[String]) -> Delivery {
    let mut delivery = appended();
    for (at, two) in marks.chunks(2).enumerate() {
        for (id, mark) in two.iter().enumerate() {
            delivery = delivery.message(&row(STORED, 2 * at + id, mark));
        }
        delivery = delivery.message(&state(STORED, at as u64));
    }
    delivery.message(&status(STORED, "COMPLETE"))
}

/// These rows and the end.
fn complete(stream: Value, marks: &[String]) -> Delivery {
    let mut delivery = Delivery::of(vec![stream.clone()]);
    let name = stream["stream"]["name"].as_str().unwrap_or_default();
    for (id, mark) in marks.iter().enumerate() {
        delivery = delivery.message(&row(name, id, mark));
    }
    delivery.message(&state(name, 1)).complete()
}

/// The mode is one that the specification names.
async fn supports(it: &Subject, mode: &str) -> Outcome {
    let specification = it.specification().await?;
    let modes = specification["supported_destination_sync_modes"].as_array();
    match modes.into_iter().flatten().any(|named| named == mode) {
        true => Ok(()),
        false => skip(format!("the specification does not name the mode {mode}")),
    }
}

/// Every one of the marks is stored.
async fn are_there(it: &Subject, marks: &[String], exchange: &Exchange) -> Outcome {
    match it.store.stored(exchange.shown(None)).await?.missing(marks) {
        None => Ok(()),
        Some(mark) => broken(
            format!("the row with `{mark}` is not stored"),
            exchange.shown(None),
        ),
    }
}

/// How many of the rows of `checkpointed` come before a state that is echoed.
fn covered(delivery: &Delivery, exchange: &Exchange) -> usize {
    let sent = delivery.states();
    let echoed = |state: &Value| exchange.of("STATE").any(|echo| same(&echo.body, state));
    2 * sent.iter().rposition(echoed).map_or(0, |at| at + 1)
}

async fn all(it: &Subject) -> Outcome {
    let marks = it.store.marks(6)?;
    let exchange = checkpointed(&marks).taken(it).await?;
    are_there(it, &marks, &exchange).await
}

async fn echoed(it: &Subject) -> Outcome {
    for state in 1..=3 {
        let marks = it.store.marks(6)?;
        let delivery = checkpointed(&marks);
        let write = delivery.invocation(it)?.until(Until::KilledAtState(state));
        let exchange = it.exchange(write).await?;
        let covered = covered(&delivery, &exchange);
        are_there(it, &marks[..covered], &exchange).await?;
    }
    Ok(())
}

async fn cut_anywhere(it: &Subject) -> Outcome {
    for lines in 1..checkpointed(&it.store.marks(6)?).len() {
        let marks = it.store.marks(6)?;
        let delivery = checkpointed(&marks).cut(lines);
        let exchange = delivery.exchange(it).await?;
        let covered = covered(&delivery, &exchange);
        are_there(it, &marks[..covered], &exchange).await?;
    }
    Ok(())
}

async fn no_state(it: &Subject) -> Outcome {
    let marks = it.store.marks(3)?;
    let mut delivery = appended();
    for (id, mark) in marks.iter().enumerate() {
        delivery = delivery.message(&row(STORED, id, mark));
    }
    let exchange = delivery.complete().taken(it).await?;
    are_there(it, &marks, &exchange).await
}

async fn append(it: &Subject) -> Outcome {
    let marks = it.store.marks(4)?;
    let (earlier, later) = marks.split_at(2);
    checkpointed(earlier).taken(it).await?;
    let exchange = checkpointed(later).taken(it).await?;
    are_there(it, &marks, &exchange).await
}

/// After both deliveries only the rows of the second are stored.
async fn replaced(it: &Subject, first: Value, second: Value) -> Outcome {
    let marks = it.store.marks(4)?;
    let (earlier, later) = marks.split_at(2);
    complete(first, earlier).taken(it).await?;
    let exchange = complete(second, later).taken(it).await?;
    are_there(it, later, &exchange).await?;
    let stored = it.store.stored(exchange.shown(None)).await?;
    match earlier.iter().find(|mark| stored.count(mark) > 0) {
        None => Ok(()),
        Some(mark) => broken(
            format!("the row with `{mark}`, of the delivery before, is still stored"),
            exchange.shown(None),
        ),
    }
}

async fn overwrite(it: &Subject) -> Outcome {
    supports(it, "overwrite").await?;
    // As platforms do since there are generations; those before them looked at the mode alone.
    let first = stream(REPLACED, "overwrite", 1, 1);
    let second = stream(REPLACED, "overwrite", 2, 2);
    replaced(it, first, second).await
}

async fn refresh(it: &Subject) -> Outcome {
    supports(it, "append").await?;
    let name = "crossdock_stored_refreshed";
    let (first, second) = (stream(name, "append", 1, 0), stream(name, "append", 2, 2));
    replaced(it, first, second).await
}

async fn dedup(it: &Subject) -> Outcome {
    supports(it, "append_dedup").await?;
    let marks = it.store.marks(2)?;
    let mut keyed = stream(KEYED, "append_dedup", 1, 0);
    keyed["cursor_field"] = json!(["at"]);
    let mut delivery = Delivery::of(vec![keyed]);
    for (version, mark) in marks.iter().enumerate() {
        let data =
            json!({"id": 7, "name": mark, "at": format!("2026-01-0{}T00:00:00Z", version + 1)});
        delivery = delivery.message(&record(KEYED, &data));
    }
    let exchange = delivery
        .message(&state(KEYED, 1))
        .complete()
        .taken(it)
        .await?;
    are_there(it, &marks[1..], &exchange).await?;
    match it
        .store
        .stored(exchange.shown(None))
        .await?
        .count(&marks[0])
    {
        0 => Ok(()),
        _ => broken(
            format!("the older row with `{}` is still stored", marks[0]),
            exchange.shown(None),
        ),
    }
}

async fn two_streams(it: &Subject) -> Outcome {
    let marks = it.store.marks(6)?;
    let streams = [STORED, BESIDE];
    let mut delivery = Delivery::of(streams.map(|name| stream(name, "append", 1, 0)).to_vec());
    for (id, mark) in marks.iter().enumerate() {
        delivery = delivery.message(&row(streams[id % 2], id, mark));
    }
    for name in streams {
        delivery = delivery.message(&state(name, 1));
    }
    let exchange = delivery.complete().taken(it).await?;
    are_there(it, &marks, &exchange).await
}

async fn text(it: &Subject) -> Outcome {
    let marks = it.store.marks(1)?;
    let text = fragile(&marks[0]);
    let delivery = complete(stream(STORED, "append", 1, 0), std::slice::from_ref(&text));
    let exchange = delivery.taken(it).await?;
    are_there(it, &marks, &exchange).await?;
    match it.store.stored(exchange.shown(None)).await?.has(&text) {
        true => Ok(()),
        false => broken("the text is stored as another one", exchange.shown(None)),
    }
}

async fn integer(it: &Subject) -> Outcome {
    let marks = it.store.marks(1)?;
    // Odd, and above 2^53; of this run, so that no other row has it.
    let integer = (1_u64 << 60) + 2 * u64::from(std::process::id()) + 1;
    let data = json!({"id": integer, "name": marks[0]});
    let exchange = appended()
        .message(&record(STORED, &data))
        .message(&state(STORED, 1))
        .complete()
        .taken(it)
        .await?;
    are_there(it, &marks, &exchange).await?;
    match it
        .store
        .stored(exchange.shown(None))
        .await?
        .has(&integer.to_string())
    {
        true => Ok(()),
        false => broken(
            format!("{integer} is stored as another number"),
            exchange.shown(None),
        ),
    }
}
