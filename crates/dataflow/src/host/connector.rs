//! What sources and sinks share: from a launcher to a connector that is connected.

use std::sync::Arc;

use crossdock_core::code;
use crossdock_core::error::ErrorKind;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{Launcher, Spawn};
use serde_json::{Map, Value};

use super::peer::Peer;
use super::talk::{Talk, schema};
use crate::wire::{Ready, Role, write_connect, write_init};

/// A connector that is launched for each use.
#[derive(Debug)]
pub(super) struct Connector {
    launcher: Arc<dyn Launcher>,
    /// The type that it is told it has.
    kind: String,
    role: Role,
}

impl Connector {
    pub(super) fn new(launcher: Arc<dyn Launcher>, kind: String, role: Role) -> Self {
        Self {
            launcher,
            kind,
            role,
        }
    }

    pub(super) fn kind(&self) -> &str {
        &self.kind
    }

    /// The protocol has no specification: every configuration is taken, and names tell which values are
    /// secret.
    pub(super) fn spec() -> Spec {
        Spec {
            connection_specification: schema(),
            ..Spec::default()
        }
    }

    /// Starts, configures and connects. What it announced comes with it: once for both answers.
    pub(super) async fn open(
        &self,
        config: &Value,
        session: &Session,
        options: &Map<String, Value>,
    ) -> Result<(Peer, Ready)> {
        let talk = Talk::new(session, self.launcher.name(), config);
        let program = self.launcher.program(session).await?;
        let cwd = std::env::current_dir().map_err(|cause| {
            Error::new(&code::IO, "the working directory cannot be told").caused_by(cause)
        })?;
        // Paths in configurations are seen from where we stand.
        let process = Spawn {
            program: &program,
            args: Vec::new(),
            cwd: &cwd,
            env: Vec::new(),
            stdin: true,
            longest_line: None,
            stderr: Arc::new(talk.clone()),
        };
        let process = process.spawn().map_err(|error| talk.error(error))?;
        let mut peer = Peer::new(process, talk);
        match self.begin(&mut peer, config, options).await {
            Ok(ready) => Ok((peer, ready)),
            Err(error) => {
                let grace = session.limits.grace;
                peer.close(false, grace).await?;
                Err(error)
            }
        }
    }

    async fn begin(
        &self,
        peer: &mut Peer,
        config: &Value,
        options: &Map<String, Value>,
    ) -> Result<Ready> {
        let answers = peer.talk().limits().answers;
        let config = match config {
            Value::Null => "{}".to_owned(),
            config => config.to_string(),
        };
        let options = Value::from(options.clone()).to_string();
        let mut command = Vec::new();
        write_init(
            &mut command,
            self.role,
            &self.kind,
            config.as_bytes(),
            Some(options.as_bytes()),
        );
        // Through its input only: others can read arguments (P10).
        let mut ready = peer.ready("init", command, answers.init).await?;
        let mut command = Vec::new();
        write_connect(&mut command);
        let more = peer.ready("connect", command, answers.connect).await?;
        ready.join(more);
        Ok(ready)
    }

    /// Whether it takes the configuration and connects.
    pub(super) async fn check(&self, config: &Value, session: &Session) -> Result<Checked> {
        let opened = self.open(config, session, &Map::new()).await;
        match opened {
            Ok((mut peer, _)) => {
                let close = session.limits.answers.close;
                peer.close(true, close).await?;
                Ok(Checked::Succeeded)
            }
            Err(error)
                if *error.code() == code::CONNECTOR_FAILED
                    && error.kind() != ErrorKind::Transient =>
            {
                Ok(Checked::Failed(error.message().to_owned()))
            }
            Err(error) => Err(error),
        }
    }
}
