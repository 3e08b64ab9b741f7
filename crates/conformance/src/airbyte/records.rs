//! `read`: the records, and what is said beside them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::subject::{Mode, Stream, Subject};
use super::{Exchange, Message, lines};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "read/succeeds" Must "Airbyte Protocol, read" "a full refresh of all streams ends with exit code 0 and without an error"
    "a TRACE of type ERROR and an exit code other than 0 belong together" succeeds;
    "read/has-records" Should "Airbyte Protocol, read" "a full refresh of all streams brings a record"
    "give a configuration with some rows, or half of the battery sees nothing" has_records;
    "read/only-messages" Should "Airbyte Protocol, AirbyteMessage" "every line on stdout of `read` is a message"
    "write logs as LOG messages, and everything else to stderr" only_messages;
    "read/no-lost-records" Must "AirbyteRecordMessage" "no line that looks like a record is not JSON"
    "NaN and Infinity are no JSON; platforms drop such a line" no_lost_records;
    "read/record-shape" Must "AirbyteRecordMessage" "every record has a stream and an object as data"
    "platforms drop others without a word" record_shape;
    "read/not-empty" Should "AirbyteRecordMessage, data" "no record is empty"
    "platforms drop records with `{}` as data" not_empty;
    "read/emitted-at" Must "AirbyteRecordMessage, emitted_at" "every record has emitted_at, a whole number of milliseconds since 1970"
    "many destinations fail otherwise; seconds would be a time in 1970" emitted_at;
    "read/configured-streams" Must "ConfiguredAirbyteCatalog" "every record is of a stream in the catalog, by name and namespace"
    "platforms fail, or drop the record" configured_streams;
    "read/one-stream" Must "ConfiguredAirbyteCatalog" "a read of one stream brings records of that stream alone"
    "read only what the configured catalog names" one_stream;
    "read/declared-fields" Should "AirbyteStream, json_schema" "every field of a record is declared"
    "fields that the schema does not declare have no column" declared_fields;
    "read/types" Should "AirbyteStream, json_schema" "every record is allowed by its stream's schema"
    "allow null (`[\"null\", …]`) and both forms of numbers where they occur; destinations put null elsewhere" types;
    "read/key-there" Must "AirbyteStream, source_defined_primary_key" "no part of a primary key is missing or null"
    "deduplication fails, or takes rows for one" key_there;
    "read/changes" Should "AirbyteRecordMessageMeta, changes" "every change in `meta` has a field, and a known change and reason"
    "NULLED or TRUNCATED, and one of the documented reasons" changes;
    "read/logs" Should "AirbyteLogMessage" "every LOG of `read` has a known level and a message"
    "one of FATAL, ERROR, WARN, INFO, DEBUG, TRACE" logs;
    "read/traces" Should "AirbyteTraceMessage" "every TRACE has a type, a time and what its type needs"
    "platforms drop others" traces;
    "read/estimates" Should "AirbyteEstimateTraceMessage" "a read does not mix estimates of streams with those of the whole"
    "one kind, STREAM or SYNC" estimates;
    "read/controls" Must "AirbyteControlMessage" "every CONTROL has a time and a whole configuration"
    "the whole object is stored in place of the old one" controls;
    "read/again" Should "Airbyte Protocol, read" "a second full refresh brings the same number of records"
    "of rows that nobody changes in between" again;
}

async fn succeeds(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    match exchange.error() {
        Some(error) => broken(
            format!("an error: {}", error.text("/error/message")),
            exchange.shown(Some(error.line)),
        ),
        None if exchange.succeeded() => Ok(()),
        None => broken(exchange.ended(), exchange.shown(None)),
    }
}

async fn has_records(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    match exchange.of("RECORD").next() {
        Some(_) => Ok(()),
        None => broken("there is none", exchange.shown(None)),
    }
}

async fn only_messages(it: &Subject) -> Outcome {
    lines::are_messages(&*it.full_refresh().await?)
}

async fn no_lost_records(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    let lost = exchange.lines.iter().position(|line| {
        line.contains("\"RECORD\"") && serde_json::from_str::<Value>(line).is_err()
    });
    match lost {
        Some(line) => broken("a record is not JSON", exchange.shown(Some(line))),
        None => Ok(()),
    }
}

/// Says of the first record that has a fault which one it is.
async fn each(it: &Subject, mut fault: impl FnMut(&Message) -> Option<String>) -> Outcome {
    let exchange = it.full_refresh().await?;
    some(&exchange, "RECORD")?;
    each_of(&exchange, "RECORD", &mut fault)
}

fn each_of(
    exchange: &Exchange,
    kind: &str,
    fault: &mut impl FnMut(&Message) -> Option<String>,
) -> Outcome {
    for message in exchange.of(kind) {
        if let Some(fault) = fault(message) {
            return broken(fault, exchange.shown(Some(message.line)));
        }
    }
    Ok(())
}

/// There is something to look at.
pub(super) fn some(exchange: &Exchange, kind: &str) -> Outcome {
    match exchange.of(kind).next() {
        Some(_) => Ok(()),
        None => skip(format!("no {kind} came")),
    }
}

async fn record_shape(it: &Subject) -> Outcome {
    each(it, |record| {
        if record.text("/stream").is_empty() {
            return Some("a record without a stream".to_owned());
        }
        (!record.body["data"].is_object()).then(|| "a record without an object as data".to_owned())
    })
    .await
}

async fn not_empty(it: &Subject) -> Outcome {
    each(it, |record| {
        let empty = record.body["data"]
            .as_object()
            .is_some_and(|data| data.is_empty());
        empty.then(|| "a record without a field".to_owned())
    })
    .await
}

/// 2000-01-01 in milliseconds. In seconds no present time is as much.
const THIS_CENTURY: u64 = 946_684_800_000;

async fn emitted_at(it: &Subject) -> Outcome {
    each(it, |record| {
        let at = &record.body["emitted_at"];
        match at.as_u64() {
            Some(at) if (THIS_CENTURY..THIS_CENTURY * 10).contains(&at) => None,
            _ => Some(format!("emitted_at is {at}")),
        }
    })
    .await
}

/// The stream and the namespace of a record.
pub(super) fn stream_of(record: &Message) -> (String, Option<String>) {
    let text = |key: &str| {
        record
            .body
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    (text("stream").unwrap_or_default(), text("namespace"))
}

async fn configured_streams(it: &Subject) -> Outcome {
    let known: BTreeSet<_> = it.streams().await?.iter().map(Stream::id).collect();
    each(it, |record| {
        let stream = stream_of(record);
        (!known.contains(&stream)).then(|| format!("a record of {stream:?}"))
    })
    .await
}

async fn one_stream(it: &Subject) -> Outcome {
    let streams = it.streams().await?;
    if streams.len() < 2 {
        return skip("there is one stream only");
    }
    let alone = &streams[..1];
    let exchange = it.exchange(it.read(alone, Mode::FullRefresh)?).await?;
    each_of(&exchange, "RECORD", &mut |record| {
        let stream = stream_of(record);
        (stream != alone[0].id()).then(|| format!("a record of {stream:?}"))
    })
}

/// The streams by name and namespace.
async fn by_id(it: &Subject) -> Outcome<BTreeMap<(String, Option<String>), Stream>> {
    let streams = it.streams().await?;
    Ok(streams
        .into_iter()
        .map(|stream| (stream.id(), stream))
        .collect())
}

async fn declared_fields(it: &Subject) -> Outcome {
    let streams = by_id(it).await?;
    each(it, |record| {
        let stream = streams.get(&stream_of(record))?;
        let declared = stream.schema()["properties"].as_object()?;
        let mut fields = record.body["data"].as_object()?.keys();
        let unknown = fields.find(|field| !declared.contains_key(*field))?;
        Some(format!(
            "stream `{}`: `{unknown}` is not declared",
            stream.name()
        ))
    })
    .await
}

async fn types(it: &Subject) -> Outcome {
    let streams = by_id(it).await?;
    let compiled = streams.iter().map(|(id, stream)| {
        // Airbyte's times without a zone are no date-time of JSON Schema.
        let options = jsonschema::draft7::options().should_validate_formats(false);
        (id.clone(), options.build(stream.schema()).ok())
    });
    let validators: BTreeMap<_, _> = compiled.collect();
    each(it, |record| {
        let id = stream_of(record);
        let error = validators
            .get(&id)?
            .as_ref()?
            .validate(&record.body["data"])
            .err()?;
        Some(format!(
            "stream `{}`: {error} (at {})",
            id.0,
            error.instance_path()
        ))
    })
    .await
}

/// The value at a path.
fn at<'a>(data: &'a Value, path: &[String]) -> &'a Value {
    path.iter().fold(data, |value, part| &value[part.as_str()])
}

async fn key_there(it: &Subject) -> Outcome {
    let streams = by_id(it).await?;
    if streams.values().all(|stream| stream.key().is_empty()) {
        return skip("no stream has a primary key");
    }
    let keys: BTreeMap<_, _> = streams
        .iter()
        .map(|(id, stream)| (id, stream.key()))
        .collect();
    each(it, |record| {
        let key = keys.get(&stream_of(record))?;
        let missing = key
            .iter()
            .find(|path| at(&record.body["data"], path).is_null())?;
        Some(format!("`{}` is missing or null", missing.join(".")))
    })
    .await
}

/// What tells a row from others: its key, or all of it.
pub(super) fn identity(record: &Message, streams: &[Stream]) -> String {
    let id = stream_of(record);
    let stream = streams.iter().find(|stream| stream.id() == id);
    let key = stream.map(Stream::key).unwrap_or_default();
    let data = &record.body["data"];
    match key.is_empty() {
        true => format!("{id:?} {data}"),
        false => {
            let values: Vec<String> = key.iter().map(|path| at(data, path).to_string()).collect();
            format!("{id:?} {}", values.join(" "))
        }
    }
}

async fn changes(it: &Subject) -> Outcome {
    each(it, |record| {
        let changes = record.body.pointer("/meta/changes")?.as_array()?;
        let wrong = changes.iter().find(|change| {
            let known = change["change"] == "NULLED" || change["change"] == "TRUNCATED";
            !(known && change["field"].is_string() && change["reason"].is_string())
        })?;
        Some(format!("a change {wrong}"))
    })
    .await
}

async fn logs(it: &Subject) -> Outcome {
    lines::logs(&*it.full_refresh().await?)
}

async fn traces(it: &Subject) -> Outcome {
    lines::traces(&*it.full_refresh().await?)
}

async fn estimates(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    let estimates = exchange
        .of("TRACE")
        .filter(|trace| trace.text("/type") == "ESTIMATE");
    let kinds: BTreeSet<&str> = estimates
        .map(|trace| trace.text("/estimate/type"))
        .collect();
    match kinds.len() {
        0 | 1 => Ok(()),
        _ => broken("both kinds", exchange.shown(None)),
    }
}

async fn controls(it: &Subject) -> Outcome {
    let exchange = it.full_refresh().await?;
    each_of(&exchange, "CONTROL", &mut |control| {
        let whole = control
            .body
            .pointer("/connectorConfig/config")
            .is_some_and(Value::is_object);
        let timed = control.body["emitted_at"].is_number();
        (!(whole && timed)).then(|| "a CONTROL without a time or a configuration".to_owned())
    })
}

async fn again(it: &Subject) -> Outcome {
    let first = it.full_refresh().await?;
    let second = it.again(&first.invocation).await?;
    let (first, then) = (first.of("RECORD").count(), second.of("RECORD").count());
    match first == then {
        true => Ok(()),
        false => broken(format!("{first} records, then {then}"), second.shown(None)),
    }
}
