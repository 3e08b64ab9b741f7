//! What a destination answers to records of every kind.

use std::sync::Arc;

use crossdock_conduit::wire::handshake::MAX_RECEIVE;

use super::exchange::Exchange;
use super::peer::Down;
use super::sample::{Sample, writing};
use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "write/accepted" Must "conduit-connector-protocol, Destination.Run" "structured or raw records are written, and acknowledged without an error"
    "the error of the ack says why not; is the configuration right?" accepted;
    "write/structured" Must "OpenCDC record, structured data" "structured data are answered with acks"
    "put what cannot be written into the ack's error; do not end Run" structured;
    "write/raw" Must "OpenCDC record, raw data" "raw data are answered with acks"
    "put what cannot be written into the ack's error; do not end Run" raw;
    "write/one" Must "conduit-connector-protocol, Destination.Run" "a message of one record is answered"
    "Conduit sends one record in each message" one;
    "write/many" Must "conduit-connector-protocol, Destination.Run" "a message of many records is answered"
    "the new architecture sends batches" many;
    "write/one-1" Must "conduit-connector-protocol, connector.v1 Destination.Run" "version 1 is answered record by record"
    "send one ack in each message" one_1;
    "write/unicode" Must "OpenCDC record" "names and values of any script are answered"
    "treat texts as UTF-8; quote names" unicode;
    "write/numbers" Must "OpenCDC record, structured data" "numbers at the edges of their range are answered"
    "all numbers come as doubles" numbers;
    "write/nested" Must "OpenCDC record, structured data" "nulls, lists and objects within are answered"
    "handle null and nested values" nested;
    "write/no-key" Must "OpenCDC record, key" "a record without a key is answered"
    "a key may be absent" no_key;
    "write/no-payload" Must "OpenCDC record, payload" "a record without a payload is answered"
    "look whether it is there before it is used" no_payload;
    "write/no-metadata" Must "OpenCDC record, metadata" "a record without metadata is answered"
    "a missing map is an empty one" no_metadata;
    "write/unknown-metadata" Must "OpenCDC record, metadata" "unknown metadata, many and long, are answered"
    "pass over what you do not know" unknown_metadata;
    "write/snapshot" Must "OpenCDC record, operation" "a snapshot is answered"
    "write it like a create" snapshot;
    "write/update" Must "OpenCDC record, operation" "an update without an image before is answered"
    "few sources know the image before" update;
    "write/delete" Must "OpenCDC record, operation" "a delete is answered"
    "it may have nothing but a key" delete;
    "write/duplicate" Must "conduit, at-least-once" "two records with one position get an ack each"
    "do not drop what comes again: the host waits for its ack" duplicate;
    "write/large" Must "conduit-connector-sdk, max receive record size" "a record a little below four MiB is answered"
    "four MiB are the default limit of a message" large;
    "write/larger" Should "conduit-connector-sdk, max receive record size" "with CONDUIT_CONNECTOR_MAX_RECEIVE_RECORD_SIZE a larger record is answered"
    "use the variable as the server's limit (SDK 0.14 and later do)" larger;
    "write/too-large" Should "conduit-connector-sdk, max receive record size" "a message over the limit is refused with RESOURCE_EXHAUSTED, and Teardown is answered"
    "set the limit in the server; do not run out of memory" too_large;
}

/// These records are answered with one ack each, whatever the acks say.
pub(super) async fn all_answered(
    it: &Subject,
    versions: &str,
    sample: Sample,
) -> Outcome<Arc<Exchange>> {
    let seen = it
        .exchange(writing(versions, &it.config()?, sample))
        .await?;
    seen.ran()?;
    let (sent, acks) = (seen.sent.len(), seen.all_acks().len());
    if acks >= sent {
        return Ok(seen);
    }
    match &seen.end {
        Some(_) => seen.stayed().map(|()| seen.clone()),
        None => broken(format!("{sent} records get {acks} acks"), seen.shown()),
    }
}

async fn answered(it: &Subject, sample: Sample) -> Outcome {
    all_answered(it, "1,2", sample).await.map(drop)
}

async fn accepted(it: &Subject) -> Outcome {
    let mut errors = Vec::new();
    for sample in [Sample::Usual, Sample::Raw] {
        let Ok(seen) = all_answered(it, "1,2", sample).await else {
            continue;
        };
        match seen.all_acks().iter().find(|ack| !ack.error.is_empty()) {
            None => return Ok(()),
            Some(ack) => errors.push((ack.error.clone(), seen)),
        }
    }
    match errors.into_iter().next() {
        Some((error, seen)) => broken(format!("the error is `{error}`"), seen.shown()),
        None => skip("no record is answered at all"),
    }
}

async fn structured(it: &Subject) -> Outcome {
    answered(it, Sample::Usual).await
}

async fn raw(it: &Subject) -> Outcome {
    answered(it, Sample::Raw).await
}

async fn one(it: &Subject) -> Outcome {
    answered(it, Sample::One).await
}

async fn many(it: &Subject) -> Outcome {
    answered(it, Sample::Many).await
}

async fn one_1(it: &Subject) -> Outcome {
    all_answered(it, "1", Sample::Usual).await.map(drop)
}

async fn unicode(it: &Subject) -> Outcome {
    answered(it, Sample::Unicode).await
}

async fn numbers(it: &Subject) -> Outcome {
    answered(it, Sample::Numbers).await
}

async fn nested(it: &Subject) -> Outcome {
    answered(it, Sample::Nested).await
}

async fn no_key(it: &Subject) -> Outcome {
    answered(it, Sample::Keyless).await
}

async fn no_payload(it: &Subject) -> Outcome {
    answered(it, Sample::Empty).await
}

async fn no_metadata(it: &Subject) -> Outcome {
    answered(it, Sample::Bare).await
}

async fn unknown_metadata(it: &Subject) -> Outcome {
    answered(it, Sample::Metadata).await
}

async fn snapshot(it: &Subject) -> Outcome {
    answered(it, Sample::Snapshot).await
}

async fn update(it: &Subject) -> Outcome {
    answered(it, Sample::Update).await
}

async fn delete(it: &Subject) -> Outcome {
    answered(it, Sample::Delete).await
}

async fn duplicate(it: &Subject) -> Outcome {
    answered(it, Sample::Twice).await
}

/// The default limit of a message.
const LIMIT: usize = 4 << 20;

async fn large(it: &Subject) -> Outcome {
    answered(it, Sample::Large(LIMIT - 4096)).await
}

async fn larger(it: &Subject) -> Outcome {
    let script = writing("1,2", &it.config()?, Sample::Large(LIMIT + 4096));
    let seen = it.exchange(script.env(MAX_RECEIVE, "16777216")).await?;
    seen.ran()?;
    match seen.all_acks().len() {
        1 => Ok(()),
        _ => {
            seen.stayed()?;
            broken("no ack comes", seen.shown())
        }
    }
}

async fn too_large(it: &Subject) -> Outcome {
    let script = writing("1,2", &it.config()?, Sample::Large(2 * LIMIT));
    let seen = it.exchange(script).await?;
    seen.ran()?;
    match &seen.end {
        Some(Down::Failed(refused)) if refused.code == 8 => seen.answered("Teardown"),
        Some(Down::Failed(refused)) => broken(refused.to_string(), seen.shown()),
        _ if !seen.acks.is_empty() => broken("it is taken", seen.shown()),
        _ => broken("nothing comes", seen.shown()),
    }
}
