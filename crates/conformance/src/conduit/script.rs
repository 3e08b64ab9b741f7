//! What is done with one process of a connector, step by step.

use bytes::Bytes;
use crossdock_conduit::wire::handshake;
use crossdock_conduit::wire::proto::opencdc::v1::Record;

use super::peer::{Config, Question};

/// As many records are read from a source: enough to see its ways, few enough for one that never ends.
pub(super) const MOST: usize = 40;

/// How records of a source are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// Each by itself, as Conduit does.
    Each,
    /// Those of one message together.
    Together,
    /// Not at all.
    None,
}

/// One step.
#[derive(Clone, PartialEq)]
pub(super) enum Step {
    /// A question.
    Ask(Question),
    /// Stop, a destination with the last position that was sent to it.
    Stop,
    /// Opens Run.
    Run,
    /// Receives records until there are so many, or none come any more.
    Read(Acks, usize),
    /// Receives what still comes after Stop until the position that Stop answered, and what comes then.
    Drain,
    /// Nothing is received for a while.
    Pause,
    /// Sends these records in one message, in version 1 one by one.
    Send(Vec<Record>),
    /// Receives acks until there are as many as records were sent, or none come any more.
    Hear,
    /// Listens once whether something comes that nobody asked for.
    Listen,
    /// Says that nothing more will be sent, and receives until the end.
    HalfClose,
    /// Cancels Run.
    Cancel,
    /// Kills the process.
    Kill,
    /// Waits for the end of the process.
    Exit,
}

/// A start with its environment, and the steps after it.
#[derive(Clone, PartialEq)]
pub(super) struct Script {
    pub(super) env: Vec<(&'static str, String)>,
    pub(super) steps: Vec<Step>,
}

impl Script {
    /// A start as Conduit starts a connector that it runs, with these versions offered.
    pub(super) fn new(versions: &str) -> Self {
        let mut env = vec![
            (handshake::COOKIE, handshake::COOKIE_VALUE.to_owned()),
            (handshake::VERSIONS, versions.to_owned()),
            (handshake::CONNECTOR_ID, "conformance:connector".to_owned()),
            (handshake::LOG_LEVEL, "debug".to_owned()),
        ];
        let limit = handshake::MAX_RECEIVE_DEFAULT.to_string();
        env.push((handshake::MAX_RECEIVE, limit));
        env.extend(handshake::PORTS.map(|(name, port)| (name, port.to_owned())));
        Self {
            env,
            steps: Vec::new(),
        }
    }

    /// With this variable in place of what stands there.
    pub(super) fn env(mut self, name: &'static str, value: &str) -> Self {
        self.env.retain(|(of, _)| *of != name);
        self.env.push((name, value.to_owned()));
        self
    }

    /// Without this variable.
    pub(super) fn without(mut self, name: &str) -> Self {
        self.env.retain(|(of, _)| *of != name);
        self
    }

    /// With these steps after those before.
    pub(super) fn then(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.steps.extend(steps);
        self
    }

    /// With this question after the steps before.
    pub(super) fn ask(self, question: Question) -> Self {
        self.then([Step::Ask(question)])
    }

    /// Configured and opened after this position, and running.
    pub(super) fn running(self, config: &Config, position: &Bytes) -> Self {
        self.ask(Question::Configure(config.clone()))
            .ask(Question::Open(position.clone()))
            .then([Step::Run])
    }

    /// Ended as Conduit ends a connector.
    pub(super) fn ended(self) -> Self {
        self.then([Step::Cancel]).torn_down()
    }

    /// Torn down, shut down, and awaited.
    pub(super) fn torn_down(self) -> Self {
        self.ask(Question::Teardown)
            .ask(Question::Shutdown)
            .then([Step::Exit])
    }
}
