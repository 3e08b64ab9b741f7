//! Changing lanes' states, and remembering each change.

use crossdock_core::StreamId;
use crossdock_core::checkpoint::{Lane, StateKind};
use crossdock_core::store::HistoryEntry;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::fault::Fault;
use super::lane;

/// How many changes of each lane are kept.
pub(super) const KEPT: i64 = 200;

/// A state's kind and text; `None` is "no state".
pub(super) type StateText = Option<(StateKind, String)>;

/// One commit or edit: all changes made through it bear one version.
pub(super) struct Change<'t> {
    tx: &'t Transaction<'t>,
    pub(super) pipeline: i64,
    run: Option<i64>,
    now: i64,
    version: i64,
}

impl<'t> Change<'t> {
    /// Begins a change in a transaction that may write.
    pub(super) fn new(
        tx: &'t Transaction<'t>,
        pipeline: i64,
        run: Option<i64>,
        now: i64,
    ) -> Result<Self, Fault> {
        // The newest row is never pruned, so this only grows.
        let version = tx
            .prepare_cached("SELECT coalesce(max(id), 0) + 1 FROM history")?
            .query_row([], |row| row.get(0))?;
        Ok(Self {
            tx,
            pipeline,
            run,
            now,
            version,
        })
    }

    /// Sets a lane's state and adds the change to the history.
    pub(super) fn set(&self, lane: &str, state: Option<(StateKind, &str)>) -> Result<(), Fault> {
        match state {
            Some((kind, text)) => self
                .tx
                .prepare_cached(
                    "INSERT INTO lane_state (pipeline, lane, kind, state) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (pipeline, lane)
                     DO UPDATE SET kind = excluded.kind, state = excluded.state",
                )?
                .execute(params![self.pipeline, lane, lane::kind_name(kind), text])?,
            None => self
                .tx
                .prepare_cached("DELETE FROM lane_state WHERE pipeline = ?1 AND lane = ?2")?
                .execute(params![self.pipeline, lane])?,
        };
        let ordinal: i64 = self
            .tx
            .prepare_cached(
                "SELECT coalesce(max(ordinal), 0) + 1 FROM history WHERE pipeline = ?1 AND lane = ?2",
            )?
            .query_row(params![self.pipeline, lane], |row| row.get(0))?;
        self.tx
            .prepare_cached(
                "INSERT INTO history
                     (version, pipeline, lane, ordinal, committed_at, run, kind, state)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                self.version,
                self.pipeline,
                lane,
                ordinal,
                self.now,
                self.run,
                state.map(|(kind, _)| lane::kind_name(kind)),
                state.map(|(_, text)| text),
            ])?;
        self.tx
            .prepare_cached(
                "DELETE FROM history WHERE pipeline = ?1 AND lane = ?2 AND ordinal <= ?3",
            )?
            .execute(params![self.pipeline, lane, ordinal - KEPT])?;
        Ok(())
    }

    /// The states as they are now: lane, kind, text.
    pub(super) fn current(&self) -> Result<Vec<(String, StateKind, String)>, Fault> {
        let mut select = self.tx.prepare_cached(
            "SELECT lane, kind, state FROM lane_state WHERE pipeline = ?1 ORDER BY lane",
        )?;
        let mut rows = select.query([self.pipeline])?;
        let mut states = Vec::new();
        while let Some(row) = rows.next()? {
            let kind = lane::parse_kind(&row.get::<_, String>(1)?)?;
            states.push((row.get(0)?, kind, row.get(2)?));
        }
        Ok(states)
    }

    /// The streams that have a generation: all that were ever moved.
    pub(super) fn streams(&self) -> Result<Vec<String>, Fault> {
        let mut select = self
            .tx
            .prepare_cached("SELECT stream FROM generation WHERE pipeline = ?1 ORDER BY stream")?;
        let streams = select.query_map([self.pipeline], |row| row.get(0))?;
        Ok(streams.collect::<Result<_, _>>()?)
    }

    /// Notes which streams the next run is to read anew, and in which mode.
    pub(super) fn note_refreshes<'a>(
        &self,
        refreshes: impl Iterator<Item = (&'a StreamId, Option<&'static str>)>,
    ) -> Result<(), Fault> {
        let mut note = self.tx.prepare_cached(
            "INSERT INTO refresh (pipeline, stream, mode) VALUES (?1, ?2, ?3)
             ON CONFLICT (pipeline, stream) DO UPDATE SET mode = excluded.mode",
        )?;
        for (stream, mode) in refreshes {
            note.execute(params![self.pipeline, lane::stream_key(stream), mode])?;
        }
        Ok(())
    }

    /// What was noted stands no longer, since states were set by hand.
    pub(super) fn forget_refreshes(&self) -> Result<(), Fault> {
        self.tx
            .prepare_cached("DELETE FROM refresh WHERE pipeline = ?1")?
            .execute([self.pipeline])?;
        Ok(())
    }

    /// Whether `version` is one of this pipeline's that is still there.
    pub(super) fn has_version(&self, version: i64) -> Result<bool, Fault> {
        Ok(self
            .tx
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM history WHERE pipeline = ?1 AND version = ?2)",
            )?
            .query_row(params![self.pipeline, version], |row| row.get(0))?)
    }

    /// Every lane that ever had a state.
    pub(super) fn lanes(&self) -> Result<Vec<String>, Fault> {
        let mut select = self.tx.prepare_cached(
            "SELECT DISTINCT lane FROM history WHERE pipeline = ?1 ORDER BY lane",
        )?;
        let lanes = select.query_map([self.pipeline], |row| row.get(0))?;
        Ok(lanes.collect::<Result<_, _>>()?)
    }

    /// How the lane stood right after `version`; `Err` of nothing if that was pruned.
    pub(super) fn at_version(
        &self,
        lane: &str,
        version: i64,
    ) -> Result<Result<StateText, Pruned>, Fault> {
        let found: Option<(Option<String>, Option<String>)> = self
            .tx
            .prepare_cached(
                "SELECT kind, state FROM history WHERE pipeline = ?1 AND lane = ?2 AND version <= ?3
                 ORDER BY ordinal DESC LIMIT 1",
            )?
            .query_row(params![self.pipeline, lane, version], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match found {
            Some((Some(kind), Some(text))) => Ok(Ok(Some((lane::parse_kind(&kind)?, text)))),
            Some(_) => Ok(Ok(None)),
            None => {
                let first: i64 = self
                    .tx
                    .prepare_cached(
                        "SELECT min(ordinal) FROM history WHERE pipeline = ?1 AND lane = ?2",
                    )?
                    .query_row(params![self.pipeline, lane], |row| row.get(0))?;
                Ok(if first == 1 { Ok(None) } else { Err(Pruned) })
            }
        }
    }
}

/// The history does not go back that far.
#[derive(Debug)]
pub(super) struct Pruned;

/// The newest changes, newest first; with `stream`, those of its lane and of the global one.
pub(super) fn list(
    connection: &Connection,
    pipeline: &str,
    stream: Option<&StreamId>,
    limit: usize,
) -> Result<Vec<HistoryEntry>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT history.version, history.committed_at, history.run, history.lane, history.kind,
             history.state
         FROM history JOIN pipeline ON pipeline.id = history.pipeline
         WHERE pipeline.name = ?1 AND (?2 IS NULL OR history.lane IN (?2, ?3))
         ORDER BY history.id DESC LIMIT ?4",
    )?;
    let mut rows = select.query(params![
        pipeline,
        stream.map(lane::stream_key),
        lane::key(&Lane::Global),
        i64::try_from(limit).unwrap_or(i64::MAX),
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let lane = lane::parse(&row.get::<_, String>(3)?)?;
        let kind: Option<String> = row.get(4)?;
        let text: Option<String> = row.get(5)?;
        let state = match (kind, text) {
            (Some(kind), Some(text)) => Some(lane::state(lane.clone(), &kind, text)?),
            _ => None,
        };
        entries.push(HistoryEntry {
            version: row.get(0)?,
            committed_at: row.get(1)?,
            run: row.get(2)?,
            state,
            lane,
        });
    }
    Ok(entries)
}
