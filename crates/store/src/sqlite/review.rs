//! Changes of a source's catalog that wait for somebody to accept them.

use crossdock_core::store::{Lease, Reviewed, SchemaReview};
use crossdock_core::{Error, code};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::lease;
use super::worker::Worker;

/// Keeps what a run found, in place of what an earlier one did.
pub(super) fn save(worker: &Worker, lease: &Lease, reviewed: &Reviewed) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    let catalog = serde_json::to_string(&reviewed.catalog)
        .map_err(|e| Error::new(&code::INTERNAL, "could not write a catalog").caused_by(e))?;
    let tx = worker.write()?;
    let pipeline = lease::check(&tx, lease)?;
    tx.prepare_cached(
        "INSERT INTO review (pipeline, run, reviewed_at, pauses, changes, catalog)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (pipeline) DO UPDATE SET run = excluded.run,
             reviewed_at = excluded.reviewed_at, pauses = excluded.pauses,
             changes = excluded.changes, catalog = excluded.catalog",
    )?
    .execute(params![
        pipeline,
        lease.run,
        now,
        reviewed.pauses,
        reviewed.changes.to_string(),
        catalog
    ])?;
    tx.commit()?;
    Ok(())
}

/// What waits.
pub(super) fn read(connection: &Connection, pipeline: &str) -> Result<Option<SchemaReview>, Fault> {
    let found: Option<(i64, i64, bool, String, String)> = connection
        .prepare_cached(
            "SELECT review.run, reviewed_at, pauses, changes, catalog
             FROM review JOIN pipeline ON pipeline.id = review.pipeline WHERE pipeline.name = ?1",
        )?
        .query_row([pipeline], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })
        .optional()?;
    let Some((run, at, pauses, changes, catalog)) = found else {
        return Ok(None);
    };
    let unreadable = |text: &str| Fault::unreadable("review of a catalog", text);
    Ok(Some(SchemaReview {
        run,
        at,
        reviewed: Reviewed {
            pauses,
            changes: serde_json::from_str(&changes).map_err(|_| unreadable(&changes))?,
            catalog: serde_json::from_str(&catalog).map_err(|_| unreadable(&catalog))?,
        },
    }))
}

/// Makes the catalog of what waits the one that is agreed on.
pub(super) fn accept(worker: &Worker, pipeline: &str) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    // Held until the end of this function, i.e. until after the transaction.
    let _lock = worker.locks.take(pipeline, now)?;
    let tx = worker.write()?;
    let accepted = tx
        .prepare_cached(
            "INSERT INTO catalog (pipeline, run, catalog)
                 SELECT review.pipeline, review.run, review.catalog
                 FROM review JOIN pipeline ON pipeline.id = review.pipeline
                 WHERE pipeline.name = ?1
             ON CONFLICT (pipeline) DO UPDATE SET run = excluded.run, catalog = excluded.catalog",
        )?
        .execute([pipeline])?;
    if accepted == 0 {
        let message = "no change waits to be accepted";
        return Err(Error::new(&code::NOTHING_TO_ACCEPT, message)
            .with("pipeline", pipeline)
            .into());
    }
    tx.prepare_cached(
        "DELETE FROM review WHERE pipeline = (SELECT id FROM pipeline WHERE name = ?1)",
    )?
    .execute([pipeline])?;
    tx.commit()?;
    Ok(())
}
