//! What connectors remember, kept in the store.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::error::Result;
use crossdock_core::memory::{Memory, Scope};
use crossdock_core::store::Store;

/// The memory of one connector of one pipeline.
pub(crate) struct StoreMemory {
    store: Arc<dyn Store>,
    owner: String,
}

impl StoreMemory {
    /// `slot` names the connector's place in the pipeline.
    pub(crate) fn new(store: Arc<dyn Store>, pipeline: &str, slot: &str) -> Self {
        // No name of a pipeline has a line end in it, so no two owners are the same.
        let owner = format!("{pipeline}\n{slot}");
        Self { store, owner }
    }

    fn owner(&self, scope: Scope) -> &str {
        match scope {
            Scope::Own => &self.owner,
            Scope::Shared => "",
        }
    }
}

#[async_trait]
impl Memory for StoreMemory {
    async fn recall(&self, scope: Scope, key: &str) -> Result<Option<String>> {
        self.store.recall(self.owner(scope), key).await
    }

    async fn remember(&self, scope: Scope, key: &str, value: &str) -> Result<()> {
        let kept = self.store.remember(self.owner(scope), key, value, false);
        kept.await.map(drop)
    }

    async fn remember_first(&self, scope: Scope, key: &str, value: &str) -> Result<bool> {
        self.store
            .remember(self.owner(scope), key, value, true)
            .await
    }
}
