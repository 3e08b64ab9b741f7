//! What a destination wrote, as a source of the same system reads it.

use async_trait::async_trait;
use crossdock_config::{ConnectorConfig, ConnectorRef};
use crossdock_conformance::{STORED, Store};
use crossdock_core::error::Result;
use serde_json::Value;

use crate::command::{self, Ask};
use crate::preview::preview;

/// A source of the system that a destination writes to.
pub(super) struct ReadBack {
    pub(super) reference: ConnectorRef,
    pub(super) config: ConnectorConfig,
    pub(super) ask: Ask,
}

#[async_trait]
impl Store for ReadBack {
    async fn rows(&self) -> Result<Vec<Value>> {
        let (reference, config) = (&self.reference, &self.config);
        let catalog = command::discover(reference, config.clone(), &self.ask).await?;
        let names: Vec<String> = catalog.streams.iter().map(|s| s.id().to_string()).collect();
        // A system may hold a lot that nobody asked for, or have names of its own for what it is given.
        let has_own = names.iter().any(|name| name.contains(STORED));
        let wanted = names
            .iter()
            .filter(|name| !has_own || name.contains(STORED));
        let mut rows = Vec::new();
        for name in wanted {
            let read = preview(reference, config.clone(), Some(name), usize::MAX, &self.ask);
            for record in read.await?.records {
                rows.push(record.to_value()?);
            }
        }
        Ok(rows)
    }
}
