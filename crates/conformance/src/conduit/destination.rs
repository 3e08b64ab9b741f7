//! How a destination acknowledges, and stops.

use bytes::Bytes;

use super::acks::all_answered;
use super::peer::Down;
use super::sample::{Sample, writing};
use super::script::{Script, Step};
use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken};

checks! { Subject;
    "acks/order" Must "conduit-connector-protocol, Destination.Run" "acks come in the order of the records"
    "Conduit compares each with the oldest record that is open, and fails on the first difference" order;
    "acks/positions" Must "conduit-connector-protocol, Destination.Run" "positions are copied into acks byte for byte"
    "a position is bytes, not text" positions;
    "acks/order-many" Must "conduit-connector-protocol, Destination.Run" "acks of a batch come in the order of the records"
    "acknowledge in the order of the batch, also if it was written in another" order_many;
    "acks/no-more" Must "conduit-connector-protocol, Destination.Run" "no record gets two acks"
    "a further ack fails the pipeline" no_more;
    "acks/no-empty" Should "conduit-connector-protocol, Destination.Run" "no message is without acks"
    "send a message when there is an ack" no_empty;
    "acks/not-unasked" Must "conduit-connector-protocol, Destination.Run" "no ack comes before a record"
    "wait for records" not_unasked;
    "acks/same-versions" Should "conduit-connector-protocol, connector.v1" "version 1 gives the acks of version 2"
    "make messages of both versions from one ack" same_versions;
    "run/idle" Must "conduit, destination node" "Run stays open while no record comes"
    "wait: a pipeline may be quiet for days" idle;
    "run/pipelined" Must "conduit, destination node" "records that are sent without waiting for acks are all acknowledged"
    "receive while you write" pipelined;
    "run/slow-host" Must "conduit-connector-protocol, Destination.Run" "a host that does not receive acks for a while gets all of them afterwards"
    "wait when the stream is full; do not drop" slow_host;
    "run/after" Must "conduit-connector-protocol, Destination.Run" "records that come after acknowledged ones are acknowledged, too"
    "go on with the next message" after;
    "run/half-closed" Should "conduit-connector-sdk, destination Run" "the end of records ends Run without an error, with all acks sent"
    "end Run after the last ack when the host says that nothing more comes" half_closed;
    "stop/answers" Must "conduit-connector-protocol, Destination.Stop" "Stop with the last position is answered"
    "write what is held back, and return" stop;
    "stop/flushes" Must "conduit-connector-protocol, Destination.Stop" "after Stop all records have their ack"
    "Conduit waits for all acks after Stop: flush batches in Stop" flushes;
    "stop/nothing-after" Must "conduit-connector-protocol, Destination.Stop" "no further ack comes after Stop"
    "acknowledge each record once" nothing_after;
    "stop/idle" Should "conduit-connector-protocol, Destination.Stop" "Stop is answered though no record was sent"
    "an empty position means that there was none" stop_idle;
}

async fn in_order(it: &Subject, versions: &str, sample: Sample) -> Outcome {
    let seen = all_answered(it, versions, sample).await?;
    let acks = seen.all_acks();
    let pairs = seen.sent.iter().zip(&acks).enumerate();
    for (number, (record, ack)) in pairs {
        if record.position != ack.position {
            let (due, is) = (record.position.escape_ascii(), ack.position.escape_ascii());
            return broken(
                format!("ack {} is of `{is}`, not of `{due}`", number + 1),
                seen.shown(),
            );
        }
    }
    Ok(())
}

async fn order(it: &Subject) -> Outcome {
    in_order(it, "1,2", Sample::Usual).await
}

async fn positions(it: &Subject) -> Outcome {
    in_order(it, "1,2", Sample::Positions).await
}

async fn order_many(it: &Subject) -> Outcome {
    in_order(it, "1,2", Sample::Many).await
}

async fn no_more(it: &Subject) -> Outcome {
    let seen = all_answered(it, "1,2", Sample::Usual).await?;
    let (sent, acks) = (seen.sent.len(), seen.all_acks().len());
    match acks > sent {
        true => broken(format!("{sent} records get {acks} acks"), seen.shown()),
        false => Ok(()),
    }
}

async fn no_empty(it: &Subject) -> Outcome {
    let seen = all_answered(it, "1,2", Sample::Usual).await?;
    match seen.acks.iter().any(Vec::is_empty) {
        true => broken("one is", seen.shown()),
        false => Ok(()),
    }
}

async fn same_versions(it: &Subject) -> Outcome {
    let first = all_answered(it, "1", Sample::Usual).await?;
    let second = all_answered(it, "2", Sample::Usual).await?;
    match first.all_acks() == second.all_acks() {
        true => Ok(()),
        false => broken("the acks differ", first.shown()),
    }
}

fn running(it: &Subject) -> Outcome<Script> {
    Ok(Script::new("1,2").running(&it.config()?, &Bytes::new()))
}

async fn not_unasked(it: &Subject) -> Outcome {
    let seen = it
        .exchange(running(it)?.then([Step::Listen]).ended())
        .await?;
    seen.ran()?;
    match seen.acks.is_empty() {
        true => Ok(()),
        false => broken("one comes", seen.shown()),
    }
}

async fn idle(it: &Subject) -> Outcome {
    let seen = it
        .exchange(running(it)?.then([Step::Listen]).ended())
        .await?;
    seen.ran()?;
    seen.stayed()
}

/// These steps lead to an ack for each record that was sent.
async fn acknowledged(it: &Subject, steps: Vec<Step>) -> Outcome {
    let seen = it.exchange(running(it)?.then(steps).ended()).await?;
    seen.ran()?;
    let (sent, acks) = (seen.sent.len(), seen.all_acks().len());
    match acks == sent {
        true => Ok(()),
        false => {
            seen.stayed()?;
            broken(format!("{sent} records get {acks} acks"), seen.shown())
        }
    }
}

/// A hundred messages of one record each.
fn singly() -> Vec<Step> {
    let records = Sample::Many.records().into_iter().take(100);
    records.map(|record| Step::Send(vec![record])).collect()
}

async fn pipelined(it: &Subject) -> Outcome {
    let mut steps = singly();
    steps.push(Step::Hear);
    acknowledged(it, steps).await
}

async fn slow_host(it: &Subject) -> Outcome {
    let mut steps = singly();
    steps.extend([Step::Pause, Step::Hear]);
    acknowledged(it, steps).await
}

async fn after(it: &Subject) -> Outcome {
    let mut records = Sample::Usual.records();
    let last = records.split_off(2);
    let steps = vec![
        Step::Send(records),
        Step::Hear,
        Step::Send(last),
        Step::Hear,
    ];
    acknowledged(it, steps).await
}

async fn half_closed(it: &Subject) -> Outcome {
    let script = running(it)?.then([Step::Send(Sample::Usual.records()), Step::HalfClose]);
    let seen = it.exchange(script.torn_down()).await?;
    seen.ran()?;
    let (sent, acks) = (seen.sent.len(), seen.all_acks().len());
    match &seen.end {
        Some(Down::End) if sent == acks => Ok(()),
        Some(Down::End) => broken(format!("{sent} records get {acks} acks"), seen.shown()),
        Some(Down::Failed(refused)) => broken(format!("it ends with {refused}"), seen.shown()),
        _ => broken("Run does not end", seen.shown()),
    }
}

async fn stop(it: &Subject) -> Outcome {
    let script = writing("1,2", &it.config()?, Sample::Usual);
    let seen = it.exchange(script).await?;
    seen.ran()?;
    seen.answered("Stop")
}

async fn flushes(it: &Subject) -> Outcome {
    let send = Step::Send(Sample::Usual.records());
    acknowledged(it, vec![send, Step::Stop, Step::Drain]).await
}

async fn nothing_after(it: &Subject) -> Outcome {
    let script = writing("1,2", &it.config()?, Sample::Usual);
    let seen = it.exchange(script).await?;
    seen.ran()?;
    match seen.unasked {
        0 => Ok(()),
        more => broken(format!("{more} come"), seen.shown()),
    }
}

async fn stop_idle(it: &Subject) -> Outcome {
    let seen = it.exchange(running(it)?.then([Step::Stop]).ended()).await?;
    seen.ran()?;
    seen.answered("Stop")
}
