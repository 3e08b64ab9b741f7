//! What Crossdock keeps in a database beside the rows: whose table is which, how far each pipeline
//! is, and which run may write.

use std::path::Path;

use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::destination::Stored;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::database::Database;
use super::fault::fault;

/// Every table of ours begins like this, so that no stream's table can have such a name.
pub(crate) const PREFIX: &str = "_crossdock_";

/// The version of these tables. A later one adds to them (P12).
const VERSION: i64 = 1;

const CREATE: &str = "
CREATE TABLE IF NOT EXISTS _crossdock_version (version INTEGER NOT NULL);
-- Which run of a pipeline may write; the token tells two runs of one number apart.
CREATE TABLE IF NOT EXISTS _crossdock_run (
    pipeline TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    token TEXT NOT NULL
) WITHOUT ROWID;
-- Each lane's last checkpoint, written with the rows that it covers.
CREATE TABLE IF NOT EXISTS _crossdock_checkpoint (
    pipeline TEXT NOT NULL,
    lane TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    generations TEXT NOT NULL,
    PRIMARY KEY (pipeline, lane)
) WITHOUT ROWID;
-- The tables that Crossdock made. `generation` is that of the rows; `building` the one that will
-- replace it, whose rows up to the rowid `covered` belong to the last checkpoint.
CREATE TABLE IF NOT EXISTS _crossdock_table (
    name TEXT PRIMARY KEY,
    pipeline TEXT NOT NULL,
    stream TEXT NOT NULL,
    generation INTEGER,
    building INTEGER,
    covered INTEGER
) WITHOUT ROWID;
-- The last row of each checkpoint that the engine may not have committed, and of the newest that it
-- has.
CREATE TABLE IF NOT EXISTS _crossdock_cut (
    pipeline TEXT NOT NULL,
    stream TEXT NOT NULL,
    generation INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (pipeline, stream, epoch, seq)
) WITHOUT ROWID;
";

/// Makes the tables, if they are not there.
pub(crate) fn prepare(database: &Database) -> Result<()> {
    let Database { connection, path } = database;
    database.run("make Crossdock's tables", CREATE)?;
    let wrap = fault("read Crossdock's tables", path);
    let version: Option<i64> = connection
        .query_row("SELECT max(version) FROM _crossdock_version", [], |row| {
            row.get(0)
        })
        .map_err(&wrap)?;
    match version {
        Some(version) if version > VERSION => Err(Error::new(
            &code::DATABASE_UNUSABLE,
            "the database was written by a newer Crossdock",
        )
        .with("path", path.display())
        .with("version", version)
        .hint("use that version of Crossdock, or another database")),
        Some(_) => Ok(()),
        None => connection
            .execute("INSERT INTO _crossdock_version VALUES (?1)", [VERSION])
            .map(drop)
            .map_err(wrap),
    }
}

/// One run's right to write.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) pipeline: String,
    pub(crate) epoch: i64,
    token: String,
}

/// P4: from now on only this run writes for the pipeline. Checkpoints with numbers that are not
/// before its own come from a state store that was lost; the engine has seen them by now.
pub(crate) fn take_over(database: &Database, pipeline: &str, epoch: i64) -> Result<Run> {
    let run = Run {
        pipeline: pipeline.to_owned(),
        epoch,
        token: uuid::Uuid::now_v7().to_string(),
    };
    let take = || -> rusqlite::Result<()> {
        database.connection.execute(
            "INSERT OR REPLACE INTO _crossdock_run VALUES (?1, ?2, ?3)",
            params![pipeline, epoch, run.token],
        )?;
        // The first run of a new store resumes from them: should that store be lost as well, they are all that
        // is known. They count as older than everything that it does.
        let sql = match epoch {
            1 => "UPDATE _crossdock_checkpoint SET epoch = 0 WHERE pipeline = ?1 AND epoch >= ?2",
            _ => "DELETE FROM _crossdock_checkpoint WHERE pipeline = ?1 AND epoch >= ?2",
        };
        database.connection.execute(sql, params![pipeline, epoch])?;
        Ok(())
    };
    take().map_err(fault("take over the pipeline", &database.path))?;
    Ok(run)
}

/// Whether the run still may write; asked in each transaction.
pub(crate) fn check(database: &Database, run: &Run) -> Result<()> {
    let token: Option<String> = database
        .connection
        .prepare_cached("SELECT token FROM _crossdock_run WHERE pipeline = ?1")
        .and_then(|mut select| {
            select
                .query_row([&run.pipeline], |row| row.get(0))
                .optional()
        })
        .map_err(fault("read Crossdock's tables", &database.path))?;
    if token.as_deref() == Some(&run.token) {
        return Ok(());
    }
    Err(Error::new(
        &code::FENCED,
        "another run writes the pipeline's tables in this database",
    )
    .with("pipeline", &run.pipeline)
    .with("path", database.path.display()))
}

fn written<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|e| Error::new(&code::INTERNAL, "could not write a checkpoint").caused_by(e))
}

fn read<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T> {
    serde_json::from_str(text).map_err(|e| {
        Error::new(
            &code::DATABASE_UNUSABLE,
            "Crossdock's own tables in the database are damaged",
        )
        .with("path", path.display())
        .hint("restore the database from a backup, or drop the tables `_crossdock_…`")
        .caused_by(e)
    })
}

/// Keeps a checkpoint, in the transaction of what it covers. A pipeline has a state of the whole
/// source or states of streams.
pub(crate) fn store(
    database: &Database,
    run: &Run,
    checkpoint: &Checkpoint,
    generations: &[(StreamId, i64)],
) -> Result<()> {
    let lane = written(&checkpoint.lane)?;
    let kind = written(&checkpoint.kind)?;
    let state = String::from_utf8_lossy(checkpoint.state.bytes());
    let generations = written(&generations)?;
    let global = written(&Lane::Global)?;
    let keep = |connection: &Connection| -> rusqlite::Result<()> {
        connection
            .prepare_cached(
                "DELETE FROM _crossdock_checkpoint
                 WHERE pipeline = ?1 AND (lane = ?2) <> (?3 = ?2)",
            )?
            .execute(params![run.pipeline, global, lane])?;
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO _crossdock_checkpoint VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                run.pipeline,
                lane,
                kind,
                state,
                run.epoch,
                generations
            ])?;
        Ok(())
    };
    keep(&database.connection).map_err(fault("keep a checkpoint", &database.path))
}

/// Forgets the checkpoints of a pipeline that resumes from elsewhere.
pub(crate) fn forget(database: &Database, pipeline: &str) -> Result<()> {
    let sql = "DELETE FROM _crossdock_checkpoint WHERE pipeline = ?1";
    let forget = database.connection.execute(sql, [pipeline]);
    forget
        .map(drop)
        .map_err(fault("forget checkpoints", &database.path))
}

/// The checkpoints of a pipeline.
pub(crate) fn stored(database: &Database, pipeline: &str) -> Result<Vec<Stored>> {
    let Database { connection, path } = database;
    let wrap = fault("read Crossdock's tables", path);
    let known = connection
        .table_exists(None, "_crossdock_checkpoint")
        .map_err(&wrap)?;
    if !known {
        return Ok(Vec::new());
    }
    type Row = (String, String, String, i64, String);
    let select = || -> rusqlite::Result<Vec<Row>> {
        let mut select = connection.prepare(
            "SELECT lane, kind, state, epoch, generations FROM _crossdock_checkpoint
             WHERE pipeline = ?1 ORDER BY lane",
        )?;
        let rows = select.query_map([pipeline], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })?;
        rows.collect()
    };
    let rows = select().map_err(&wrap)?;
    let stored = rows
        .into_iter()
        .map(|(lane, kind, state, epoch, generations)| {
            Ok(Stored {
                state: LaneState {
                    lane: read::<Lane>(&lane, path)?,
                    kind: read::<StateKind>(&kind, path)?,
                    state: Json::parse_text(state)?,
                },
                epoch,
                generations: read(&generations, path)?,
            })
        });
    stored.collect()
}

/// What is known of a table that Crossdock made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pipeline: String,
    pub(crate) stream: String,
    pub(crate) generation: Option<i64>,
    pub(crate) building: Option<i64>,
    pub(crate) covered: Option<i64>,
}

/// What is known of the table.
pub(crate) fn entry(database: &Database, table: &str) -> Result<Option<Entry>> {
    database
        .connection
        .prepare_cached(
            "SELECT pipeline, stream, generation, building, covered FROM _crossdock_table
             WHERE name = ?1",
        )
        .and_then(|mut select| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Entry {
                    pipeline: row.get(0)?,
                    stream: row.get(1)?,
                    generation: row.get(2)?,
                    building: row.get(3)?,
                    covered: row.get(4)?,
                })
            };
            select.query_row([table], read).optional()
        })
        .map_err(fault("read Crossdock's tables", &database.path))
}

/// Notes what is known of the table.
pub(crate) fn note(database: &Database, table: &str, entry: &Entry) -> Result<()> {
    database
        .connection
        .prepare_cached("INSERT OR REPLACE INTO _crossdock_table VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
        .and_then(|mut insert| {
            insert.execute(params![
                table,
                entry.pipeline,
                entry.stream,
                entry.generation,
                entry.building,
                entry.covered
            ])
        })
        .map(drop)
        .map_err(fault("write Crossdock's tables", &database.path))
}
