//! The connector that is checked, and what it is brought to.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::peer::Peer;
use super::talk::{ANSWER, Answer, Talk, WRITE};
use super::whole::{self, Whole};
use super::word;
use crate::store::ReadBack;
use crate::{Outcome, Places, Reach, Role, skip};

/// A connector of DataFlow under test.
pub struct Subject {
    peer: Box<dyn Peer>,
    /// What it is checked as.
    pub(super) role: Role,
    kind: String,
    config: Option<Value>,
    /// Where it is interrupted and gone on from.
    pub(super) places: Places,
    /// What it stored.
    pub(super) store: ReadBack,
    whole: OnceCell<Arc<Whole>>,
    plain: OnceCell<Arc<Talk>>,
}

impl Subject {
    /// A connector, its type as in a manifest, and a configuration that works if there is one.
    #[must_use]
    pub fn new(peer: Box<dyn Peer>, role: Role, kind: &str, config: Option<Value>) -> Self {
        Self {
            peer,
            role,
            kind: kind.to_owned(),
            config,
            places: Places::default(),
            store: ReadBack::new(None),
            whole: OnceCell::new(),
            plain: OnceCell::new(),
        }
    }

    /// The same, with a battery that goes so far.
    #[must_use]
    pub fn reaching(mut self, reach: Reach) -> Self {
        self.places = reach.places;
        self.store = ReadBack::new(reach.store);
        self
    }

    /// A new process.
    pub(super) async fn open(&self) -> Outcome<Talk> {
        Ok(Talk::new(self.peer.open().await?))
    }

    /// The command `init`. Without a configuration an empty one is tried.
    pub(super) fn init(&self, options: Option<Value>) -> Value {
        let mut init = json!({
            "cmd": "init",
            "role": word(self.role),
            "type": self.kind,
            "config": self.config.clone().unwrap_or_else(|| json!({})),
        });
        // As in the examples of the page.
        let usual = (self.role == Role::Source).then(|| json!({}));
        if let Some(options) = options.or(usual) {
            init["options"] = options;
        }
        init
    }

    /// A process that has taken its configuration.
    pub(super) async fn initialised(&self) -> Outcome<Talk> {
        self.initialised_with(None).await
    }

    async fn initialised_with(&self, options: Option<Value>) -> Outcome<Talk> {
        let mut talk = self.open().await?;
        let answer = talk.ask(&self.init(options), ANSWER).await;
        match answer.is("ready") {
            true => Ok(talk),
            false => skip(format!(
                "`init` is answered by {}{}",
                answer.kind(),
                self.advice()
            )),
        }
    }

    /// A process that is connected.
    pub(super) async fn connected(&self) -> Outcome<Talk> {
        self.connected_with(None).await
    }

    /// A process that is connected, with these options.
    pub(super) async fn connected_with(&self, options: Option<Value>) -> Outcome<Talk> {
        let mut talk = self.initialised_with(options).await?;
        let answer = talk.ask(&json!({"cmd": "connect"}), 2 * ANSWER).await;
        match answer.is("ready") {
            true => Ok(talk),
            false => skip(format!(
                "`connect` is answered by {}{}",
                answer.kind(),
                self.advice()
            )),
        }
    }

    fn advice(&self) -> &'static str {
        match self.config {
            Some(_) => "",
            None => "; it needs a configuration that works (--config)",
        }
    }

    /// Skips what needs a configuration that works, if there is none and it was refused.
    pub(super) fn needs_config(&self, answer: &Answer) -> Outcome {
        match (&self.config, answer.is("ready")) {
            (None, false) => skip("it needs a configuration that works (--config)"),
            _ => Ok(()),
        }
    }

    /// The command by which data is moved: a small read, or a write of one message.
    pub(super) fn work(&self) -> Value {
        match self.role {
            Role::Source => json!({"cmd": "read", "limit": 1}),
            Role::Destination => write(&[row(1)]),
        }
    }

    /// Moves a little data.
    pub(super) async fn works(&self, talk: &mut Talk) -> Answer {
        talk.ask(&self.work(), WRITE).await
    }

    /// A plain session: each command once, and whatever the process says until its end.
    pub(super) async fn plain(&self) -> Outcome<Arc<Talk>> {
        let made = self.plain.get_or_try_init(|| async {
            let mut talk = self.connected().await?;
            talk.ping().await;
            match self.role {
                Role::Source => talk.ask(&json!({"cmd": "read"}), WRITE).await,
                Role::Destination => talk.ask(&write(&[row(1), row(2)]), WRITE).await,
            };
            talk.ask(&json!({"cmd": "no-such-command"}), ANSWER).await;
            talk.ask(&json!({"cmd": "close"}), ANSWER).await;
            talk.close_input();
            talk.ended().await;
            Ok(Arc::new(talk))
        });
        made.await.cloned()
    }

    /// Everything that a source has, or the beginning of it.
    pub(super) async fn whole(&self) -> Outcome<Arc<Whole>> {
        let made = self
            .whole
            .get_or_try_init(|| async { Ok(Arc::new(whole::read(self.connected().await?).await)) });
        made.await.cloned()
    }
}

/// A `write` of these messages.
pub(super) fn write(messages: &[Value]) -> Value {
    json!({"cmd": "write", "messages": messages})
}

/// A message as on the page.
pub(super) fn row(id: u64) -> Value {
    message(&json!({"id": id, "name": format!("row {id}")}).to_string())
}

/// A message with this payload.
pub(super) fn message(data: &str) -> Value {
    json!({"data": data, "metadata": {"table": "conformance"}, "timestamp": "2024-01-15T10:30:00Z"})
}
