//! What sources and destinations share: the launcher, the description, the way from a start to an open
//! connector (§3.1).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::memory::Scope;
use crossdock_core::session::Session;
use crossdock_core::spec::Checked;
use crossdock_launch::{AnswerCache, Launcher};
use serde_json::Value;
use tonic::Code;

use super::config::flat;
use super::lifecycle::{self, Active, Step};
use super::peer::{Failure, Peer, reason};
use super::registry::Registry;
use super::schema::json_schema;
use super::schema_service::SchemaService;
use super::talk::Talk;
use crate::wire::description::{Described, Param};
use crate::wire::handshake;
use crate::wire::proto::connector::{
    ConfigRequest, Empty, SpecifyResponse, SpecifyResponseV1, UpdatedRequest,
};
use crate::wire::side::Side;
use crate::wire::version::Version;

/// A connector that is launched for each use.
#[derive(Debug)]
pub(super) struct Connector {
    launcher: Arc<dyn Launcher>,
    cache: AnswerCache<Described>,
    side: Side,
}

/// A connector that is started, configured and told of its life, with its schema service.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) peer: Peer,
    pub(super) registry: Registry,
    pub(super) described: Described,
    config: BTreeMap<String, String>,
    _schemas: SchemaService,
}

impl Connector {
    pub(super) fn new(launcher: Arc<dyn Launcher>, side: Side) -> Self {
        Self {
            launcher,
            cache: AnswerCache::named("conduit-spec"),
            side,
        }
    }

    /// Keeps descriptions in `dir`; `None`: in memory.
    pub(super) fn set_cache_dir(&mut self, dir: Option<PathBuf>) {
        self.cache = AnswerCache::in_dir(dir);
    }

    /// Asks the connector for its description, always.
    pub(super) async fn fresh(&self, session: &Session) -> Result<Described> {
        let talk = Talk::new(session, self.launcher.name(), &Value::Null, &Value::Null);
        // Go connectors want all three even here (§1.2).
        let env = vec![
            (handshake::UTILITIES, "127.0.0.1:1".to_owned()),
            (handshake::TOKEN, "irrelevant-token".to_owned()),
            (handshake::CONNECTOR_ID, "load-specifications".to_owned()),
        ];
        let mut peer = self.start(&talk, env).await?;
        let limit = talk.limits().command_timeout;
        let answer = match peer.line().version() {
            Version::V1 => peer
                .line()
                .specify(limit)
                .await
                .map(|said: SpecifyResponseV1| said.into()),
            Version::V2 => peer
                .line()
                .specify(limit)
                .await
                .map(|said: SpecifyResponse| {
                    said.specification.map(Described::from).unwrap_or_default()
                }),
        };
        let described: Described = match answer {
            Ok(described) => described,
            Err(failure) => {
                let error = peer.explain("Specify", failure).await;
                peer.stop(talk.limits().grace).await?;
                return Err(error);
            }
        };
        peer.stop(talk.limits().grace).await?;
        self.cache.put(self.launcher.identity().await, &described);
        Ok(described)
    }

    /// The description as it was last time, if this very program was asked before.
    pub(super) async fn described(&self, session: &Session) -> Result<Described> {
        let mut identity = self.launcher.identity().await;
        if identity.is_none() {
            // One that has to be found first is known after that, and was asked by it.
            self.launcher.program(session).await?;
            identity = self.launcher.identity().await;
        }
        match self.cache.get(identity) {
            Some(described) => Ok(described),
            None => self.fresh(session).await,
        }
    }

    /// The parameters of its side that we use.
    ///
    /// # Errors
    /// `connector.wrong_role` if it has no such side.
    pub(super) fn params<'a>(
        &self,
        described: &'a Described,
    ) -> Result<&'a BTreeMap<String, Param>> {
        let (own, other) = match self.side {
            Side::Source => (&described.source, &described.destination),
            Side::Destination => (&described.destination, &described.source),
        };
        // A side without any parameter cannot be told from one that is not there, unless the other has some.
        if own.is_empty() && !other.is_empty() {
            let side = self.side.as_str();
            let error = Error::new(
                &code::CONNECTOR_ROLE,
                format!("the connector {} is not a {side}", described.name),
            );
            return Err(error.with("connector", self.launcher.name()));
        }
        Ok(own)
    }

    /// Starts the program where we stand: paths in configurations are seen from there (§1.2).
    async fn start(&self, talk: &Talk, env: Vec<(&'static str, String)>) -> Result<Peer> {
        let program = self.launcher.program(talk.session()).await?;
        let cwd = std::env::current_dir().map_err(|cause| {
            Error::new(&code::IO, "the working directory cannot be told").caused_by(cause)
        })?;
        Peer::start(&program, &cwd, env, talk).await
    }

    /// Starts and configures.
    async fn started(
        &self,
        config: &Value,
        session: &Session,
        id: &str,
    ) -> Result<(Started, Talk)> {
        let described = self.described(session).await?;
        let schema = json_schema(self.params(&described)?);
        let talk = Talk::new(session, self.launcher.name(), &schema, config);
        let config = flat(config).map_err(|error| talk.error(error))?;
        let registry = Registry::new(session.memory.clone());
        let schemas = SchemaService::start(registry.clone()).await?;
        let env = vec![
            (handshake::UTILITIES, schemas.address().to_owned()),
            (handshake::TOKEN, schemas.token().to_owned()),
            (handshake::CONNECTOR_ID, id.to_owned()),
            (handshake::LOG_LEVEL, "debug".to_owned()),
            (
                handshake::MAX_RECEIVE,
                session.limits.max_line_bytes.to_string(),
            ),
        ];
        let peer = self.start(&talk, env).await?;
        let started = Started {
            peer,
            registry,
            described,
            config,
            _schemas: schemas,
        };
        Ok((started, talk))
    }

    /// Starts and configures.
    async fn configured(
        &self,
        config: &Value,
        session: &Session,
        id: &str,
    ) -> Result<(Started, Talk, Result<(), Failure>)> {
        let (started, talk) = self.started(config, session, id).await?;
        let request = ConfigRequest {
            config: started.config.clone(),
        };
        let limit = session.limits.command_timeout;
        let line = started.peer.line();
        let answer = line
            .ask::<Empty>(self.side, "Configure", &request, limit)
            .await;
        Ok((started, talk, answer.map(drop)))
    }

    /// Tells the connector that it is deleted, if it was ever started: in a process of its own, without
    /// `Configure` (§3.1).
    pub(super) async fn deleted(&self, config: &Value, session: &Session, id: &str) -> Result<()> {
        let (mut started, _) = self.started(config, session, id).await?;
        let told = match started.last_active(session).await {
            None => Ok(()),
            Some(last) => {
                let request = ConfigRequest {
                    config: last.before(&started.config),
                };
                let limit = session.limits.command_timeout;
                let line = started.peer.line();
                let ask = line.ask::<Empty>(self.side, "LifecycleOnDeleted", &request, limit);
                match ask.await {
                    Err(Failure::Status(status)) if status.code() == Code::Unimplemented => Ok(()),
                    Err(failure) => Err(started.peer.explain("LifecycleOnDeleted", failure).await),
                    Ok(_) => {
                        session
                            .memory
                            .remember(Scope::Own, lifecycle::KEY, "")
                            .await
                    }
                }
            }
        };
        started.end(self.side).await?;
        told
    }

    /// Whether the connector takes the configuration: what a validation of Conduit's does (§3.1).
    pub(super) async fn check(&self, config: &Value, session: &Session) -> Result<Checked> {
        let id = format!("validate-{}-config", self.side.as_str());
        let (mut started, talk, answer) = self.configured(config, session, &id).await?;
        let checked = match answer {
            Ok(()) => Ok(Checked::Succeeded),
            Err(Failure::Status(status)) if status.code() == Code::Unknown => {
                let said = Error::new(&code::CONNECTOR_FAILED, reason(status.message()));
                Ok(Checked::Failed(talk.error(said).message().to_owned()))
            }
            Err(failure) => Err(started.peer.explain("Configure", failure).await),
        };
        started.end(self.side).await?;
        checked
    }

    /// Starts, configures, tells of its life and opens: everything before `Run`.
    pub(super) async fn open(
        &self,
        config: &Value,
        session: &Session,
        id: &str,
        position: Option<Vec<u8>>,
    ) -> Result<Started> {
        let (mut started, _, answer) = self.configured(config, session, id).await?;
        let opened = async {
            let outcome = match answer {
                Err(failure) => Err(("Configure", failure)),
                Ok(()) => started.begin(self.side, session, position).await,
            };
            match outcome {
                Ok(()) => Ok(()),
                Err((operation, failure)) => Err(started.peer.explain(operation, failure).await),
            }
        };
        match opened.await {
            Ok(()) => {
                started.remember(session).await?;
                Ok(started)
            }
            Err(error) => {
                started.end(self.side).await?;
                Err(error)
            }
        }
    }
}

type Outcome = Result<(), (&'static str, Failure)>;

impl Started {
    /// The lifecycle event, if one is due, and `Open`.
    async fn begin(&mut self, side: Side, session: &Session, position: Option<Vec<u8>>) -> Outcome {
        let last = self.last_active(session).await;
        let limit = session.limits.command_timeout;
        let line = self.peer.line();
        let told = match lifecycle::step(last.as_ref(), &self.config) {
            Step::Same => Ok(Empty {}),
            Step::Created => {
                let request = ConfigRequest {
                    config: self.config.clone(),
                };
                line.ask(side, "LifecycleOnCreated", &request, limit).await
            }
            Step::Updated { before } => {
                let request = UpdatedRequest {
                    config_before: before,
                    config_after: self.config.clone(),
                };
                line.ask(side, "LifecycleOnUpdated", &request, limit).await
            }
        };
        match told {
            Ok(Empty {}) => {}
            // Old connectors do not have it.
            Err(Failure::Status(status)) if status.code() == Code::Unimplemented => {}
            Err(failure) => return Err(("the lifecycle event", failure)),
        }
        let open = line.version().open();
        let answer = match position {
            Some(position) => {
                let request = crate::wire::proto::connector::PositionMessage {
                    position: position.into(),
                };
                line.ask::<Empty>(side, open, &request, limit).await
            }
            None => line.ask::<Empty>(side, open, &Empty {}, limit).await,
        };
        answer.map(drop).map_err(|failure| (open, failure))
    }

    async fn last_active(&self, session: &Session) -> Option<Active> {
        let kept = session.memory.recall(Scope::Own, lifecycle::KEY).await;
        serde_json::from_str(&kept.ok()??).ok()
    }

    async fn remember(&self, session: &Session) -> Result<()> {
        let (salt, _) = uuid::Uuid::now_v7().as_u64_pair();
        let kept = match self.last_active(session).await {
            Some(last) if lifecycle::step(Some(&last), &self.config) == Step::Same => return Ok(()),
            _ => Active::new(&self.config, salt),
        };
        let text = serde_json::to_string(&kept).map_err(|cause| {
            Error::new(
                &code::INTERNAL,
                "the active configuration cannot be written",
            )
            .caused_by(cause)
        })?;
        session
            .memory
            .remember(Scope::Own, lifecycle::KEY, &text)
            .await
    }

    /// `Teardown`, and the end of the process, within the grace period (P8).
    pub(super) async fn end(&mut self, side: Side) -> Result<()> {
        let grace = self.peer.line().talk().limits().grace;
        let deadline = tokio::time::Instant::now() + grace;
        let torn = self
            .peer
            .line()
            .ask::<Empty>(side, "Teardown", &Empty {}, grace / 2)
            .await;
        if let Err(failure) = torn {
            let error = self.peer.explain("Teardown", failure).await;
            self.peer.line().talk().warn(&format!(
                "the connector did not end well: {}",
                error.message()
            ));
        }
        let left = deadline.saturating_duration_since(tokio::time::Instant::now());
        self.peer.stop(left).await
    }
}
