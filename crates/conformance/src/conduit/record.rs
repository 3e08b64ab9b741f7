//! The records of a source.

use std::collections::BTreeSet;

use crossdock_conduit::wire::proto::opencdc::v1::data::Data as Kind;
use crossdock_conduit::wire::proto::opencdc::v1::{Data, Operation, Record};

use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "record/position" Must "OpenCDC record, position" "every record has a position that is not empty"
    "Conduit takes an empty one for none, and cannot stop nor resume" position;
    "record/position-unique" Must "OpenCDC record, position" "no two records of a read have the same position"
    "acks are matched by position: put a counter into it" position_unique;
    "record/operation" Must "OpenCDC record, operation" "every record has a known operation"
    "one of create, update, delete, snapshot" operation;
    "record/metadata" Should "OpenCDC record, metadata" "every record has metadata"
    "Conduit adds its own only to a map that is there" metadata;
    "record/version" Should "OpenCDC record, metadata" "opencdc.version, if it is there, is v1"
    "leave it out or write `v1`" version;
    "record/read-at" Should "OpenCDC record, metadata" "opencdc.readAt is there and is nanoseconds since 1970"
    "set it when the record is read; Conduit sets it where it lacks" read_at;
    "record/created-at" Should "OpenCDC record, metadata" "opencdc.createdAt, if it is there, is nanoseconds since 1970"
    "nanoseconds as decimal text, no seconds and no RFC 3339" created_at;
    "record/collection" Should "OpenCDC record, metadata" "opencdc.collection, if it is there, is not empty"
    "destinations name tables after it" collection;
    "record/foreign" Should "OpenCDC record, metadata" "no metadata of Conduit's own dead letters or destinations are set"
    "leave `conduit.dlq.*` and `conduit.destination.*` to the platform" foreign;
    "record/after" Should "OpenCDC record, payload" "a create, an update and a snapshot have a payload after"
    "the new image belongs into payload.after" after;
    "record/delete" Should "OpenCDC record, payload" "a delete has no payload after, and a key or a payload before"
    "else nobody knows what to delete" delete;
    "record/before" Should "OpenCDC record, payload" "a create and a snapshot have no payload before"
    "there was nothing before" before;
    "record/schema" Must "OpenCDC record, schema metadata" "a schema's subject and version stand together, and the version is a number from 1 on"
    "destinations fail on half a reference" schema;
    "record/schema-raw" Must "conduit-connector-sdk, schema middleware" "data with a schema are raw"
    "encode with the schema that is named, or do not name it" schema_raw;
}

/// Says of the first record that has a fault what it is.
async fn each(it: &Subject, fault: impl Fn(&Record) -> Option<String>) -> Outcome {
    let seen = it.read("1,2").await?;
    for (number, record) in seen.records().into_iter().enumerate() {
        if let Some(fault) = fault(record) {
            return broken(format!("record {}: {fault}", number + 1), seen.shown());
        }
    }
    Ok(())
}

async fn position(it: &Subject) -> Outcome {
    each(it, |record| {
        record.position.is_empty().then(|| "it is empty".to_owned())
    })
    .await
}

async fn position_unique(it: &Subject) -> Outcome {
    let seen = it.read("1,2").await?;
    let mut known = BTreeSet::new();
    let mut records = seen.records().into_iter();
    match records.find(|record| !known.insert(&record.position)) {
        Some(record) => broken(
            format!("`{}` comes twice", record.position.escape_ascii()),
            seen.shown(),
        ),
        None => Ok(()),
    }
}

async fn operation(it: &Subject) -> Outcome {
    each(it, |record| {
        (!(1..=4).contains(&record.operation)).then(|| format!("number {}", record.operation))
    })
    .await
}

async fn metadata(it: &Subject) -> Outcome {
    each(it, |record| {
        record
            .metadata
            .is_empty()
            .then(|| "there are none".to_owned())
    })
    .await
}

async fn version(it: &Subject) -> Outcome {
    each(it, |record| {
        let version = record.metadata.get("opencdc.version")?;
        (version != "v1").then(|| format!("it is `{version}`"))
    })
    .await
}

/// Why a text is no time in nanoseconds: it must be after 1971 and before 2100.
fn no_time(text: &str) -> Option<String> {
    let fits = text
        .parse::<u64>()
        .is_ok_and(|n| (31_536_000..4_102_444_800).contains(&(n / 1_000_000_000)));
    (!fits).then(|| format!("it is `{text}`"))
}

async fn read_at(it: &Subject) -> Outcome {
    each(it, |record| match record.metadata.get("opencdc.readAt") {
        None => Some("there is none".to_owned()),
        Some(text) => no_time(text),
    })
    .await
}

async fn created_at(it: &Subject) -> Outcome {
    each(it, |record| {
        let text = record.metadata.get("opencdc.createdAt")?;
        // What is read may be as old as it likes.
        text.parse::<i64>()
            .is_err()
            .then(|| format!("it is `{text}`"))
    })
    .await
}

async fn collection(it: &Subject) -> Outcome {
    each(it, |record| {
        let text = record.metadata.get("opencdc.collection")?;
        text.is_empty().then(|| "it is empty".to_owned())
    })
    .await
}

async fn foreign(it: &Subject) -> Outcome {
    each(it, |record| {
        let foreign = |name: &&String| {
            name.starts_with("conduit.dlq.") || name.starts_with("conduit.destination.")
        };
        record
            .metadata
            .keys()
            .find(foreign)
            .map(|name| format!("`{name}`"))
    })
    .await
}

fn there(data: Option<&Data>) -> bool {
    data.is_some_and(|data| data.data.is_some())
}

fn images(record: &Record) -> (bool, bool) {
    let payload = record.payload.as_ref();
    (
        there(payload.and_then(|p| p.before.as_ref())),
        there(payload.and_then(|p| p.after.as_ref())),
    )
}

async fn after(it: &Subject) -> Outcome {
    each(it, |record| {
        let delete = record.operation == Operation::Delete as i32;
        (!delete && !images(record).1).then(|| "there is none".to_owned())
    })
    .await
}

async fn delete(it: &Subject) -> Outcome {
    let seen = it.read("1,2").await?;
    let deletes = |record: &&Record| record.operation == Operation::Delete as i32;
    if !seen.records().into_iter().any(|record| deletes(&record)) {
        return skip("there is no delete among the records");
    }
    each(it, |record| {
        let (before, after) = images(record);
        match deletes(&record) {
            true if after => Some("a payload after".to_owned()),
            true if !before && !there(record.key.as_ref()) => Some("neither".to_owned()),
            _ => None,
        }
    })
    .await
}

async fn before(it: &Subject) -> Outcome {
    each(it, |record| {
        let new =
            [Operation::Create as i32, Operation::Snapshot as i32].contains(&record.operation);
        (new && images(record).0).then(|| "there is one".to_owned())
    })
    .await
}

const SCHEMAS: [&str; 2] = ["opencdc.payload.schema", "opencdc.key.schema"];

async fn schema(it: &Subject) -> Outcome {
    each(it, |record| {
        SCHEMAS.iter().find_map(|schema| {
            let get = |part: &str| record.metadata.get(&format!("{schema}.{part}"));
            match (get("subject"), get("version")) {
                (None, None) => None,
                (Some(_), Some(version)) if version.parse::<u32>().is_ok_and(|v| v > 0) => None,
                (Some(_), Some(version)) => Some(format!("{schema}.version is `{version}`")),
                _ => Some(format!("half of {schema}")),
            }
        })
    })
    .await
}

async fn schema_raw(it: &Subject) -> Outcome {
    let structured = |data: Option<&Data>| {
        matches!(
            data.and_then(|data| data.data.as_ref()),
            Some(Kind::StructuredData(_))
        )
    };
    each(it, |record| {
        let named = |schema: &str| record.metadata.contains_key(&format!("{schema}.subject"));
        let payload = record.payload.as_ref();
        let after = structured(payload.and_then(|p| p.after.as_ref()));
        let wrong =
            named(SCHEMAS[0]) && after || named(SCHEMAS[1]) && structured(record.key.as_ref());
        wrong.then(|| "they are structured".to_owned())
    })
    .await
}
