//! The right to write: taking it, checking it, giving it back.

use std::sync::mpsc::Sender;

use crossdock_core::store::{Lease, RunEnd, RunKind, RunStatus};
use crossdock_core::{Error, code};
use rusqlite::{OptionalExtension as _, Transaction, params};

use super::fault::Fault;
use super::run;
use super::worker::{Job, Worker};

/// For how many of a pipeline's newest runs marks are kept. A staged destination needs those of
/// every run that it may still have something of, and a folder that was out of reach may come back
/// after many runs: a mark is small, and one that is missing costs data.
const MARKED_RUNS: i64 = 1000;

/// Takes the pipeline and begins a run.
pub(super) fn begin(worker: &mut Worker, pipeline: &str, kind: RunKind) -> Result<Lease, Fault> {
    let now = worker.clock.now_ms();
    let lock = worker.locks.take(pipeline, now)?;
    let tx = worker.write()?;
    let (id, epoch) = take_over(&tx, pipeline)?;
    tx.prepare_cached(
        "DELETE FROM mark WHERE pipeline = ?1 AND epoch < (SELECT min(epoch) FROM
             (SELECT epoch FROM run WHERE pipeline = ?1 ORDER BY id DESC LIMIT ?2))",
    )?
    .execute(params![id, MARKED_RUNS])?;
    let run = run::insert(&tx, id, (epoch, kind), now)?;
    tx.commit()?;
    let lease = Lease {
        pipeline: pipeline.to_owned(),
        epoch,
        run,
    };
    worker.locks.hold(lock, &lease);
    Ok(lease)
}

/// P4: gives the pipeline its next epoch, so that whoever wrote before writes no more, and closes
/// the runs whose processes can no longer do it. Gives the pipeline's id and the epoch.
pub(super) fn take_over(tx: &Transaction<'_>, pipeline: &str) -> Result<(i64, i64), Fault> {
    let (id, epoch) = tx
        .prepare_cached(
            "INSERT INTO pipeline (name, epoch) VALUES (?1, 1)
             ON CONFLICT (name) DO UPDATE SET epoch = epoch + 1 RETURNING id, epoch",
        )?
        .query_row([pipeline], |row| Ok((row.get(0)?, row.get(1)?)))?;
    run::close_interrupted(tx, id)?;
    Ok((id, epoch))
}

/// P4: the pipeline's id if the lease still holds, else `store.fenced`. Must be asked in the
/// transaction that writes, after it began: then nobody can take over before it ends.
pub(super) fn check(tx: &Transaction<'_>, lease: &Lease) -> Result<i64, Fault> {
    let found: Option<(i64, i64, bool)> = tx
        .prepare_cached(
            "SELECT id, epoch, EXISTS (SELECT 1 FROM run WHERE run.id = ?2
                 AND run.pipeline = pipeline.id AND run.status = ?3)
             FROM pipeline WHERE name = ?1",
        )?
        .query_row(
            params![lease.pipeline, lease.run, RunStatus::Running.as_str()],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let fenced = |message: &'static str| {
        Error::new(&code::FENCED, message)
            .with("pipeline", &lease.pipeline)
            .with("run", lease.run)
            .with("epoch", lease.epoch)
    };
    match found {
        Some((id, epoch, true)) if epoch == lease.epoch => Ok(id),
        Some((_, epoch, _)) if epoch != lease.epoch => {
            let error = fenced("the pipeline was taken over by a newer run or an edit by hand");
            Err(error.with("current_epoch", epoch).into())
        }
        Some(_) => Err(fenced("the run has ended").into()),
        None => Err(fenced("the store does not know the pipeline").into()),
    }
}

/// Writes how the run ended and gives the pipeline free, in any case: a run whose end could not be
/// written is closed by its successor. A run that was overtaken was closed already.
pub(super) fn finish(worker: &mut Worker, lease: &Lease, end: &RunEnd) -> Result<(), Fault> {
    let written = write_end(worker, lease, end);
    worker.locks.release(lease);
    written
}

fn write_end(worker: &Worker, lease: &Lease, end: &RunEnd) -> Result<(), Fault> {
    let now = worker.clock.now_ms();
    let tx = worker.write()?;
    if run::close(&tx, lease.run, now, end)? {
        run::upsert_streams(&tx, lease.run, &end.streams)?;
    }
    tx.commit()?;
    Ok(())
}

/// A lease on its way to whom asked for it. If that one is gone when it arrives, the run ends, so
/// that the pipeline is not held by nobody.
pub(super) struct Unclaimed {
    lease: Lease,
    /// `None` once claimed.
    jobs: Option<Sender<Job>>,
}

impl Unclaimed {
    pub(super) fn new(lease: Lease, jobs: Option<Sender<Job>>) -> Self {
        Self { lease, jobs }
    }

    pub(super) fn claim(mut self) -> Lease {
        self.jobs = None;
        self.lease.clone()
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        let Some(jobs) = self.jobs.take() else { return };
        let lease = self.lease.clone();
        let job: Job = Box::new(move |worker| {
            let end = RunEnd::new(RunStatus::Cancelled);
            if let Err(fault) = finish(worker, &lease, &end) {
                tracing::warn!(
                    run = lease.run,
                    ?fault,
                    "an abandoned run could not be closed"
                );
            }
        });
        // A store that is gone has given its pipelines free.
        let _ = jobs.send(job);
    }
}
