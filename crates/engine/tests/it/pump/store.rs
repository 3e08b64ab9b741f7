//! A store in memory that knows one pipeline.

use std::sync::Mutex;

use async_trait::async_trait;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::store::{
    Commit, Generation, HistoryEntry, Lease, Refresh, Resume, Reviewed, RunEnd, RunKind, RunRecord,
    SchemaReview, Store, StoredConfig,
};
use crossdock_core::stream::StreamId;

#[derive(Default)]
struct Inner {
    epoch: i64,
    state: Option<u64>,
    commits: u64,
    fence_after: Option<u64>,
}

#[derive(Default)]
pub(super) struct MemoryStore(Mutex<Inner>);

impl MemoryStore {
    pub(super) fn state(&self) -> Option<u64> {
        self.0.lock().unwrap().state
    }

    /// Another run takes over after this many commits.
    pub(super) fn fence_after(&self, commits: u64) {
        self.0.lock().unwrap().fence_after = Some(commits);
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn begin_as(&self, pipeline: &str, _: RunKind) -> Result<Lease> {
        let mut inner = self.0.lock().unwrap();
        inner.epoch += 1;
        Ok(Lease {
            pipeline: pipeline.to_owned(),
            epoch: inner.epoch,
            run: inner.epoch,
        })
    }

    async fn resume(&self, _: &str) -> Result<Resume> {
        Ok(Resume::default())
    }

    async fn commit(&self, _: &Lease, commit: Commit) -> Result<()> {
        let mut inner = self.0.lock().unwrap();
        inner.commits += 1;
        if inner.fence_after.is_some_and(|after| inner.commits > after) {
            return Err(Error::new(&code::FENCED, "a newer run took over"));
        }
        if let Some(state) = commit.states.last() {
            inner.state = state.state.to_value()?.as_u64();
        }
        Ok(())
    }

    async fn set_generations(&self, _: &Lease, _: Vec<Generation>) -> Result<()> {
        Ok(())
    }

    async fn clear(&self, _: &Lease, _: Vec<Lane>) -> Result<()> {
        Ok(())
    }

    async fn save_catalog(&self, _: &Lease, _: ConfiguredCatalog) -> Result<()> {
        Ok(())
    }

    async fn catalog(&self, _: &str) -> Result<Option<ConfiguredCatalog>> {
        Ok(None)
    }

    async fn save_review(&self, _: &Lease, _: Reviewed) -> Result<()> {
        Ok(())
    }

    async fn review(&self, _: &str) -> Result<Option<SchemaReview>> {
        Ok(None)
    }

    async fn accept(&self, _: &str) -> Result<()> {
        Ok(())
    }

    async fn finish(&self, _: &Lease, _: RunEnd) -> Result<()> {
        Ok(())
    }

    async fn save_config(&self, _: &str, _: &str, _: StoredConfig) -> Result<()> {
        Ok(())
    }

    async fn load_config(&self, _: &str, _: &str) -> Result<Option<StoredConfig>> {
        Ok(None)
    }

    async fn recall(&self, _: &str, _: &str) -> Result<Option<String>> {
        Ok(None)
    }

    async fn remember(&self, _: &str, _: &str, _: &str, _: bool) -> Result<bool> {
        Ok(true)
    }

    async fn is_held(&self, _: &str) -> Result<bool> {
        Ok(false)
    }

    async fn pipelines(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn runs(&self, _: Option<&str>, _: usize) -> Result<Vec<RunRecord>> {
        Ok(Vec::new())
    }

    async fn run(&self, _: i64) -> Result<Option<RunRecord>> {
        Ok(None)
    }

    async fn history(&self, _: &str, _: Option<&StreamId>, _: usize) -> Result<Vec<HistoryEntry>> {
        Ok(Vec::new())
    }

    async fn import(&self, _: &str, _: Vec<LaneState>) -> Result<()> {
        Ok(())
    }

    async fn reset(&self, _: &str, _: Option<&StreamId>) -> Result<()> {
        Ok(())
    }

    async fn refresh(&self, _: &str, _: Vec<Refresh>) -> Result<()> {
        Ok(())
    }

    async fn rollback(&self, _: &str, _: i64) -> Result<()> {
        Ok(())
    }
}
