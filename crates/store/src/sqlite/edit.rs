//! What a person changes by hand: import, reset, rollback. Each takes the pipeline like a run does
//! and gets an epoch of its own, so that it neither disturbs a run nor is undone by one that is
//! late.

use std::collections::BTreeMap;

use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::{Error, StreamId, code};
use rusqlite::params;

use super::commit::one_kind;
use super::fault::Fault;
use super::history::{Change, Pruned};
use super::worker::Worker;
use super::{lane, lease, read};
use crossdock_core::state_array::global;

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
    edit(worker, pipeline, &Lane::Global, |change| {
        replace(change, &target)
    })
}

/// Forgets one stream's state, or all.
pub(super) fn reset(
    worker: &Worker,
    pipeline: &str,
    stream: Option<&StreamId>,
) -> Result<(), Fault> {
    require(worker, pipeline)?;
    let lane = stream.map_or(Lane::Global, |stream| Lane::Stream(stream.clone()));
    edit(worker, pipeline, &lane, |change| match stream {
        None => replace(change, &BTreeMap::new()),
        Some(stream) => reset_stream(change, pipeline, stream),
    })
}

fn reset_stream(change: &Change<'_>, pipeline: &str, stream: &StreamId) -> Result<(), Fault> {
    let key = lane::stream_key(stream);
    let current = change.current()?;
    if current.iter().any(|(lane, ..)| *lane == key) {
        return change.set(&key, None);
    }
    let whole = lane::key(&Lane::Global);
    match current.iter().find(|(lane, ..)| *lane == whole) {
        Some((_, StateKind::Global, text)) => {
            if let Some(rest) = global::without(text, stream)? {
                return change.set(&whole, Some((StateKind::Global, &rest)));
            }
        }
        Some((_, kind, _)) => {
            let message = "the state covers the whole source, so one stream cannot be reset";
            return Err(Error::new(&code::STATE_INDIVISIBLE, message)
                .with("pipeline", pipeline)
                .with("stream", stream)
                .with("kind", lane::kind_name(*kind))
                .into());
        }
        None => {}
    }
    Err(Error::new(
        &code::STORED_STREAM_UNKNOWN,
        "the stream has no state to reset",
    )
    .with("pipeline", pipeline)
    .with("stream", stream)
    .into())
}

/// Takes all lanes back to a version.
pub(super) fn rollback(worker: &Worker, pipeline: &str, version: i64) -> Result<(), Fault> {
    require(worker, pipeline)?;
    edit(worker, pipeline, &Lane::Global, |change| {
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
        replace(change, &target)
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

/// Does an edit in one transaction, with the pipeline taken for as long. That `edited` was changed
/// by hand is kept, too, since a destination may have stored a newer state than the store.
fn edit(
    worker: &Worker,
    pipeline: &str,
    edited: &Lane,
    change: impl FnOnce(&Change<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    // Held until the end of this function, i.e. until after the transaction.
    let _lock = worker.locks.take(pipeline, now)?;
    let tx = worker.write()?;
    let (id, epoch) = lease::take_over(&tx, pipeline)?;
    change(&Change::new(&tx, id, None, now)?)?;
    tx.prepare_cached(
        "INSERT INTO edit (pipeline, lane, epoch) VALUES (?1, ?2, ?3)
         ON CONFLICT (pipeline, lane) DO UPDATE SET epoch = excluded.epoch",
    )?
    .execute(params![id, lane::key(edited), epoch])?;
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
