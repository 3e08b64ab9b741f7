//! What a check found.

use crossdock_core::Error;
use serde::Serialize;

/// What a check ends with: the rule holds, or an objection.
pub type Outcome<T = ()> = Result<T, Objection>;

/// Why a check does not say that its rule holds.
#[derive(Debug)]
pub enum Objection {
    /// It is broken.
    Broken(Finding),
    /// It cannot be checked here, and why.
    Skipped(String),
    /// The battery itself failed: the connector cannot be started at all.
    Failed(Error),
}

impl std::convert::From<Error> for Objection {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// How a rule was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was seen, in a sentence.
    pub seen: String,
    /// The lines exchanged around it, oldest first.
    pub exchange: Vec<Line>,
}

/// One line of an exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Who wrote it.
    pub from: From,
    /// The line, without its end; long ones are cut.
    pub text: String,
}

/// Who wrote a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The battery: a command line, or what it sent.
    Battery,
    /// The connector.
    Connector,
    /// The connector, to stderr.
    Stderr,
    /// Nobody: what happened, e.g. an exit.
    Event,
}

impl From {
    /// The sign in front of such a line.
    #[must_use]
    pub fn sign(self) -> char {
        match self {
            Self::Battery => '>',
            Self::Connector => '<',
            Self::Stderr => '!',
            Self::Event => '=',
        }
    }
}

/// Longer lines are cut: a record of 100 MB helps nobody.
const LONGEST: usize = 400;

impl Line {
    /// A line of `from`, cut if it is long.
    #[must_use]
    pub fn new(from: From, text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() > LONGEST {
            let whole = text.len();
            text.truncate(text.floor_char_boundary(LONGEST));
            text.push_str(&format!("… ({whole} bytes)"));
        }
        Self { from, text }
    }
}

/// An objection: the rule is broken.
pub fn broken<T>(seen: impl Into<String>, exchange: Vec<Line>) -> Outcome<T> {
    Err(Objection::Broken(Finding {
        seen: seen.into(),
        exchange,
    }))
}

/// An objection: this cannot be checked here.
pub fn skip<T>(why: impl Into<String>) -> Outcome<T> {
    Err(Objection::Skipped(why.into()))
}
