//! A Conduit source.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::Catalog;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{Launcher, sample};
use serde_json::Value;

use super::connector::Connector;
use super::reader::Reader;
use super::schema::json_schema;
use crate::convert::reading::{Reading, Wanted};
use crate::wire::FORM;
use crate::wire::description::Described;
use crate::wire::position::position;
use crate::wire::side::Side;

/// A source that speaks Conduit's protocol, whatever launches it.
#[derive(Debug)]
pub struct ConduitSource {
    connector: Connector,
}

impl ConduitSource {
    /// The source that `launcher` brings to life.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>) -> Self {
        Self {
            connector: Connector::new(launcher, Side::Source),
        }
    }

    /// Keeps descriptions in `dir` instead of the user's cache directory; `None`: in memory.
    #[must_use]
    pub fn with_cache_dir(mut self, dir: Option<PathBuf>) -> Self {
        self.connector.set_cache_dir(dir);
        self
    }

    /// What the connector says of itself, from the cache if this very program was asked before.
    pub async fn described(&self, session: &Session) -> Result<Described> {
        self.connector.described(session).await
    }

    /// The specification, from the cache if this very program was asked before. For validation and
    /// masking; a user who asks gets [`Source::spec`].
    pub async fn cached_spec(&self, session: &Session) -> Result<Spec> {
        let described = self.connector.described(session).await?;
        self.spec_of(&described)
    }

    fn spec_of(&self, described: &Described) -> Result<Spec> {
        Ok(Spec {
            connection_specification: json_schema(self.connector.params(described)?),
            source: SourceCapabilities {
                incremental: true,
                bounded: false,
                bounded_on_wish: false,
                drains: true,
                learns_streams: true,
                whole_states: true,
                deletes: true,
            },
            ..Spec::default()
        })
    }
}

#[async_trait]
impl Source for ConduitSource {
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

    /// Reads for a moment from the beginning, without an acknowledgement: the protocol has no other way
    /// to learn what a source has.
    async fn discover(&self, config: Value, session: &Session) -> Result<Catalog> {
        let session = Session {
            // What the connector would remember belongs to no pipeline.
            memory: Arc::new(crossdock_core::memory::Passing::default()),
            ..session.clone()
        };
        let opening = SourceOpening {
            bounded: true,
            connector: String::new(),
            pipeline: "discover".to_owned(),
            catalog: Default::default(),
            state: Vec::new(),
            shape: Default::default(),
            verbatim: None,
            values: true,
            session: session.clone(),
        };
        let sampled = async {
            let mut reader = Source::open(self, config, opening).await?;
            sample(reader.as_mut(), &session).await
        };
        sampled.await.map_err(|e: Error| e.during("discover"))
    }

    async fn deleted(
        &self,
        config: Value,
        pipeline: &str,
        connector: &str,
        session: &Session,
    ) -> Result<()> {
        let id = full_id(pipeline, connector, "source");
        self.connector.deleted(&config, session, &id).await
    }

    async fn open(&self, config: Value, opening: SourceOpening) -> Result<Box<dyn SourceReader>> {
        let position = match opening.state.as_slice() {
            [] => Vec::new(),
            [state] => position(&state.state).map_err(|fault| {
                Error::new(&code::STATE_INVALID, fault.to_string())
                    .with("state", &state.state)
                    .hint("`crossdock state reset` forgets it; the source then begins anew")
            })?,
            _ => {
                return Err(Error::new(
                    &code::STATE_INVALID,
                    "a Conduit source has one position, and the state has several parts",
                )
                .hint("`crossdock state reset` forgets it; the source then begins anew"));
            }
        };
        let id = full_id(&opening.pipeline, &opening.connector, "source");
        let named = if opening.connector.is_empty() {
            ""
        } else {
            &id
        };
        let started = self
            .connector
            .open(&config, &opening.session, &id, Some(position));
        let started = started.await.map_err(|e| e.during("read"))?;
        let wanted = Wanted {
            lines: opening.verbatim == Some(FORM),
            values: opening.values || opening.verbatim != Some(FORM),
        };
        let reading = Reading::new(&started.described.name, &opening.catalog, wanted);
        let reading = reading.named(named.to_owned());
        Ok(Box::new(Reader::new(started, reading)))
    }
}

/// A connector's full name; one without a name of its own is called by its role.
pub(super) fn full_id(pipeline: &str, connector: &str, role: &str) -> String {
    match connector {
        "" => format!("{pipeline}:{role}"),
        name => format!("{pipeline}:{name}"),
    }
}
