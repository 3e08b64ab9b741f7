//! A source that goes on after a position.

use std::sync::Arc;

use bytes::Bytes;

use super::exchange::Exchange;
use super::peer::{Answer, Question};
use super::script::{Acks, MOST, Script};
use super::subject::Subject;
use crate::rule::checks;
use crate::{Outcome, broken, skip};

checks! { Subject;
    "resume/opens" Must "conduit-connector-protocol, Source.Open" "it can be opened at each position that it sent"
    "read your own positions, also those of an earlier version" opens;
    "resume/complete" Must "conduit-connector-protocol, Source.Open" "opened at a position, it sends every record that came after it"
    "go on right after the position: the records between are lost otherwise" complete;
    "resume/nothing-again" Should "conduit-connector-protocol, Source.Open" "opened at a position, it sends no record up to that position again"
    "the record of the position was acknowledged: go on after it; one that can go on only from some records sends a few again" nothing_again;
    "resume/last" Must "conduit-connector-protocol, Source.Open" "opened at its last position, it runs and can be stopped"
    "nothing to read is no error" last;
    "resume/versions" Must "conduit-connector-protocol, connector.v1" "a position of version 2 can be opened in version 1"
    "platforms are changed in both directions: positions know nothing of the version" versions;
    "resume/garbage" Should "conduit-connector-protocol, Source.Open" "a position that it cannot read is answered, and the process lives"
    "return an error that shows the position; do not begin anew without a word" garbage;
}

/// From how many positions is gone on where some are enough: each start can take seconds.
const FEW: usize = 7;

/// The positions of a read from the beginning.
fn positions(seen: &Exchange) -> Vec<Bytes> {
    seen.records()
        .iter()
        .map(|record| record.position.clone())
        .collect()
}

/// Reads on from some places: the place's number, and what came.
async fn resumed(it: &Subject) -> Outcome<(Vec<Bytes>, Vec<(usize, Arc<Exchange>)>)> {
    let all = positions(&*it.read("1,2").await?);
    let mut seen = Vec::new();
    for place in it.places.among(all.len(), FEW) {
        let script = it.reading("1,2", &all[place], Acks::Each)?;
        seen.push((place, it.exchange(script).await?));
    }
    Ok((all, seen))
}

async fn opens(it: &Subject) -> Outcome {
    for (_, seen) in resumed(it).await?.1 {
        seen.answered("Open")?;
    }
    Ok(())
}

/// What the records of a read say, whatever their positions: a position may tell the same place in several ways.
fn rows(seen: &Exchange) -> Vec<String> {
    let records = seen.records();
    let said = records.iter().map(|record| {
        let (operation, key, payload) = (record.operation, &record.key, &record.payload);
        format!("{operation} {key:?} {payload:?}")
    });
    said.collect()
}

fn count(rows: &[String], row: &String) -> usize {
    rows.iter().filter(|one| *one == row).count()
}

async fn complete(it: &Subject) -> Outcome {
    let (all, resumed) = resumed(it).await?;
    let whole = rows(&*it.read("1,2").await?);
    let again = it
        .again(&it.reading("1,2", &Bytes::new(), Acks::Each)?)
        .await?;
    if !rows(&again).starts_with(&whole[..MOST.min(whole.len())]) {
        return skip("two reads from the beginning give different records");
    }
    for (place, seen) in resumed {
        seen.ran()?;
        let came = rows(&seen);
        // A read is cut somewhere, this one earlier by what comes again.
        let repeated = came
            .iter()
            .filter(|row| whole[..=place].contains(row))
            .count();
        let due = &whole[place + 1..];
        let due = match came.len() < MOST {
            true => due,
            false => &due[..due.len().min(came.len() - repeated)],
        };
        // Some number their records anew in each run: a position that comes is the record, too.
        let positions = positions(&seen);
        let lost = due
            .iter()
            .zip(&all[place + 1..])
            .position(|(row, position)| {
                !positions.contains(position) && count(&came, row) < count(due, row)
            });
        if let Some(lost) = lost {
            let (lost, place) = (
                all[place + 1 + lost].escape_ascii(),
                all[place].escape_ascii(),
            );
            return broken(
                format!("the record of `{lost}` does not come after `{place}`"),
                seen.shown(),
            );
        }
    }
    Ok(())
}

async fn nothing_again(it: &Subject) -> Outcome {
    let (all, resumed) = resumed(it).await?;
    let whole = rows(&*it.read("1,2").await?);
    for (place, seen) in resumed {
        let came = rows(&seen);
        let (before, after) = whole.split_at(place + 1);
        let again = |row: &String| came.contains(row) && !after.contains(row);
        if let Some(again) = before.iter().position(again) {
            let (again, place) = (all[again].escape_ascii(), all[place].escape_ascii());
            return broken(
                format!("the record of `{again}` comes again after `{place}`"),
                seen.shown(),
            );
        }
    }
    Ok(())
}

async fn last(it: &Subject) -> Outcome {
    let (_, resumed) = resumed(it).await?;
    let Some((_, seen)) = resumed.last() else {
        return skip("there is no position");
    };
    seen.ran()?;
    seen.stayed()?;
    seen.answered("Stop")
}

async fn versions(it: &Subject) -> Outcome {
    let all = positions(&*it.read("1,2").await?);
    let script = it.reading("1", &all[all.len() / 2], Acks::Each)?;
    let seen = it.exchange(script).await?;
    seen.answered("Open")?;
    seen.stayed()
}

async fn garbage(it: &Subject) -> Outcome {
    let position = Bytes::from_static(b"\x00conformance: no position\xff");
    let script = Script::new("1,2")
        .ask(Question::Configure(it.config()?))
        .ask(Question::Open(position))
        .torn_down();
    let seen = it.exchange(script).await?;
    match seen.answer("Open") {
        Some(Answer::Silence(_)) => broken("Open is not answered", seen.shown()),
        Some(Answer::Refused(refused)) if refused.broken => {
            broken(format!("Open: {refused}"), seen.shown())
        }
        Some(_) => seen.answered("Teardown"),
        None => skip("it was not asked"),
    }
}
