//! What sources and destinations share: the launcher, the specification, the start of a process.

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{AnswerCache, Launcher, PrivateDir, Spawn};
use serde_json::Value;

use super::command::{ask, check_status};
use super::peer::Peer;
use crate::talk::Talk;
use crate::wire::Message;

/// Harmless facts that some connectors want to know (§2.4).
const ENVIRONMENT: [(&str, &str); 3] = [
    // Old Java database sources print LEGACY states without it.
    ("USE_STREAM_CAPABLE_STATE", "true"),
    ("DEPLOYMENT_MODE", "OSS"),
    ("AIRBYTE_EDITION", "COMMUNITY"),
];

/// A connector that is launched for each use.
#[derive(Debug)]
pub(super) struct Connector {
    launcher: Arc<dyn Launcher>,
    specs: AnswerCache<Spec>,
}

/// The files of one use, as command line options.
#[derive(Debug)]
pub(super) struct Files {
    dir: PrivateDir,
    args: Vec<OsString>,
}

impl Files {
    pub(super) fn new(command: &str) -> Result<Self> {
        Ok(Self {
            dir: PrivateDir::create()?,
            args: vec![command.into()],
        })
    }

    /// Adds `--NAME FILE` with this content. Nothing of it stands in the arguments (P10).
    pub(super) fn add(mut self, name: &str, content: &[u8]) -> Result<Self> {
        let path = self.dir.write(&format!("{name}.json"), content)?;
        self.args.push(format!("--{name}").into());
        self.args.push(path.into());
        Ok(self)
    }
}

impl Connector {
    pub(super) fn new(launcher: Arc<dyn Launcher>) -> Self {
        Self {
            launcher,
            specs: AnswerCache::named("airbyte-spec"),
        }
    }

    pub(super) fn set_cache_dir(&mut self, dir: Option<PathBuf>) {
        self.specs = AnswerCache::in_dir(dir);
    }

    /// Asks the connector for its specification, always.
    pub(super) async fn fresh_spec(&self, session: &Session) -> Result<Spec> {
        let talk = Talk::new(session, self.launcher.name(), Value::Null, &Value::Null);
        let pick = |message| match message {
            Message::Spec(spec) => ControlFlow::Break(*spec),
            other => ControlFlow::Continue(other),
        };
        let peer = self.start(&talk, Files::new("spec")?, false).await?;
        let spec = ask(peer, &talk, None, pick).await?;
        self.specs.put(self.launcher.identity().await, &spec);
        Ok(spec)
    }

    /// The specification as it was last time, if this very connector was asked before: a start of
    /// Python takes seconds (§6, 27).
    pub(super) async fn cached_spec(&self, session: &Session) -> Result<Spec> {
        match self.specs.get(self.launcher.identity().await) {
            Some(spec) => Ok(spec),
            None => self.fresh_spec(session).await,
        }
    }

    /// How to talk while this configuration is in use.
    pub(super) async fn talk(&self, config: &Value, session: &Session) -> Result<Talk> {
        let spec = self.cached_spec(session).await?;
        let schema = spec.connection_specification;
        Ok(Talk::new(session, self.launcher.name(), schema, config))
    }

    pub(super) async fn check(&self, config: &Value, session: &Session) -> Result<Checked> {
        let talk = self.talk(config, session).await?;
        let files = Files::new("check")?.add("config", &text(config))?;
        let peer = self.start(&talk, files, false).await?;
        let status = ask(peer, &talk, Some(config), |message| match message {
            Message::ConnectionStatus(status) => ControlFlow::Break(status),
            other => ControlFlow::Continue(other),
        })
        .await?;
        check_status(&talk, status)
    }

    /// Starts the connector.
    pub(super) async fn start(&self, talk: &Talk, files: Files, stdin: bool) -> Result<Peer> {
        let program = self.launcher.program(talk.session()).await?;
        let Files { dir, args } = files;
        // Connectors write where they stand (§6, 25).
        let cwd = dir.path().join("work");
        std::fs::create_dir(&cwd).map_err(|cause| {
            Error::new(
                &code::IO,
                "the connector's working directory cannot be made",
            )
            .caused_by(cause)
        })?;
        let process = Spawn {
            program: &program,
            args,
            cwd: &cwd,
            env: ENVIRONMENT
                .map(|(key, value)| (key.into(), value.into()))
                .into(),
            stdin,
            longest_line: None,
            stderr: talk.stderr(),
        }
        .spawn()
        .map_err(|error| talk.error(error))?;
        Ok(Peer::new(process, talk.clone(), dir))
    }
}

pub(super) fn text(config: &Value) -> Vec<u8> {
    config.to_string().into_bytes()
}
