//! Where each checkpoint ends in the tables, so that what goes beyond the engine's last commit can be
//! taken back.
//!
//! Alone, a database says itself how far it is, and the run resumes there. Beside other destinations,
//! whose data may end elsewhere, the engine's commits alone count: rows of later checkpoints, durable
//! here already, come again and must go first (P4). Rows with a key replace themselves.

use crossdock_core::destination::Mark;
use crossdock_core::error::Result;
use crossdock_core::stream::StreamId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::book::{self, Run};
use super::database::{Database, quoted};
use super::fault::fault;
use super::table::Table;
use crate::semantics::target::Target;

/// Notes that the rows of the table up to `last` ([`Table::last_row`]) belong to what comes up to
/// `seq`. In the transaction that has the rows.
pub(crate) fn note(
    database: &Database,
    run: &Run,
    table: &Table,
    seq: u64,
    last: Option<i64>,
) -> Result<()> {
    let Some(last) = last else {
        return Ok(());
    };
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let stream = table.stream().to_string();
    let insert = "INSERT OR REPLACE INTO _crossdock_cut VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    database
        .connection
        .prepare_cached(insert)
        .and_then(|mut insert| {
            let (generation, epoch) = (table.generation(), run.epoch);
            insert.execute(params![run.pipeline, stream, generation, epoch, seq, last])
        })
        .map(drop)
        .map_err(fault("note a checkpoint", &database.path))
}

/// Forgets what earlier runs noted: what they left is settled, and the table as it is now is where
/// this one begins.
pub(crate) fn begin(database: &Database, run: &Run, table: &Table) -> Result<()> {
    let stream = table.stream().to_string();
    let sql = "DELETE FROM _crossdock_cut WHERE pipeline = ?1 AND stream = ?2";
    let forget = database
        .connection
        .execute(sql, params![run.pipeline, stream]);
    forget.map_err(fault("begin a run", &database.path))?;
    note(database, run, table, 0, table.last_row(database)?)
}

/// Forgets what the engine's commit has made needless.
pub(crate) fn settle(
    database: &Database,
    run: &Run,
    streams: &[StreamId],
    mark: &Mark,
) -> Result<()> {
    let seq = i64::try_from(mark.seq.0).unwrap_or(i64::MAX);
    for stream in streams.iter().filter(|stream| mark.lane.covers(stream)) {
        let sql = "DELETE FROM _crossdock_cut
             WHERE pipeline = ?1 AND stream = ?2 AND epoch = ?3 AND seq <
                 (SELECT max(seq) FROM _crossdock_cut
                  WHERE pipeline = ?1 AND stream = ?2 AND epoch = ?3 AND seq <= ?4)";
        database
            .connection
            .prepare_cached(sql)
            .and_then(|mut delete| {
                delete.execute(params![run.pipeline, stream.to_string(), run.epoch, seq])
            })
            .map_err(fault("forget a checkpoint", &database.path))?;
    }
    Ok(())
}

/// What an earlier run left of a stream beyond the engine's commits.
#[derive(Debug, PartialEq, Eq)]
struct Beyond {
    generation: i64,
    /// The last row that stays.
    last: i64,
    /// The last row that goes.
    end: i64,
}

/// Takes back the rows of an earlier run that none of `marks` covers; with `None`, those after what
/// [`settle`] was told last. Before the table is opened, in the same transaction.
pub(crate) fn undo(
    database: &Database,
    pipeline: &str,
    target: &Target,
    marks: Option<&[Mark]>,
) -> Result<()> {
    if target.dedup.is_some() {
        return Ok(());
    }
    let stream = target.stream.to_string();
    let found = beyond(&database.connection, pipeline, &stream, |epoch| {
        marks.map(|marks| Mark::newest(marks, &target.stream, epoch).map_or(0, |seq| seq.0))
    });
    let found = found.map_err(fault("read Crossdock's tables", &database.path))?;
    let Some(Beyond {
        generation,
        last,
        end,
    }) = found
    else {
        return Ok(());
    };
    let Some(mut entry) = book::entry(database, &target.place)? else {
        return Ok(());
    };
    if entry.building == Some(generation) {
        // Opening the table removes what is not covered.
        entry.covered = entry.covered.map(|covered| covered.min(last));
        return book::note(database, &target.place, &entry);
    }
    if entry.generation != Some(generation) {
        return Ok(());
    }
    let sql = format!(
        "DELETE FROM {} WHERE rowid > ?1 AND rowid <= ?2",
        quoted(&target.place)
    );
    let removed = database.connection.execute(&sql, [last, end]);
    let removed = removed.map_err(fault("remove rows that come again", &database.path))?;
    tracing::info!(%stream, removed, "rows beyond the last commit are taken back");
    Ok(())
}

/// The newest run's rows beyond its mark, if there are any.
fn beyond(
    connection: &Connection,
    pipeline: &str,
    stream: &str,
    mark: impl Fn(i64) -> Option<u64>,
) -> rusqlite::Result<Option<Beyond>> {
    let newest = connection
        .query_row(
            "SELECT epoch, generation, last FROM _crossdock_cut
             WHERE pipeline = ?1 AND stream = ?2 ORDER BY epoch DESC, seq DESC LIMIT 1",
            params![pipeline, stream],
            |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((epoch, generation, end)) = newest else {
        return Ok(None);
    };
    let seq = mark(epoch).map(|seq| i64::try_from(seq).unwrap_or(i64::MAX));
    // What came before the last commit is settled, so that commit is the first that is left.
    let last: Option<i64> = connection.query_row(
        "SELECT max(last) FROM _crossdock_cut
         WHERE pipeline = ?1 AND stream = ?2 AND epoch = ?3 AND seq <= coalesce(?4,
             (SELECT min(seq) FROM _crossdock_cut
              WHERE pipeline = ?1 AND stream = ?2 AND epoch = ?3))",
        params![pipeline, stream, epoch, seq],
        |row| row.get(0),
    )?;
    Ok(last.filter(|last| *last < end).map(|last| Beyond {
        generation,
        last,
        end,
    }))
}
