//! What stands in the system behind a destination, as a source of that system reads it.

use bytes::Bytes;

use super::exchange::Exchange;
use super::sample::{marked, position};
use super::script::{Script, Step};
use super::subject::Subject;
use crate::rule::checks;
use crate::store::fragile;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "stored/acked" Must "conduit-connector-protocol, Destination.Run" "a record that is acknowledged without an error is stored, although the process is killed then"
    "acknowledge after the record is durable, not when it comes" acked;
    "stored/stopped" Must "conduit-connector-protocol, Destination.Stop" "every record that is acknowledged without an error is stored after Stop and Teardown"
    "flush in Stop, and do not lose an error of it" stopped;
    "stored/version-1" Must "conduit-connector-protocol, connector.v1 Destination.Run" "the same in version 1"
    "both versions share what writes" version_1;
    "stored/many" Must "conduit-connector-protocol, Destination.Run" "all of many records that come at once are stored"
    "the new architecture sends batches" many;
    "stored/text" Should "OpenCDC record, structured data" "a text of many scripts, with quotes and line ends, comes back as it was"
    "treat texts as UTF-8; escape, do not replace" text;
}

/// Every record of these marks, in their order, that is acknowledged without an error is stored.
async fn kept(it: &Subject, seen: &Exchange, marks: &[String]) -> Outcome {
    seen.ran()?;
    let good = |at: &usize| {
        let mut acks = seen.all_acks().into_iter();
        acks.any(|ack| ack.position == position(*at) && ack.error.is_empty())
    };
    let acked: Vec<String> = (0..marks.len())
        .filter(good)
        .map(|at| marks[at].clone())
        .collect();
    if acked.is_empty() {
        return skip("no record is acknowledged without an error");
    }
    match it.store.stored(seen.shown()).await?.missing(&acked) {
        None => Ok(()),
        Some(mark) => broken(
            format!("the record with `{mark}`, which is acknowledged, is not stored"),
            seen.shown(),
        ),
    }
}

/// A connector that runs, and is sent what has these marks, all in one message.
fn sent(it: &Subject, versions: &str, marks: &[String]) -> Outcome<Script> {
    let script = Script::new(versions).running(&it.config()?, &Bytes::new());
    let records = marks.iter().enumerate();
    let records = records.map(|(at, mark)| marked(at, mark)).collect();
    Ok(script.then([Step::Send(records), Step::Hear]))
}

async fn acked(it: &Subject) -> Outcome {
    for count in 1..=4 {
        let marks = it.store.marks(count)?;
        let mut script = Script::new("1,2").running(&it.config()?, &Bytes::new());
        for (at, mark) in marks.iter().enumerate() {
            script = script.then([Step::Send(vec![marked(at, mark)]), Step::Hear]);
        }
        let seen = it.exchange(script.then([Step::Kill, Step::Exit])).await?;
        kept(it, &seen, &marks).await?;
    }
    Ok(())
}

async fn stored(it: &Subject, versions: &str, count: usize) -> Outcome {
    let marks = it.store.marks(count)?;
    let script = sent(it, versions, &marks)?.then([Step::Stop, Step::Drain]);
    let seen = it.exchange(script.ended()).await?;
    kept(it, &seen, &marks).await
}

async fn stopped(it: &Subject) -> Outcome {
    stored(it, "1,2", 3).await
}

async fn version_1(it: &Subject) -> Outcome {
    stored(it, "1", 3).await
}

async fn many(it: &Subject) -> Outcome {
    stored(it, "1,2", 200).await
}

async fn text(it: &Subject) -> Outcome {
    let marks = it.store.marks(1)?;
    let text = fragile(&marks[0]);
    let script = sent(it, "1,2", std::slice::from_ref(&text))?.then([Step::Stop, Step::Drain]);
    let seen = it.exchange(script.ended()).await?;
    kept(it, &seen, &marks).await?;
    match it.store.stored(seen.shown()).await?.has(&text) {
        true => Ok(()),
        false => broken("the text is stored as another one", seen.shown()),
    }
}
