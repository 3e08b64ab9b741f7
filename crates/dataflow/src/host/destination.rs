//! A DataFlow sink.

use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::DestinationCapabilities;
use crossdock_core::destination::{Destination, DestinationOpening, DestinationWriter};
use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::Launcher;
use serde_json::Value;

use super::connector::{Connector, Options};
use super::writer::Writer;
use crate::convert::writing::Writing;
use crate::wire::{FORM, Role};

/// A sink that speaks DataFlow's protocol, whatever launches it.
#[derive(Debug)]
pub struct DataFlowDestination {
    connector: Connector,
}

impl DataFlowDestination {
    /// The sink that `launcher` brings to life; it is told that its type is `kind`.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>, kind: String) -> Self {
        Self {
            connector: Connector::new(launcher, kind, Role::Sink),
        }
    }
}

#[async_trait]
impl Destination for DataFlowDestination {
    type Config = Value;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec {
            destination: DestinationCapabilities {
                deletes: true,
                wire_forms: vec![FORM],
                refuses_records: true,
                ..DestinationCapabilities::default()
            },
            ..Connector::spec()
        })
    }

    async fn check(&self, config: Value, session: &Session) -> Result<Checked> {
        let checked = self.connector.check(&config, session).await;
        checked.map_err(|e| e.during("check"))
    }

    async fn open(
        &self,
        config: Value,
        opening: DestinationOpening,
    ) -> Result<Box<dyn DestinationWriter>> {
        let options = Options {
            name: opening.pipeline.clone(),
            features: &["failed"],
            ..Options::default()
        };
        let opened = self.connector.open(&config, &opening.session, &options);
        let (peer, ready) = opened.await.map_err(|e| e.during("write"))?;
        Ok(Box::new(Writer::start(
            peer,
            &ready,
            Writing::new(&opening.catalog),
            opening.acks,
            opening.keeps_refused,
        )))
    }
}
