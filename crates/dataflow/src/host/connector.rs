//! What sources and sinks share: from a launcher to a connector that is connected.

use std::sync::Arc;

use crossdock_core::code;
use crossdock_core::error::ErrorKind;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::session::Session;
use crossdock_core::spec::{Checked, Spec};
use crossdock_launch::{Launcher, Spawn};
use serde_json::{Map, Value, json};

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

/// What `init` says beside the configuration (the profile's); nothing of it must be understood.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// The pipeline's name.
    pub(super) name: String,
    /// What we understand beyond the page.
    pub(super) features: &'static [&'static str],
    /// How long a read of which nothing comes may wait.
    pub(super) max_wait_ms: Option<u64>,
    /// Where a source goes on.
    pub(super) checkpoint: Option<Json>,
}

impl Options {
    fn to_json(&self) -> String {
        let mut members = Map::new();
        if !self.name.is_empty() {
            members.insert("name".to_owned(), self.name.as_str().into());
        }
        if !self.features.is_empty() {
            members.insert("features".to_owned(), json!(self.features));
        }
        if let Some(wait) = self.max_wait_ms {
            members.insert("maxWaitMs".to_owned(), wait.into());
        }
        let is_empty = members.is_empty();
        let mut text = Value::from(members).to_string();
        if let Some(checkpoint) = &self.checkpoint {
            text.pop();
            let separator = if is_empty { "" } else { "," };
            // As text, so that it goes back as it came; twice, for the original's connectors in Go have another
            // name for it.
            text.push_str(&format!(
                "{separator}\"checkpoint\":{checkpoint},\"initialCheckpoint\":{checkpoint}}}"
            ));
        }
        text
    }
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
        options: &Options,
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

    async fn begin(&self, peer: &mut Peer, config: &Value, options: &Options) -> Result<Ready> {
        let answers = peer.talk().limits().answers;
        let config = match config {
            Value::Null => "{}".to_owned(),
            config => config.to_string(),
        };
        let options = options.to_json();
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
        let opened = self.open(config, session, &Options::default()).await;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_goes_back_digit_by_digit() {
        let mut options = Options::default();
        assert_eq!(options.to_json(), "{}");
        options.checkpoint = Json::parse_text("123456789012345678901").ok();
        let twice =
            r#""checkpoint":123456789012345678901,"initialCheckpoint":123456789012345678901}"#;
        assert_eq!(options.to_json(), format!("{{{twice}"));
        options.name = "a\"b".to_owned();
        options.features = &["ack"];
        let begin = r#"{"name":"a\"b","features":["ack"],"#;
        assert_eq!(options.to_json(), format!("{begin}{twice}"));
    }
}
