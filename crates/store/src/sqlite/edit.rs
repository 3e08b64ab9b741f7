//! What a person changes by hand: import, reset, rollback. Each takes the pipeline like a run does
//! and gets an epoch of its own, so that it neither disturbs a run nor is undone by one that is
//! late.

use std::collections::{BTreeMap, HashSet};

use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::store::{Refresh, RefreshMode};
use crossdock_core::{Error, StreamId, code};
use rusqlite::params;

use super::commit::one_kind;
use super::fault::Fault;
use super::history::{Change, Pruned};
use super::worker::Worker;
use super::{lane, lease, read};
use crossdock_core::state_array::global::{self, Rest};

/// Replaces all states.
pub(super) fn import(worker: &Worker, pipeline: &str, states: &[LaneState]) -> Result<(), Fault> {
    let kind = one_kind(states)?;
    let mut target = BTreeMap::new();
    for state in states {
        let text = lane::state_text(state)?.to_owned();
        let kind = kind.unwrap_or(state.kind);
        if target
            .insert(lane::key(&state.lane), (kind, text))
            .is_some()
        {
            return Err(
                Error::new(&code::STATE_IMPORT, "the same stream stands there twice")
                    .with("stream", &state.lane)
                    .into(),
            );
        }
    }
    edit(worker, pipeline, |change| {
        change.forget_refreshes()?;
        replace(change, &target)?;
        Ok(vec![Lane::Global])
    })
}

/// Forgets one stream's state, or all.
pub(super) fn reset(
    worker: &Worker,
    pipeline: &str,
    stream: Option<&StreamId>,
) -> Result<(), Fault> {
    require(worker, pipeline)?;
    edit(worker, pipeline, |change| match stream {
        None => {
            replace(change, &BTreeMap::new())?;
            Ok(vec![Lane::Global])
        }
        Some(stream) => {
            if !forget(change, pipeline, &[stream])? {
                let message = "the stream has no state to reset";
                return Err(Error::new(&code::STORED_STREAM_UNKNOWN, message)
                    .with("pipeline", pipeline)
                    .with("stream", stream)
                    .into());
            }
            Ok(vec![Lane::Stream(stream.clone())])
        }
    })
}

/// Forgets the states of streams that are to be read anew, and notes how.
pub(super) fn refresh(worker: &Worker, pipeline: &str, refreshes: &[Refresh]) -> Result<(), Fault> {
    require(worker, pipeline)?;
    let streams: Vec<&StreamId> = refreshes.iter().map(|one| &one.stream).collect();
    edit(worker, pipeline, |change| {
        forget(change, pipeline, &streams)?;
        change.note_refreshes(
            refreshes
                .iter()
                .map(|one| (&one.stream, one.mode.map(RefreshMode::as_str))),
        )?;
        Ok(streams.iter().map(|s| Lane::Stream((*s).clone())).collect())
    })
}

/// Takes the states of streams away, and tells whether there was any. A state of the whole source in one
/// piece goes only with all streams that it is of.
fn forget(change: &Change<'_>, pipeline: &str, streams: &[&StreamId]) -> Result<bool, Fault> {
    let keys: HashSet<String> = streams.iter().map(|s| lane::stream_key(s)).collect();
    let mut found = false;
    for (lane, kind, text) in change.current()? {
        if lane != lane::key(&Lane::Global) {
            if keys.contains(&lane) {
                change.set(&lane, None)?;
                found = true;
            }
            continue;
        }
        if kind == StateKind::Global && global::has_parts(&text)? {
            match global::without(&text, streams)? {
                Rest::Same => continue,
                Rest::Less(rest) => change.set(&lane, Some((kind, &rest)))?,
                Rest::Nothing => change.set(&lane, None)?,
            }
        } else {
            let all = change.streams()?;
            if all.is_empty() || !all.iter().all(|stream| keys.contains(stream)) {
                // The very part that a GLOBAL state without parts does not have.
                if kind == StateKind::Global && streams.len() == 1 {
                    continue;
                }
                let message = "the state covers the whole source, so one stream cannot be reset";
                let mut error = Error::new(&code::STATE_INDIVISIBLE, message)
                    .with("pipeline", pipeline)
                    .with("kind", lane::kind_name(kind));
                for stream in streams {
                    error = error.with("stream", stream);
                }
                return Err(error.into());
            }
            change.set(&lane, None)?;
        }
        found = true;
    }
    Ok(found)
}

/// Takes all lanes back to a version.
pub(super) fn rollback(worker: &Worker, pipeline: &str, version: i64) -> Result<(), Fault> {
    require(worker, pipeline)?;
    edit(worker, pipeline, |change| {
        let unknown = |message: &'static str| {
            Error::new(&code::STORE_VERSION_UNKNOWN, message)
                .with("pipeline", pipeline)
                .with("version", version)
        };
        if !change.has_version(version)? {
            return Err(unknown("the history has no such version").into());
        }
        let mut target = BTreeMap::new();
        for lane in change.lanes()? {
            match change.at_version(&lane, version)? {
                Ok(Some(state)) => {
                    target.insert(lane, state);
                }
                Ok(None) => {}
                // To take the lane for stateless would make its source read everything again.
                Err(Pruned) => {
                    let message = "the history of a stream does not go back to this version";
                    return Err(unknown(message).with("stream", lane::parse(&lane)?).into());
                }
            }
        }
        change.forget_refreshes()?;
        replace(change, &target)?;
        Ok(vec![Lane::Global])
    })
}

/// Makes `target` the states of the pipeline, touching only what differs.
fn replace(
    change: &Change<'_>,
    target: &BTreeMap<String, (StateKind, String)>,
) -> Result<(), Fault> {
    let current = change.current()?;
    for (lane, ..) in &current {
        if !target.contains_key(lane) {
            change.set(lane, None)?;
        }
    }
    for (lane, (kind, text)) in target {
        let same = current
            .iter()
            .any(|(l, k, t)| l == lane && k == kind && t == text);
        if !same {
            change.set(lane, Some((*kind, text)))?;
        }
    }
    Ok(())
}

/// Does an edit in one transaction, with the pipeline taken for as long. Which lanes it changed by hand
/// is kept, too, since a destination may have stored a newer state than the store.
fn edit(
    worker: &Worker,
    pipeline: &str,
    change: impl FnOnce(&Change<'_>) -> Result<Vec<Lane>, Fault>,
) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    // Held until the end of this function, i.e. until after the transaction.
    let _lock = worker.locks.take(pipeline, now)?;
    let tx = worker.write()?;
    let (id, epoch) = lease::take_over(&tx, pipeline)?;
    let edited = change(&Change::new(&tx, id, None, now)?)?;
    let mut note = tx.prepare_cached(
        "INSERT INTO edit (pipeline, lane, epoch) VALUES (?1, ?2, ?3)
         ON CONFLICT (pipeline, lane) DO UPDATE SET epoch = excluded.epoch",
    )?;
    for lane in &edited {
        note.execute(params![id, lane::key(lane), epoch])?;
    }
    drop(note);
    tx.commit()?;
    Ok(())
}

fn require(worker: &Worker, pipeline: &str) -> Result<(), Fault> {
    if read::is_known(&worker.connection, pipeline)? {
        return Ok(());
    }
    Err(
        Error::new(&code::PIPELINE_UNKNOWN, "the store knows no such pipeline")
            .with("pipeline", pipeline)
            .into(),
    )
}
