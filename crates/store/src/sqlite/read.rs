//! What is only read.

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::Seq;
use crossdock_core::destination::Mark;
use crossdock_core::store::{Edit, Generation, Refresh, RefreshMode, Resume, StoredConfig};
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::fault::Fault;
use super::lane;

/// Whether anything was ever kept under this name.
pub(super) fn is_known(connection: &Connection, pipeline: &str) -> Result<bool, Fault> {
    Ok(id(connection, pipeline)?.is_some())
}

fn id(connection: &Connection, pipeline: &str) -> Result<Option<i64>, Fault> {
    Ok(connection
        .prepare_cached("SELECT id FROM pipeline WHERE name = ?1")?
        .query_row([pipeline], |row| row.get(0))
        .optional()?)
}

/// The pipelines that have states or runs.
pub(super) fn pipelines(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT name FROM pipeline
         WHERE EXISTS (SELECT 1 FROM run WHERE run.pipeline = pipeline.id)
            OR EXISTS (SELECT 1 FROM lane_state WHERE lane_state.pipeline = pipeline.id)
         ORDER BY name",
    )?;
    let names = select.query_map([], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// All that a run starts from, as of one moment; nothing for an unknown pipeline.
pub(super) fn resume(connection: &mut Connection, pipeline: &str) -> Result<Resume, Fault> {
    let tx = connection.transaction()?;
    let Some(id) = id(&tx, pipeline)? else {
        return Ok(Resume::default());
    };
    let mut resume = Resume::default();
    read_states(&tx, id, &mut resume)?;
    read_marks(&tx, id, &mut resume)?;
    read_generations(&tx, id, &mut resume)?;
    read_edits(&tx, id, &mut resume)?;
    read_refreshes(&tx, id, &mut resume)?;
    Ok(resume)
}

fn read_states(tx: &Transaction<'_>, pipeline: i64, resume: &mut Resume) -> Result<(), Fault> {
    let mut select = tx.prepare_cached(
        "SELECT lane, kind, state FROM lane_state WHERE pipeline = ?1 ORDER BY lane",
    )?;
    let mut rows = select.query([pipeline])?;
    while let Some(row) = rows.next()? {
        let lane = lane::parse(&row.get::<_, String>(0)?)?;
        let kind: String = row.get(1)?;
        resume.states.push(lane::state(lane, &kind, row.get(2)?)?);
    }
    Ok(())
}

fn read_marks(tx: &Transaction<'_>, pipeline: i64, resume: &mut Resume) -> Result<(), Fault> {
    let mut select = tx.prepare_cached(
        "SELECT epoch, lane, seq FROM mark WHERE pipeline = ?1 ORDER BY epoch, lane",
    )?;
    let mut rows = select.query([pipeline])?;
    while let Some(row) = rows.next()? {
        resume.marks.push(Mark {
            epoch: row.get(0)?,
            lane: lane::parse(&row.get::<_, String>(1)?)?,
            seq: Seq(lane::to_count(row.get(2)?)?),
        });
    }
    Ok(())
}

fn read_generations(tx: &Transaction<'_>, pipeline: i64, resume: &mut Resume) -> Result<(), Fault> {
    let mut select = tx.prepare_cached(
        "SELECT stream, generation, complete, truncates FROM generation WHERE pipeline = ?1
         ORDER BY stream",
    )?;
    let mut rows = select.query([pipeline])?;
    while let Some(row) = rows.next()? {
        resume.generations.push(Generation {
            stream: lane::parse_stream(&row.get::<_, String>(0)?)?,
            generation: row.get(1)?,
            complete: row.get(2)?,
            truncates: row.get(3)?,
        });
    }
    Ok(())
}

fn read_edits(tx: &Transaction<'_>, pipeline: i64, resume: &mut Resume) -> Result<(), Fault> {
    let mut select =
        tx.prepare_cached("SELECT lane, epoch FROM edit WHERE pipeline = ?1 ORDER BY lane")?;
    let mut rows = select.query([pipeline])?;
    while let Some(row) = rows.next()? {
        resume.edits.push(Edit {
            lane: lane::parse(&row.get::<_, String>(0)?)?,
            epoch: row.get(1)?,
        });
    }
    Ok(())
}

fn read_refreshes(tx: &Transaction<'_>, pipeline: i64, resume: &mut Resume) -> Result<(), Fault> {
    let mut select =
        tx.prepare_cached("SELECT stream, mode FROM refresh WHERE pipeline = ?1 ORDER BY stream")?;
    let mut rows = select.query([pipeline])?;
    while let Some(row) = rows.next()? {
        let mode: Option<String> = row.get(1)?;
        resume.refreshes.push(Refresh {
            stream: lane::parse_stream(&row.get::<_, String>(0)?)?,
            mode: mode.as_deref().map(refresh_mode).transpose()?,
        });
    }
    Ok(())
}

fn refresh_mode(name: &str) -> Result<RefreshMode, Fault> {
    [RefreshMode::Merge, RefreshMode::Truncate]
        .into_iter()
        .find(|mode| mode.as_str() == name)
        .ok_or_else(|| Fault::unreadable("mode of a refresh", name))
}

/// The catalog of the pipeline's last run.
pub(super) fn catalog(
    connection: &Connection,
    pipeline: &str,
) -> Result<Option<ConfiguredCatalog>, Fault> {
    let found: Option<String> = connection
        .prepare_cached(
            "SELECT catalog FROM catalog JOIN pipeline ON pipeline.id = catalog.pipeline
             WHERE pipeline.name = ?1",
        )?
        .query_row([pipeline], |row| row.get(0))
        .optional()?;
    found
        .map(|text| serde_json::from_str(&text).map_err(|_| Fault::unreadable("catalog", &text)))
        .transpose()
}

/// The configuration that a connector replaced.
pub(super) fn config(
    connection: &Connection,
    pipeline: &str,
    role: &str,
) -> Result<Option<StoredConfig>, Fault> {
    let found: Option<(String, String)> = connection
        .prepare_cached(
            "SELECT base, config FROM config JOIN pipeline ON pipeline.id = config.pipeline
             WHERE pipeline.name = ?1 AND role = ?2",
        )?
        .query_row(params![pipeline, role], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((base, config)) = found else {
        return Ok(None);
    };
    // P10: the text of a configuration goes into no error.
    let parse = |text: &str| {
        serde_json::from_str(text).map_err(|_| Fault::unreadable("configuration", "(not shown)"))
    };
    Ok(Some(StoredConfig {
        base: parse(&base)?,
        config: parse(&config)?,
    }))
}
