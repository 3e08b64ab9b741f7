//! A store for runs whose states somebody else keeps.

use async_trait::async_trait;
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::error::Result;
use crossdock_core::store::{
    Commit, Generation, HistoryEntry, Lease, Refresh, Resume, Reviewed, RunEnd, RunKind, RunRecord,
    SchemaReview, Store, StoredConfig,
};
use crossdock_core::stream::StreamId;

/// The right to write nothing. The epoch is the time, so that the files of two such runs never
/// have the same name.
pub(super) fn lease(pipeline: &str) -> Lease {
    Lease {
        pipeline: pipeline.to_owned(),
        epoch: SystemClock.now_ms(),
        run: 1,
    }
}

/// Takes every commit and keeps nothing.
#[derive(Debug)]
pub(super) struct Forgetful;

#[async_trait]
impl Store for Forgetful {
    async fn begin_as(&self, pipeline: &str, _: RunKind) -> Result<Lease> {
        Ok(lease(pipeline))
    }

    async fn resume(&self, _: &str) -> Result<Resume> {
        Ok(Resume::default())
    }

    async fn commit(&self, _: &Lease, _: Commit) -> Result<()> {
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
