//! The store in one SQLite file.
//!
//! One thread owns the connection and does one job after the other; the async methods send it jobs
//! and wait for the answer. A job that was sent is done even if nobody waits any more, so that a
//! cancelled `commit` either happened whole or not at all.

mod commit;
mod edit;
mod fault;
mod file;
mod history;
mod lane;
mod lease;
mod lock;
mod memory;
mod migration;
mod open;
mod read;
mod review;
mod run;
mod worker;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::store::{
    Commit, Generation, HistoryEntry, Lease, Refresh, Resume, Reviewed, RunEnd, RunKind, RunRecord,
    SchemaReview, Store, StoredConfig,
};
use crossdock_core::{Result, StreamId};
use rusqlite::Connection;

use self::fault::Place;
use self::lease::Unclaimed;
use self::lock::PipelineLocks;
use self::worker::{Worker, WorkerHandle};

/// How a store is opened.
#[derive(Clone)]
pub struct Opening {
    /// How long to wait for another process that holds the file before `store.locked`.
    pub busy_timeout: Duration,
    /// Where the times of runs and versions come from.
    pub clock: Arc<dyn Clock>,
}

impl Default for Opening {
    /// Five seconds, and the machine's clock.
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A [`Store`] in an SQLite file, or in memory. Dropping it waits for the jobs that were sent and
/// gives all pipelines free that it still holds.
pub struct SqliteStore {
    worker: WorkerHandle,
    place: Place,
}

impl SqliteStore {
    /// Opens or creates the store at `path`, with [`Opening::default`].
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Opening::default())
    }

    /// Opens or creates the store at `path`: parent directories are created for the owner only
    /// (0700), and so is the file (0600), since replaced connector configurations hold secrets
    /// (P10). Blocks for up to `opening.busy_timeout`.
    ///
    /// Fails with `store.unavailable` (path, permissions, another program's file),
    /// `store.locked`, `store.newer_version` or `store.corrupt`.
    pub fn open_with(path: &Path, opening: Opening) -> Result<Self> {
        let path = file::create(path)?;
        let place = Place::file(path.clone());
        let connection = open::open(&path, opening.busy_timeout, &place)?;
        file::tighten(&path);
        Self::start(connection, PipelineLocks::beside(&path), place, opening)
    }

    /// A store that lives as long as this value: for ad-hoc commands and tests.
    pub fn in_memory() -> Result<Self> {
        let place = Place::memory();
        let connection = open::in_memory(&place)?;
        Self::start(
            connection,
            PipelineLocks::in_process(),
            place,
            Opening::default(),
        )
    }

    fn start(
        connection: Connection,
        locks: PipelineLocks,
        place: Place,
        opening: Opening,
    ) -> Result<Self> {
        let worker = Worker {
            connection,
            locks,
            clock: opening.clock,
            busy_timeout: opening.busy_timeout,
        };
        let worker = WorkerHandle::start(worker, place.clone())?;
        Ok(Self { worker, place })
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SqliteStore({})", self.place)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin_as(&self, pipeline: &str, kind: RunKind) -> Result<Lease> {
        let pipeline = pipeline.to_owned();
        let jobs = self.worker.jobs();
        let unclaimed = self
            .worker
            .call("begin", move |worker| {
                let lease = lease::begin(worker, &pipeline, kind)?;
                Ok(Unclaimed::new(lease, jobs))
            })
            .await?;
        Ok(unclaimed.claim())
    }

    async fn resume(&self, pipeline: &str) -> Result<Resume> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("resume", move |worker| {
                read::resume(&mut worker.connection, &pipeline)
            })
            .await
    }

    async fn commit(&self, lease: &Lease, commit: Commit) -> Result<()> {
        let lease = lease.clone();
        self.worker
            .call("commit", move |worker| {
                commit::commit(worker, &lease, &commit)
            })
            .await
    }

    async fn set_generations(&self, lease: &Lease, generations: Vec<Generation>) -> Result<()> {
        let lease = lease.clone();
        self.worker
            .call("set generations", move |worker| {
                commit::set_generations(worker, &lease, &generations)
            })
            .await
    }

    async fn clear(&self, lease: &Lease, lanes: Vec<Lane>) -> Result<()> {
        let lease = lease.clone();
        self.worker
            .call("clear states", move |worker| {
                commit::clear(worker, &lease, &lanes)
            })
            .await
    }

    async fn save_catalog(&self, lease: &Lease, catalog: ConfiguredCatalog) -> Result<()> {
        let lease = lease.clone();
        self.worker
            .call("save the catalog", move |worker| {
                commit::save_catalog(worker, &lease, &catalog)
            })
            .await
    }

    async fn catalog(&self, pipeline: &str) -> Result<Option<ConfiguredCatalog>> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("load the catalog", move |worker| {
                read::catalog(&worker.connection, &pipeline)
            })
            .await
    }

    async fn save_review(&self, lease: &Lease, reviewed: Reviewed) -> Result<()> {
        let lease = lease.clone();
        self.worker
            .call("save a review", move |worker| {
                review::save(worker, &lease, &reviewed)
            })
            .await
    }

    async fn review(&self, pipeline: &str) -> Result<Option<SchemaReview>> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("load a review", move |worker| {
                review::read(&worker.connection, &pipeline)
            })
            .await
    }

    async fn accept(&self, pipeline: &str) -> Result<()> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("accept", move |worker| review::accept(worker, &pipeline))
            .await
    }

    async fn finish(&self, lease: &Lease, end: RunEnd) -> Result<()> {
        let lease = lease.clone();
        self.worker
            .call("finish", move |worker| lease::finish(worker, &lease, &end))
            .await
    }

    async fn save_config(&self, pipeline: &str, role: &str, config: StoredConfig) -> Result<()> {
        let (pipeline, role) = (pipeline.to_owned(), role.to_owned());
        self.worker
            .call("save configuration", move |worker| {
                commit::save_config(worker, &pipeline, &role, &config)
            })
            .await
    }

    async fn load_config(&self, pipeline: &str, role: &str) -> Result<Option<StoredConfig>> {
        let (pipeline, role) = (pipeline.to_owned(), role.to_owned());
        self.worker
            .call("load configuration", move |worker| {
                read::config(&worker.connection, &pipeline, &role)
            })
            .await
    }

    async fn recall(&self, owner: &str, key: &str) -> Result<Option<String>> {
        let (owner, key) = (owner.to_owned(), key.to_owned());
        self.worker
            .call("recall", move |worker| {
                memory::recall(&worker.connection, &owner, &key)
            })
            .await
    }

    async fn remember(
        &self,
        owner: &str,
        key: &str,
        value: &str,
        only_first: bool,
    ) -> Result<bool> {
        let (owner, key, value) = (owner.to_owned(), key.to_owned(), value.to_owned());
        self.worker
            .call("remember", move |worker| {
                memory::remember(worker, &owner, &key, &value, only_first)
            })
            .await
    }

    async fn is_held(&self, pipeline: &str) -> Result<bool> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("look at a lock", move |worker| {
                Ok(worker.locks.is_held(&pipeline)?)
            })
            .await
    }

    async fn pipelines(&self) -> Result<Vec<String>> {
        self.worker
            .call("list pipelines", |worker| {
                read::pipelines(&worker.connection)
            })
            .await
    }

    async fn runs(&self, pipeline: Option<&str>, limit: usize) -> Result<Vec<RunRecord>> {
        let pipeline = pipeline.map(str::to_owned);
        self.worker
            .call("list runs", move |worker| {
                run::list(&mut worker.connection, pipeline.as_deref(), limit)
            })
            .await
    }

    async fn run(&self, run: i64) -> Result<Option<RunRecord>> {
        self.worker
            .call("show a run", move |worker| {
                run::one(&mut worker.connection, run)
            })
            .await
    }

    async fn history(
        &self,
        pipeline: &str,
        stream: Option<&StreamId>,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>> {
        let pipeline = pipeline.to_owned();
        let stream = stream.cloned();
        self.worker
            .call("list history", move |worker| {
                history::list(&worker.connection, &pipeline, stream.as_ref(), limit)
            })
            .await
    }

    async fn import(&self, pipeline: &str, states: Vec<LaneState>) -> Result<()> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("import", move |worker| {
                edit::import(worker, &pipeline, &states)
            })
            .await
    }

    async fn reset(&self, pipeline: &str, stream: Option<&StreamId>) -> Result<()> {
        let pipeline = pipeline.to_owned();
        let stream = stream.cloned();
        self.worker
            .call("reset", move |worker| {
                edit::reset(worker, &pipeline, stream.as_ref())
            })
            .await
    }

    async fn refresh(&self, pipeline: &str, refreshes: Vec<Refresh>) -> Result<()> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("refresh", move |worker| {
                edit::refresh(worker, &pipeline, &refreshes)
            })
            .await
    }

    async fn rollback(&self, pipeline: &str, version: i64) -> Result<()> {
        let pipeline = pipeline.to_owned();
        self.worker
            .call("roll back", move |worker| {
                edit::rollback(worker, &pipeline, version)
            })
            .await
    }
}
