//! How a source runs, takes acks, and stops.

use std::sync::Arc;

use bytes::Bytes;
use crossdock_conduit::wire::proto::opencdc::v1::Record;

use super::exchange::Exchange;
use super::peer::{Answer, Config, Down, Question};
use super::script::{Acks, MOST, Script, Step};
use super::subject::{Subject, with_records};
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "run/readable" Must "conduit-connector-protocol, Source.Run" "every message of Run can be read"
    "texts must be UTF-8, also in metadata" readable;
    "run/readable-1" Must "conduit-connector-protocol, connector.v1 Source.Run" "version 1 gives records, one in each message"
    "send one record in each message" readable_1;
    "run/no-empty" Should "conduit-connector-protocol, Source.Run" "no message is without records"
    "wait until there is a record" no_empty;
    "run/no-end" Must "conduit, source node" "Run does not end by itself, also if there is nothing more to read"
    "wait for Stop: Conduit takes the end of Run for an error and starts the pipeline again" no_end;
    "run/acks-each" Must "conduit-connector-protocol, Source.Run" "acks are taken one by one, in order"
    "receive on Run all the time, beside reading" acks_each;
    "run/acks-together" Must "conduit-connector-protocol, Source.Run" "several acks in one message are taken"
    "go through the whole list" acks_together;
    "run/no-acks" Should "conduit, ack handling" "records go on to come though none is acknowledged yet"
    "acks come up to seconds late, and in bursts" no_acks;
    "run/slow-host" Must "conduit-connector-protocol, Source.Run" "a host that does not receive for a while gets every record afterwards, in order"
    "wait when the stream is full; do not drop" slow_host;
    "run/same-versions" Should "conduit-connector-protocol, connector.v1" "version 1 gives the records of version 2"
    "make messages of both versions from one record" same_versions;
    "run/batch-size" Should "conduit-connector-sdk, sdk.batch.size" "with sdk.batch.size no message has more records than that"
    "keep the size, if the parameter is in the specification" batch_size;
    "run/half-closed" Should "conduit-connector-sdk, source Run" "after Stop the end of acks ends Run without an error"
    "end Run when the host says that nothing more comes" half_closed;
    "stop/last-position" Must "conduit-connector-protocol, Source.Stop" "Stop answers the position of the last record that was sent"
    "Conduit receives until that one came, and waits for ever if it never comes" last_position;
    "stop/nothing-after" Must "conduit-connector-protocol, Source.Stop" "no record comes after the one that Stop named"
    "end the read loop before Stop is answered" nothing_after;
    "stop/at-once" Must "conduit-connector-protocol, Source.Stop" "Stop is answered though no record was received yet"
    "answer with the last position that was sent, empty if there was none" at_once;
    "stop/acks-after" Must "conduit, source node" "acks are still taken after Stop was answered"
    "receive on Run until it is ended by the host" acks_after;
    "open/refused-order" Should "conduit-connector-sdk, source state" "Open without Configure is refused, and the process lives"
    "return an error" refused_order;
}

fn beginning(it: &Subject, versions: &str, acks: Acks) -> Outcome<Script> {
    it.reading(versions, &Bytes::new(), acks)
}

/// The read went well; where it did not, what Run ended with.
async fn well(it: &Subject, script: Script) -> Outcome<Arc<Exchange>> {
    let seen = it.exchange(script).await?;
    seen.ran()?;
    seen.stayed()?;
    with_records(seen)
}

async fn readable(it: &Subject) -> Outcome {
    let seen = it.exchange(beginning(it, "1,2", Acks::Each)?).await?;
    seen.ran()?;
    match &seen.end {
        Some(Down::Unreadable(why)) => broken(why.clone(), seen.shown()),
        _ if seen.records().is_empty() => skip("no record came within the patience"),
        _ => Ok(()),
    }
}

async fn readable_1(it: &Subject) -> Outcome {
    let seen = it.exchange(beginning(it, "1", Acks::Each)?).await?;
    seen.ran()?;
    it.read("1,2").await?;
    if seen.records().is_empty() {
        return broken("no record comes in version 1", seen.shown());
    }
    seen.stayed()?;
    let version = seen
        .handshake()
        .map_or(0, |handshake| handshake.version.number());
    match seen.messages.iter().find(|message| message.len() > 1) {
        Some(message) if version == 1 => broken(
            format!("a message of {} records", message.len()),
            seen.shown(),
        ),
        _ => Ok(()),
    }
}

async fn no_empty(it: &Subject) -> Outcome {
    let seen = it.read("1,2").await?;
    match seen.messages.iter().any(Vec::is_empty) {
        true => broken("one is", seen.shown()),
        false => Ok(()),
    }
}

async fn no_end(it: &Subject) -> Outcome {
    let seen = it.exchange(beginning(it, "1,2", Acks::Each)?).await?;
    seen.ran()?;
    match &seen.end {
        Some(Down::End) => broken("Run ended", seen.shown()),
        Some(Down::Failed(refused)) => broken(format!("Run ended with {refused}"), seen.shown()),
        _ => Ok(()),
    }
}

async fn acks_each(it: &Subject) -> Outcome {
    let seen = well(it, beginning(it, "1,2", Acks::Each)?).await?;
    match seen.jammed {
        true => broken("an ack is not taken", seen.shown()),
        false => Ok(()),
    }
}

async fn acks_together(it: &Subject) -> Outcome {
    let seen = well(it, beginning(it, "1,2", Acks::Together)?).await?;
    match seen.jammed {
        true => broken("they are not taken", seen.shown()),
        false => Ok(()),
    }
}

async fn no_acks(it: &Subject) -> Outcome {
    let usual = it.read("1,2").await?.records().len();
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    let script = script.then([Step::Read(Acks::None, MOST)]).ended();
    let seen = well(it, script).await?;
    let came = seen.records().len();
    match came >= usual.min(MOST) {
        true => Ok(()),
        false => broken(
            format!("{came} records come, with acks {usual}"),
            seen.shown(),
        ),
    }
}

/// What makes a record the same as another, however often it is read: not when it was read.
fn content(record: &Record) -> Record {
    let mut content = record.clone();
    content.metadata.remove("opencdc.readAt");
    content
}

fn contents(seen: &Exchange) -> Vec<Record> {
    seen.records().into_iter().take(MOST).map(content).collect()
}

/// Nothing to compare if two reads from the beginning differ anyway.
async fn repeatable(it: &Subject) -> Outcome<Vec<Record>> {
    let seen = it.read("1,2").await?;
    let again = it.again(&beginning(it, "1,2", Acks::Each)?).await?;
    let (first, second) = (contents(&seen), contents(&again));
    match first == second {
        true => Ok(first),
        false => skip("two reads from the beginning give different records"),
    }
}

async fn slow_host(it: &Subject) -> Outcome {
    let usual = it.read("1,2").await?;
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    let script = script
        .then([Step::Pause, Step::Read(Acks::Each, 1), Step::Pause])
        .then([Step::Read(Acks::Each, MOST), Step::Stop, Step::Drain])
        .ended();
    let seen = well(it, script).await?;
    let positions = |seen: &Exchange| -> Vec<Bytes> {
        seen.records()
            .iter()
            .take(MOST)
            .map(|record| record.position.clone())
            .collect()
    };
    match (positions(&usual), positions(&seen)) {
        (usual, slow) if usual == slow => Ok(()),
        _ => match repeatable(it).await {
            Ok(_) => broken(
                "other records come than to a host that receives at once",
                seen.shown(),
            ),
            Err(skipped) => Err(skipped),
        },
    }
}

async fn same_versions(it: &Subject) -> Outcome {
    let expected = repeatable(it).await?;
    let seen = well(it, beginning(it, "1", Acks::Each)?).await?;
    match contents(&seen) == expected {
        true => Ok(()),
        false => broken("other records come", seen.shown()),
    }
}

async fn batch_size(it: &Subject) -> Outcome {
    const SIZE: usize = 2;
    let name = "sdk.batch.size";
    if !it.parameters().await?.iter().any(|(of, _)| of == name) {
        return skip("it has no sdk.batch.size");
    }
    let mut config: Config = it.config()?;
    config.insert(name.to_owned(), SIZE.to_string());
    config.insert("sdk.batch.delay".to_owned(), "100ms".to_owned());
    let script = Script::new("1,2").running(&config, &Bytes::new());
    let script = script.then([Step::Read(Acks::Each, MOST)]).ended();
    let seen = well(it, script).await?;
    match seen.messages.iter().find(|message| message.len() > SIZE) {
        Some(message) => broken(format!("one has {}", message.len()), seen.shown()),
        None => Ok(()),
    }
}

async fn half_closed(it: &Subject) -> Outcome {
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    let script = script
        .then([Step::Read(Acks::Each, MOST), Step::Stop, Step::Drain])
        .then([Step::HalfClose])
        .torn_down();
    let seen = it.exchange(script).await?;
    seen.ran()?;
    match &seen.end {
        Some(Down::End) => Ok(()),
        Some(Down::Failed(refused)) => broken(format!("it ends with {refused}"), seen.shown()),
        _ => broken("Run does not end", seen.shown()),
    }
}

async fn stopped(it: &Subject) -> Outcome<(Arc<Exchange>, Bytes)> {
    let seen = it.read("1,2").await?;
    match seen.answer("Stop") {
        Some(Answer::Position(position)) => Ok((seen.clone(), position.clone())),
        Some(answer) => broken(format!("Stop: {answer}"), seen.shown()),
        None => skip("Stop was not asked"),
    }
}

async fn last_position(it: &Subject) -> Outcome {
    let (seen, position) = stopped(it).await?;
    match seen
        .records()
        .iter()
        .any(|record| record.position == position)
    {
        true => Ok(()),
        false => broken(
            format!("`{}` is of no record that came", position.escape_ascii()),
            seen.shown(),
        ),
    }
}

async fn nothing_after(it: &Subject) -> Outcome {
    let (seen, position) = stopped(it).await?;
    let records = seen.records();
    match records.last() {
        Some(last) if last.position == position => Ok(()),
        _ => {
            let named = records
                .iter()
                .rposition(|record| record.position == position);
            let after = named.map_or(0, |at| records.len() - 1 - at);
            match after {
                0 => skip("Stop names no record that came"),
                after => broken(format!("{after} records came after it"), seen.shown()),
            }
        }
    }
}

async fn at_once(it: &Subject) -> Outcome {
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    let seen = it
        .exchange(script.then([Step::Stop, Step::Drain]).ended())
        .await?;
    seen.ran()?;
    seen.answered("Stop")
}

async fn acks_after(it: &Subject) -> Outcome {
    let script = Script::new("1,2").running(&it.config()?, &Bytes::new());
    // The first message is acknowledged late only as far as it is received after Stop.
    let script = script
        .then([
            Step::Read(Acks::None, 1),
            Step::Stop,
            Step::Drain,
            Step::Listen,
        ])
        .ended();
    let seen = it.exchange(script).await?;
    let seen = with_records(seen)?;
    match (&seen.end, seen.jammed) {
        (None, false) => Ok(()),
        (_, true) => broken("an ack is not taken", seen.shown()),
        (Some(_), _) => seen.stayed(),
    }
}

async fn refused_order(it: &Subject) -> Outcome {
    let script = Script::new("1,2")
        .ask(Question::Open(Bytes::new()))
        .torn_down();
    let seen = it.exchange(script).await?;
    match seen.answer("Open") {
        Some(Answer::Refused(refused)) if !refused.broken => seen.answered("Teardown"),
        Some(answer) => broken(answer.to_string(), seen.shown()),
        None => skip("it was not asked"),
    }
}
