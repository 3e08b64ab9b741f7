//! What a run writes while it goes on.

use std::collections::{BTreeMap, HashSet};

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::store::{Commit, Generation, Lease, StoredConfig};
use crossdock_core::{Error, Result, StreamId, code};
use rusqlite::{Transaction, params};

use super::fault::Fault;
use super::history::Change;
use super::worker::Worker;
use super::{lane, lease, run};
use crossdock_core::state_array::global::{self, Rest};

/// P2, P4: states, marks and counts in one transaction, which is on the disk when this returns.
pub(super) fn commit(worker: &Worker, lease: &Lease, commit: &Commit) -> Result<(), Fault> {
    let kind = one_kind(&commit.states)?;
    let now = worker.clock.now_ms();
    let tx = worker.write()?;
    let pipeline = lease::check(&tx, lease)?;
    if let Some(kind) = kind {
        let change = Change::new(&tx, pipeline, Some(lease.run), now)?;
        set_states(&change, &commit.states, kind)?;
    }
    let mut mark = tx.prepare_cached(
        "INSERT INTO mark (pipeline, epoch, lane, seq) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (pipeline, epoch, lane) DO UPDATE SET seq = max(seq, excluded.seq)",
    )?;
    for (lane, seq) in &commit.marks {
        let seq = lane::to_sql(seq.0);
        mark.execute(params![pipeline, lease.epoch, lane::key(lane), seq])?;
    }
    drop(mark);
    run::upsert_streams(&tx, lease.run, &commit.streams)?;
    upsert_generations(&tx, pipeline, &commit.generations)?;
    tx.commit()?;
    Ok(())
}

/// The one kind of all these states, `None` for no states. Fails where kinds are mixed or a kind
/// cannot stand on its lane.
pub(super) fn one_kind(states: &[LaneState]) -> Result<Option<StateKind>> {
    let Some(first) = states.first() else {
        return Ok(None);
    };
    for state in states {
        if state.kind != first.kind {
            let message = "states of different kinds cannot be kept together";
            return Err(Error::new(&code::STATE_MIXED, message)
                .with("kind", lane::kind_name(first.kind))
                .with("other_kind", lane::kind_name(state.kind)));
        }
        let fits = match state.kind {
            StateKind::Stream => state.lane != Lane::Global,
            StateKind::Global | StateKind::Legacy => state.lane == Lane::Global,
            StateKind::Position => true,
        };
        if !fits {
            let message = "a state does not cover what its kind covers";
            return Err(Error::new(&code::STATE_INVALID, message)
                .with("kind", lane::kind_name(state.kind))
                .with("lane", &state.lane));
        }
    }
    Ok(Some(first.kind))
}

/// Sets these states and takes away those of another kind.
fn set_states(change: &Change<'_>, states: &[LaneState], kind: StateKind) -> Result<(), Fault> {
    let mut new = BTreeMap::new();
    for state in states {
        new.insert(lane::key(&state.lane), lane::state_text(state)?);
    }
    for (lane, old_kind, _) in change.current()? {
        if old_kind != kind && !new.contains_key(&lane) {
            change.set(&lane, None)?;
        }
    }
    for (lane, text) in new {
        change.set(&lane, Some((kind, text)))?;
    }
    Ok(())
}

/// Forgets the states of lanes. A stream's part of a GLOBAL state is taken out of it; where the
/// whole source has a state of another form, a stream has none that could be forgotten.
pub(super) fn clear(worker: &Worker, lease: &Lease, lanes: &[Lane]) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    let tx = worker.write()?;
    let pipeline = lease::check(&tx, lease)?;
    let change = Change::new(&tx, pipeline, Some(lease.run), now)?;
    let mut streams: Vec<&StreamId> = Vec::new();
    let current = change.current()?;
    let known: HashSet<_> = current.iter().map(|(lane, ..)| lane).collect();
    for lane in lanes {
        let key = lane::key(lane);
        if known.contains(&key) {
            change.set(&key, None)?;
        } else if let Lane::Stream(stream) = lane {
            streams.push(stream);
        }
    }
    let whole = current
        .iter()
        .find(|(_, kind, _)| *kind == StateKind::Global);
    if let Some((lane, kind, text)) = whole
        && !lanes.contains(&Lane::Global)
    {
        match global::without(text, &streams)? {
            Rest::Same => {}
            Rest::Less(rest) => change.set(lane, Some((*kind, &rest)))?,
            Rest::Nothing => change.set(lane, None)?,
        }
    }
    tx.commit()?;
    Ok(())
}

/// Sets the generations of the streams named. A refresh of them is begun with the same transaction: it is
/// asked for until then, and not any more.
pub(super) fn set_generations(
    worker: &Worker,
    lease: &Lease,
    generations: &[Generation],
) -> Result<(), Fault> {
    let tx = worker.write()?;
    let pipeline = lease::check(&tx, lease)?;
    upsert_generations(&tx, pipeline, generations)?;
    let mut begun = tx.prepare_cached("DELETE FROM refresh WHERE pipeline = ?1 AND stream = ?2")?;
    for one in generations {
        begun.execute(params![pipeline, lane::stream_key(&one.stream)])?;
    }
    drop(begun);
    tx.commit()?;
    Ok(())
}

fn upsert_generations(
    tx: &Transaction<'_>,
    pipeline: i64,
    generations: &[Generation],
) -> Result<(), Fault> {
    let mut upsert = tx.prepare_cached(
        "INSERT INTO generation (pipeline, stream, generation, complete, truncates)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (pipeline, stream) DO UPDATE SET generation = excluded.generation,
             complete = excluded.complete, truncates = excluded.truncates",
    )?;
    for one in generations {
        upsert.execute(params![
            pipeline,
            lane::stream_key(&one.stream),
            one.generation,
            one.complete,
            one.truncates
        ])?;
    }
    Ok(())
}

/// Keeps the catalog of the run that holds the lease.
pub(super) fn save_catalog(
    worker: &Worker,
    lease: &Lease,
    catalog: &ConfiguredCatalog,
) -> Result<(), Fault> {
    let text = serde_json::to_string(catalog)
        .map_err(|e| Error::new(&code::INTERNAL, "could not write a catalog").caused_by(e))?;
    let tx = worker.write()?;
    let pipeline = lease::check(&tx, lease)?;
    tx.prepare_cached(
        "INSERT INTO catalog (pipeline, run, catalog) VALUES (?1, ?2, ?3)
         ON CONFLICT (pipeline) DO UPDATE SET run = excluded.run, catalog = excluded.catalog",
    )?
    .execute(params![pipeline, lease.run, text])?;
    tx.prepare_cached("DELETE FROM review WHERE pipeline = ?1")?
        .execute([pipeline])?;
    tx.commit()?;
    Ok(())
}

/// Keeps a connector's configuration. It is not fenced: a connector may replace it in any command.
pub(super) fn save_config(
    worker: &Worker,
    pipeline: &str,
    role: &str,
    config: &StoredConfig,
) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    let tx = worker.write()?;
    let id: i64 = tx
        .prepare_cached(
            "INSERT INTO pipeline (name, epoch) VALUES (?1, 0)
             ON CONFLICT (name) DO UPDATE SET epoch = epoch RETURNING id",
        )?
        .query_row([pipeline], |row| row.get(0))?;
    tx.prepare_cached(
        "INSERT INTO config (pipeline, role, base, config, saved_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (pipeline, role) DO UPDATE SET base = excluded.base,
             config = excluded.config, saved_at = excluded.saved_at",
    )?
    .execute(params![
        id,
        role,
        config.base.to_string(),
        config.config.to_string(),
        now
    ])?;
    tx.commit()?;
    Ok(())
}
