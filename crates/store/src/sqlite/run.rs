//! Runs and their counts.

use crossdock_core::statistics::RunStatistics;
use crossdock_core::store::{RunEnd, RunKind, RunRecord, RunStatus, StreamCounts};
use crossdock_core::{Error, ErrorKind, code};
use rusqlite::{Connection, Row, Transaction, params};

use super::fault::Fault;
use super::lane;

/// A run that begins. Gives its number.
pub(super) fn insert(
    tx: &Transaction<'_>,
    pipeline: i64,
    (epoch, kind): (i64, RunKind),
    now: i64,
) -> Result<i64, Fault> {
    let run = tx
        .prepare_cached(
            "INSERT INTO run (pipeline, epoch, started_at, status, kind)
             VALUES (?1, ?2, ?3, ?4, ?5) RETURNING id",
        )?
        .query_row(
            params![
                pipeline,
                epoch,
                now,
                RunStatus::Running.as_str(),
                kind.as_str()
            ],
            |row| row.get(0),
        )?;
    Ok(run)
}

/// Closes runs whose processes did not. When they ended is not known, and stays empty.
pub(super) fn close_interrupted(tx: &Transaction<'_>, pipeline: i64) -> Result<(), Fault> {
    tx.prepare_cached(
        "UPDATE run SET status = ?1, error_code = ?2, error_message = ?3
         WHERE pipeline = ?4 AND status = ?5",
    )?
    .execute(params![
        RunStatus::Failed.as_str(),
        code::RUN_INTERRUPTED.name,
        "the process ended before it could say how the run went",
        pipeline,
        RunStatus::Running.as_str(),
    ])?;
    Ok(())
}

/// Closes a run, and tells whether it was open.
pub(super) fn close(tx: &Transaction<'_>, run: i64, now: i64, end: &RunEnd) -> Result<bool, Fault> {
    let error = end.error.as_ref();
    let statistics = end.statistics.as_ref().map(serde_json::to_string);
    let statistics = statistics.transpose().map_err(|e| {
        Error::new(&code::INTERNAL, "could not write a run's statistics").caused_by(e)
    })?;
    let closed = tx
        .prepare_cached(
            "UPDATE run SET status = ?1, ended_at = ?2, error_code = ?3, error_message = ?4,
                 error_kind = ?5, statistics = ?6
             WHERE id = ?7 AND status = ?8",
        )?
        .execute(params![
            end.status.as_str(),
            now,
            error.map(|(code, _)| code),
            error.map(|(_, message)| message),
            end.error_kind.map(ErrorKind::as_str),
            statistics,
            run,
            RunStatus::Running.as_str(),
        ])?;
    Ok(closed > 0)
}

/// Sets the counts of the streams named; those of others stay.
pub(super) fn upsert_streams(
    tx: &Transaction<'_>,
    run: i64,
    streams: &[StreamCounts],
) -> Result<(), Fault> {
    let mut upsert = tx.prepare_cached(
        "INSERT INTO run_stream (run, stream, read, bytes, written, filtered, dead_lettered,
             rejected, dropped, committed, checkpoints)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (run, stream) DO UPDATE SET read = excluded.read, bytes = excluded.bytes,
             written = excluded.written, filtered = excluded.filtered,
             dead_lettered = excluded.dead_lettered, rejected = excluded.rejected,
             dropped = excluded.dropped, committed = excluded.committed,
             checkpoints = excluded.checkpoints",
    )?;
    for counts in streams {
        upsert.execute(params![
            run,
            lane::stream_key(&counts.stream),
            lane::to_sql(counts.read),
            lane::to_sql(counts.bytes),
            lane::to_sql(counts.written),
            lane::to_sql(counts.filtered),
            lane::to_sql(counts.dead_lettered),
            lane::to_sql(counts.rejected),
            lane::to_sql(counts.dropped),
            lane::to_sql(counts.committed),
            lane::to_sql(counts.checkpoints),
        ])?;
    }
    Ok(())
}

/// The newest runs, newest first.
pub(super) fn list(
    connection: &mut Connection,
    pipeline: Option<&str>,
    limit: usize,
) -> Result<Vec<RunRecord>, Fault> {
    // One transaction, so that a run and its counts are of one moment.
    let tx = connection.transaction()?;
    let mut select = tx.prepare_cached(
        "SELECT run.id, pipeline.name, run.epoch, run.started_at, run.ended_at, run.status,
             run.error_code, run.error_message, run.kind, run.error_kind,
             run.statistics
         FROM run JOIN pipeline ON pipeline.id = run.pipeline
         WHERE ?1 IS NULL OR pipeline.name = ?1
         ORDER BY run.id DESC LIMIT ?2",
    )?;
    let mut rows = select.query(params![pipeline, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut runs = Vec::new();
    while let Some(row) = rows.next()? {
        let mut run = record(row)?;
        run.streams = streams(&tx, run.run)?;
        runs.push(run);
    }
    Ok(runs)
}

/// One run.
pub(super) fn one(connection: &mut Connection, run: i64) -> Result<Option<RunRecord>, Fault> {
    let tx = connection.transaction()?;
    let mut select = tx.prepare_cached(
        "SELECT run.id, pipeline.name, run.epoch, run.started_at, run.ended_at, run.status,
             run.error_code, run.error_message, run.kind, run.error_kind,
             run.statistics
         FROM run JOIN pipeline ON pipeline.id = run.pipeline WHERE run.id = ?1",
    )?;
    let mut rows = select.query([run])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let mut run = record(row)?;
    run.streams = streams(&tx, run.run)?;
    Ok(Some(run))
}

fn record(row: &Row<'_>) -> Result<RunRecord, Fault> {
    Ok(RunRecord {
        run: row.get(0)?,
        pipeline: row.get(1)?,
        epoch: row.get(2)?,
        started_at: row.get(3)?,
        ended_at: row.get(4)?,
        status: status(&row.get::<_, String>(5)?)?,
        error_code: row.get(6)?,
        error_message: row.get(7)?,
        kind: kind(&row.get::<_, String>(8)?)?,
        error_kind: row.get(9)?,
        streams: Vec::new(),
        statistics: statistics(row.get(10)?)?,
    })
}

fn status(name: &str) -> Result<RunStatus, Fault> {
    let all = [
        RunStatus::Running,
        RunStatus::Succeeded,
        RunStatus::Failed,
        RunStatus::Cancelled,
    ];
    all.into_iter()
        .find(|status| status.as_str() == name)
        .ok_or_else(|| Fault::unreadable("status of a run", name))
}

fn statistics(text: Option<String>) -> Result<Option<RunStatistics>, Fault> {
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|_| Fault::unreadable("statistics of a run", &text))
    };
    text.map(read).transpose()
}

fn kind(name: &str) -> Result<RunKind, Fault> {
    [RunKind::Sync, RunKind::Clear]
        .into_iter()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| Fault::unreadable("kind of a run", name))
}

fn streams(tx: &Transaction<'_>, run: i64) -> Result<Vec<StreamCounts>, Fault> {
    let mut select = tx.prepare_cached(
        "SELECT stream, read, bytes, written, filtered, dead_lettered, rejected, dropped,
             committed, checkpoints
         FROM run_stream WHERE run = ?1 ORDER BY id",
    )?;
    let mut rows = select.query([run])?;
    let mut streams = Vec::new();
    while let Some(row) = rows.next()? {
        let count = |column: usize| lane::to_count(row.get(column)?);
        streams.push(StreamCounts {
            stream: lane::parse_stream(&row.get::<_, String>(0)?)?,
            read: count(1)?,
            bytes: count(2)?,
            written: count(3)?,
            filtered: count(4)?,
            dead_lettered: count(5)?,
            rejected: count(6)?,
            dropped: count(7)?,
            committed: count(8)?,
            checkpoints: count(9)?,
        });
    }
    Ok(streams)
}
