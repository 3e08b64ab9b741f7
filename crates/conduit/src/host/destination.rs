//! A Conduit destination.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter};
use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::Launcher;
use serde_json::Value;

use super::connector::Connector;
use super::schema::json_schema;
use super::source::full_id;
use super::writer::Writer;
use crate::convert::encode::Encoder;
use crate::wire::FORM;
use crate::wire::description::Described;
use crate::wire::side::Side;

/// A destination that speaks Conduit's protocol, whatever launches it.
#[derive(Debug)]
pub struct ConduitDestination {
    connector: Connector,
}

impl ConduitDestination {
    /// The destination that `launcher` brings to life.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>) -> Self {
        Self {
            connector: Connector::new(launcher, Side::Destination),
        }
    }

    /// Keeps descriptions in `dir` instead of the user's cache directory; `None`: in memory.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.connector.set_cache_dir(dir);
        self
    }

    /// The specification, from the cache if this very program was asked before. For validation and
    /// masking; a user who asks gets [`Destination::spec`].
    pub async fn cached_spec(&self, session: &Session) -> Result<Spec> {
        let described = self.connector.described(session).await?;
        self.spec_of(&described)
    }

    fn spec_of(&self, described: &Described) -> Result<Spec> {
        Ok(Spec {
            connection_specification: json_schema(self.connector.params(described)?),
            destination: DestinationCapabilities {
                deletes: true,
                wire_forms: vec![FORM],
                refuses_records: true,
                ..DestinationCapabilities::default()
            },
            ..Spec::default()
        })
    }
}

#[async_trait]
impl Destination for ConduitDestination {
    type Config = Value;

    async fn spec(&self, session: &Session) -> Result<Spec> {
        let described = self.connector.fresh(session).await;
        let spec = described.and_then(|described| self.spec_of(&described));
        spec.map_err(|e| e.during("spec"))
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        let checked = self.connector.check(&config, session).await;
        checked.map_err(|e| e.during("check"))
    }

    async fn deleted(
        &self,
        config: Value,
        pipeline: &str,
        connector: &str,
        session: &Session,
    ) -> Result<()> {
        let id = full_id(pipeline, connector, "destination");
        self.connector.deleted(&config, session, &id).await
    }

    async fn open(
        &self,
        config: Value,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let id = full_id(&opening.pipeline, &opening.connector, "destination");
        let started = self.connector.open(&config, &opening.session, &id, None);
        let started = started.await.map_err(|e| e.during("write"))?;
        let encoder = Encoder::new(
            started.peer.line().version(),
            opening.epoch,
            &opening.catalog,
        );
        Ok(Box::new(Writer::new(started, encoder, opening.acks)))
    }
}
