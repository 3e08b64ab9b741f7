//! What a connector is given beside its configuration: whom to tell, and the limits to keep.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::event::{LogLevel, LogRecord};
use crate::memory::{Memory, Passing};

/// Something said beside the data. It takes the short way to the observer and is never held back
/// by a full queue.
#[derive(Clone, Debug)]
pub enum Note {
    /// A log line.
    Log(LogRecord),
    /// A slow preparation moved on, e.g. "installing airbyte-source-faker 7.2.1".
    Progress(String),
    /// The connector asks that its stored configuration be replaced by this complete one
    /// (Airbyte's CONTROL, §1.6). The observer persists it before it returns.
    NewConfig(Value),
    /// The connector gave a sign of life that is neither data nor a log line. Every other note and
    /// every event counts as one, too.
    Alive,
}

/// Takes notes. Called from any task; must not block for long.
pub trait Observer: Send + Sync {
    /// Takes one note.
    fn observe(&self, note: Note);
}

/// An observer that takes no interest.
#[derive(Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: Note) {}
}

/// Limits that a connector's host side keeps (P7, P8, P9, P11). All are settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest line or message accepted from a connector, in bytes.
    pub max_line_bytes: usize,
    /// Time for `spec`, `check` and `discover`.
    pub command_timeout: Duration,
    /// Time from asking a process to end until it is killed (P8).
    pub grace: Duration,
    /// Time that a destination has to finish after its input ended.
    pub finish_timeout: Duration,
    /// Time that a connector has for an answer, where its protocol asks one question after another.
    pub answers: AnswerTimes,
    /// Go on, and count, when a line that looks like a record cannot be read; otherwise fail.
    pub drop_unreadable_records: bool,
}

/// Time that a connector has for each of its answers (DataFlow §1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTimes {
    /// To take its configuration.
    pub init: Duration,
    /// To connect.
    pub connect: Duration,
    /// Of silence while it is read from.
    pub read: Duration,
    /// To write a batch.
    pub write: Duration,
    /// To close.
    pub close: Duration,
    /// To say that it is alive.
    pub ping: Duration,
}

impl Default for AnswerTimes {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(30),
            connect: Duration::from_secs(60),
            read: Duration::from_secs(60),
            write: Duration::from_secs(5 * 60),
            close: Duration::from_secs(30),
            ping: Duration::from_secs(10),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_line_bytes: 256 << 20,
            command_timeout: Duration::from_secs(9 * 60),
            grace: Duration::from_secs(10),
            finish_timeout: Duration::from_secs(24 * 60 * 60),
            answers: AnswerTimes::default(),
            drop_unreadable_records: false,
        }
    }
}

/// The surroundings of one use of a connector.
#[derive(Clone)]
pub struct Session {
    /// Whom to tell.
    pub observer: Arc<dyn Observer>,
    /// The limits to keep.
    pub limits: Limits,
    /// What it remembers between runs.
    pub memory: Arc<dyn Memory>,
}

impl Session {
    /// A session with the default limits.
    #[must_use]
    pub fn new(observer: Arc<dyn Observer>) -> Self {
        Self {
            observer,
            limits: Limits::default(),
            memory: Arc::new(Passing::default()),
        }
    }

    /// The same session with another observer.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self {
            observer,
            ..self.clone()
        }
    }

    /// Passes a note on.
    pub fn note(&self, note: Note) {
        self.observer.observe(note);
    }

    /// Notes a log line.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.note(Note::Log(LogRecord {
            level,
            message: message.into(),
            stack_trace: None,
        }));
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new(Arc::new(Unobserved))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
