//! What sources and destinations share: the launcher, the specification, the start of a process.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossdock_core::error::Result;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{AnswerCache, Call, Launcher, Word};
use serde_json::{Map, Value};

use super::command::{ask, check_status};
use super::peer::Peer;
use super::sockets::Sockets;
use crate::channel::ChannelWish;
use crate::mapping;
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

/// The command of one use, with its files as options.
#[derive(Debug)]
pub(super) struct Files {
    words: Vec<Word>,
}

impl Files {
    pub(super) fn new(command: &str) -> Self {
        Self {
            words: vec![Word::Text(command.to_owned())],
        }
    }

    /// Adds `--NAME FILE` with this content. Nothing of it stands in the arguments (P10).
    pub(super) fn add(mut self, name: &str, content: Vec<u8>) -> Self {
        self.words.push(Word::Text(format!("--{name}")));
        self.words.push(Word::File {
            name: format!("{name}.json"),
            content,
        });
        self
    }
}

/// What a connector has beside its files.
#[derive(Default)]
pub(super) struct Ties<'a> {
    /// A pipe to its stdin.
    pub stdin: bool,
    /// What it writes where it stands is kept.
    pub keeps_files: bool,
    /// The sockets that it is told of.
    pub sockets: Option<&'a Sockets>,
    /// The file with the streams' names.
    pub names: Option<&'a Path>,
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
        let peer = self.start(&talk, Files::new("spec")).await?;
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
        let files = Files::new("check").add("config", text(config));
        let peer = self.start(&talk, files).await?;
        let status = ask(peer, &talk, Some(config), |message| match message {
            Message::ConnectionStatus(status) => ControlFlow::Break(status),
            other => ControlFlow::Continue(other),
        })
        .await?;
        check_status(&talk, status)
    }

    /// The data channel of a read or a write: as it was wished, or as the connector says of itself (§4.1).
    pub(super) async fn channel(
        &self,
        wish: ChannelWish,
        session: &Session,
    ) -> Result<Option<Sockets>> {
        let form = match wish {
            // Only what was not chosen is asked for.
            ChannelWish::AsAnnounced => wish.format(&self.cached_spec(session).await?.extra),
            chosen => chosen.format(&Map::new()),
        };
        form.map(|(format, count)| Sockets::create(format, count))
            .transpose()
    }

    /// Starts the connector for a question.
    pub(super) async fn start(&self, talk: &Talk, files: Files) -> Result<Peer> {
        self.start_with(talk, files, Ties::default()).await
    }

    /// Starts the connector for the move of records.
    pub(super) async fn start_with(
        &self,
        talk: &Talk,
        files: Files,
        ties: Ties<'_>,
    ) -> Result<Peer> {
        let plain = ENVIRONMENT.map(|(name, value)| (name, value.to_owned()));
        let mut env: Vec<(&'static str, String)> = plain.into();
        if let Some(sockets) = ties.sockets {
            env.extend(sockets.channel().environment());
        }
        env.extend(
            ties.names
                .map(|path| (mapping::VARIABLE, path.to_string_lossy().into_owned())),
        );
        let call = Call {
            words: files.words,
            env,
            folder: ties.sockets.map(|sockets| sockets.folder().to_owned()),
            stdin: ties.stdin,
            keeps_files: ties.keeps_files,
            stderr: talk.stderr(),
        };
        let process = self.launcher.start(call, talk.session()).await?;
        Ok(Peer::new(process, talk.clone()))
    }
}

pub(super) fn text(config: &Value) -> Vec<u8> {
    config.to_string().into_bytes()
}
