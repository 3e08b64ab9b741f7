//! Who answers: a program, or a double in a test. Nothing is judged here: what goes wrong is a value.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_conduit::host::raw::Refused;
use crossdock_conduit::wire::description::Described;
use crossdock_conduit::wire::proto::connector::Ack;
use crossdock_conduit::wire::proto::opencdc::v1::Record;
use crossdock_core::Result;
use crossdock_launch::Exit;

/// A configuration.
pub type Config = BTreeMap<String, String>;

/// A connector that can be started any number of times.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Starts a process of it with these variables, and waits for its first line.
    ///
    /// # Errors
    /// Only if it cannot be started at all.
    async fn start(&self, env: &[(&'static str, String)]) -> Result<Box<dyn Process>>;
}

/// What a process did first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Its first line on stdout, without its end; `None`: there was none.
    pub line: Option<String>,
    /// How it ended, if it did instead.
    pub exit: Option<Exit>,
    /// How long that took.
    pub took: Duration,
    /// Why no connection could be made to where it says that it listens, if so.
    pub unreachable: Option<String>,
}

/// A call with one answer.
#[derive(Clone, PartialEq, Eq)]
pub enum Question {
    /// What it is.
    Specify,
    /// Take this configuration.
    Configure(Config),
    /// Begin, a source after this position. `Start` in version 1.
    Open(Bytes),
    /// Stop; to a destination with the last position that was sent.
    Stop(Bytes),
    /// Clean up.
    Teardown,
    /// `LifecycleOnCreated`.
    Created(Config),
    /// `LifecycleOnUpdated`: before and after.
    Updated(Config, Config),
    /// `LifecycleOnDeleted`.
    Deleted(Config),
    /// The health of go-plugin.
    Health,
    /// go-plugin's end of the process.
    Shutdown,
}

/// Of configurations only the names: values may be secret (P10).
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |config: &Config| config.keys().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Self::Specify => write!(f, "Specify"),
            Self::Configure(config) => write!(f, "Configure({})", names(config)),
            Self::Open(position) => write!(f, "Open({})", position.escape_ascii()),
            Self::Stop(position) => write!(f, "Stop({})", position.escape_ascii()),
            Self::Teardown => write!(f, "Teardown"),
            Self::Created(config) => write!(f, "LifecycleOnCreated({})", names(config)),
            Self::Updated(_, config) => write!(f, "LifecycleOnUpdated({})", names(config)),
            Self::Deleted(config) => write!(f, "LifecycleOnDeleted({})", names(config)),
            Self::Health => write!(f, "Health/Check(plugin)"),
            Self::Shutdown => write!(f, "GRPCController/Shutdown"),
        }
    }
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It says what it is.
    Described(Described),
    /// Of a source's Stop: the last position that it sent.
    Position(Bytes),
    /// The number of its health; 1 is serving.
    Health(i32),
    /// Everything else.
    Done,
    /// A status.
    Refused(Refused),
    /// An answer that cannot be read, and why.
    Unreadable(String),
    /// None within the time.
    Silence(Duration),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Described(described) => write!(f, "{} {}", described.name, described.version),
            Self::Position(position) => write!(f, "last position {}", position.escape_ascii()),
            Self::Health(health) => write!(f, "health {health}"),
            Self::Done => write!(f, "done"),
            Self::Refused(refused) => write!(f, "{refused}"),
            Self::Unreadable(why) => write!(f, "an answer that cannot be read: {why}"),
            Self::Silence(limit) => write!(f, "no answer within {} s", limit.as_secs_f64()),
        }
    }
}

impl Answer {
    /// Whether it is no failure.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !matches!(
            self,
            Self::Refused(_) | Self::Unreadable(_) | Self::Silence(_)
        )
    }
}

/// What is sent on Run.
#[derive(Clone, Debug, PartialEq)]
pub enum Up {
    /// To a source.
    Acks(Vec<Bytes>),
    /// To a destination.
    Records(Vec<Record>),
}

/// What comes on Run.
#[derive(Clone, Debug, PartialEq)]
pub enum Down {
    /// From a source.
    Records(Vec<Record>),
    /// From a destination.
    Acks(Vec<Ack>),
    /// A message that cannot be read, and why.
    Unreadable(String),
    /// The stream ended well.
    End,
    /// It ended with a status.
    Failed(Refused),
    /// Nothing within the time.
    Silence,
}

/// A started process of a connector. Dropping it kills it.
#[async_trait]
pub trait Process: Send {
    /// What it did first.
    fn hello(&self) -> &Hello;

    /// Asks.
    async fn ask(&mut self, question: &Question, limit: Duration) -> Answer;

    /// Opens Run; ends the one before.
    async fn run(&mut self);

    /// Sends a message on Run; in version 1 one for each entry. `false`: it is not taken.
    async fn send(&mut self, message: &Up, limit: Duration) -> bool;

    /// Waits for a message on Run.
    async fn receive(&mut self, limit: Duration) -> Down;

    /// Receives nothing for so long, as a slow host.
    async fn pause(&mut self, pause: Duration);

    /// Says on Run that nothing more will be sent.
    async fn half_close(&mut self);

    /// Cancels Run, as Conduit does at its end.
    async fn cancel(&mut self);

    /// Kills the process (SIGKILL).
    fn kill(&mut self);

    /// Waits for the end of the process.
    async fn exit(&mut self, limit: Duration) -> Option<Exit>;

    /// What it wrote to stderr so far, the last lines.
    fn stderr(&self) -> Vec<String>;

    /// What it wrote to stdout after its first line, the last lines.
    fn stdout(&self) -> Vec<String>;
}
