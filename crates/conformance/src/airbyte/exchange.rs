//! What came of one use of a connector of Airbyte, as it was written, and how to look at it.

use std::sync::OnceLock;
use std::time::Duration;

use crossdock_launch::Exit;
use serde_json::Value;

use super::Invocation;
use crate::{From, Line};

/// How many lines of an exchange stand in a finding, at most.
const SHOWN: usize = 12;

/// What a connector wrote, and how it ended.
pub struct Exchange {
    /// What was asked.
    pub invocation: Invocation,
    /// Its lines on stdout, without their ends.
    pub lines: Vec<String>,
    /// Whether reading was given up, since there was no end of lines.
    pub cut: bool,
    /// Its last lines on stderr.
    pub stderr: Vec<String>,
    /// How it ended; `None`: it did not within the time, and was killed.
    pub exit: Option<Exit>,
    /// How long it took.
    pub took: Duration,
    messages: OnceLock<Vec<Message>>,
}

/// One message of the protocol.
pub struct Message {
    /// The number of its line.
    pub line: usize,
    /// Its `type`.
    pub kind: String,
    /// What stands under the key of its type.
    pub body: Value,
}

impl Message {
    /// A text in the body, by a JSON pointer; empty if there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// The key of what a message of this type says.
#[must_use]
pub fn key(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "RECORD" => "record",
        "STATE" => "state",
        "LOG" => "log",
        "SPEC" => "spec",
        "CONNECTION_STATUS" => "connectionStatus",
        "CATALOG" => "catalog",
        "TRACE" => "trace",
        "CONTROL" => "control",
        "DESTINATION_CATALOG" => "destination_catalog",
        _ => return None,
    })
}

impl Exchange {
    /// What a connector wrote that ended so.
    #[must_use]
    pub fn new(invocation: Invocation, lines: Vec<String>, exit: Option<Exit>) -> Self {
        Self {
            invocation,
            lines,
            cut: false,
            stderr: Vec::new(),
            exit,
            took: Duration::ZERO,
            messages: OnceLock::new(),
        }
    }

    /// The messages among the lines.
    pub(super) fn messages(&self) -> &[Message] {
        self.messages.get_or_init(|| {
            let lines = self.lines.iter().enumerate();
            lines
                .filter_map(|(line, text)| message(line, text))
                .collect()
        })
    }

    /// The messages of one type.
    pub(super) fn of(&self, kind: &str) -> impl Iterator<Item = &Message> {
        let kind = kind.to_owned();
        self.messages().iter().filter(move |m| m.kind == kind)
    }

    /// Whether it ended by itself with code 0.
    pub(super) fn succeeded(&self) -> bool {
        self.exit.is_some_and(Exit::success)
    }

    /// How it ended, for a person.
    pub(super) fn ended(&self) -> String {
        match self.exit {
            None => "it did not end and was killed".to_owned(),
            Some(Exit::Code(code)) => format!("exit code {code}"),
            Some(Exit::Signal(signal)) => format!("ended by signal {signal}"),
        }
    }

    /// The first TRACE of an error.
    pub(super) fn error(&self) -> Option<&Message> {
        self.of("TRACE").find(|m| m.text("/type") == "ERROR")
    }

    /// The exchange for a person, around one line if there is one to look at.
    pub(super) fn shown(&self, around: Option<usize>) -> Vec<Line> {
        let mut shown = vec![Line::new(From::Battery, self.invocation.shown())];
        let event = |text: String| Line::new(From::Event, text);
        let first = match around {
            Some(line) => line.saturating_sub(SHOWN / 2),
            None => self.lines.len().saturating_sub(SHOWN),
        };
        if first > 0 {
            shown.push(event(format!("{first} lines")));
        }
        let after = (first + SHOWN).min(self.lines.len());
        let lines = self.lines[first..after].iter();
        shown.extend(lines.map(|text| Line::new(From::Connector, text.as_str())));
        if after < self.lines.len() {
            shown.push(event(format!("{} lines", self.lines.len() - after)));
        }
        let stderr = self.stderr.iter().rev().take(SHOWN / 2).rev();
        shown.extend(stderr.map(|text| Line::new(From::Stderr, text.as_str())));
        shown.push(event(self.ended()));
        shown
    }
}

/// The message that a line is.
pub(super) fn message(line: usize, text: &str) -> Option<Message> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    let kind = value.get("type")?.as_str()?.to_owned();
    let body = value.get_mut(key(&kind)?)?.take();
    Some(Message { line, kind, body })
}
