//! What is said beside the data, with the secrets taken out (P10).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossdock_core::error::Error;
use crossdock_core::event::LogLevel;
use crossdock_core::secret::Masker;
use crossdock_core::session::{Limits, Note, Session};
use crossdock_launch::StderrSink;
use serde_json::{Value, json};

/// So many of the last lines that are no answers are kept: enough to explain an exit.
const LAST_LINES: usize = 5;

/// How one use of a connector talks to its user. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Talk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    name: String,
    masker: Masker,
    last_lines: Mutex<VecDeque<String>>,
}

/// The schema of every connector's configuration: the protocol has none, so all that is known is which
/// names are those of secrets.
pub(super) fn schema() -> Value {
    json!({"type": "object", crossdock_core::secret::SECRETS_BY_NAME: true})
}

impl Talk {
    /// Talks of the connector `name`, whose configuration is `config`.
    pub(super) fn new(session: &Session, name: String, config: &Value) -> Self {
        Self(Arc::new(Inner {
            session: session.clone(),
            name,
            masker: Masker::for_config(&schema(), config),
            last_lines: Mutex::default(),
        }))
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.session.limits
    }

    pub(super) fn mask(&self, text: &str) -> String {
        self.0.masker.mask(text).into_owned()
    }

    /// The error without secrets, naming the connector.
    pub(super) fn error(&self, error: Error) -> Error {
        let named = error.context().iter().any(|(key, _)| *key == "connector");
        let error = error.masked(&|text| self.mask(text));
        if named {
            error
        } else {
            error.with("connector", &self.0.name)
        }
    }

    pub(super) fn alive(&self) {
        self.0.session.note(Note::Alive);
    }

    pub(super) fn log(&self, level: LogLevel, text: &str) {
        self.0.session.log(level, self.mask(text));
    }

    pub(super) fn warn(&self, text: &str) {
        self.log(LogLevel::Warn, text);
    }

    /// A line of its output that is no answer: a log line by mistake, so it is worth a warning (§1.1).
    pub(super) fn printed(&self, line: &str) {
        {
            let mut last = self.last();
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(self.mask(line));
        }
        self.warn(line);
    }

    /// The last lines of its output that are no answers.
    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last().iter().cloned().collect()
    }

    fn last(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0
            .last_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connector's stderr: free text, or log lines as JSON objects; never answers.
impl StderrSink for Talk {
    fn line(&self, line: &str) {
        self.log(level(line), line);
    }
}

/// The level that a log line of JSON names; others are for information.
fn level(line: &str) -> LogLevel {
    let named = line.starts_with('{').then(|| {
        let line: Value = serde_json::from_str(line).ok()?;
        let level = line.get("level").or_else(|| line.get("severity"))?;
        Some(level.as_str()?.to_ascii_lowercase())
    });
    match named.flatten().as_deref() {
        Some("trace") => LogLevel::Trace,
        Some("debug") => LogLevel::Debug,
        Some("warn" | "warning") => LogLevel::Warn,
        Some("error") => LogLevel::Error,
        Some("fatal" | "panic" | "dpanic") => LogLevel::Fatal,
        _ => LogLevel::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_json_lines() {
        let check = |line, expected| assert_eq!(level(line), expected, "{line}");
        check("plain", LogLevel::Info);
        check(r#"{"level":"error","msg":"x"}"#, LogLevel::Error);
        check(r#"{"severity":"WARNING"}"#, LogLevel::Warn);
        check(r#"{"level":3}"#, LogLevel::Info);
        check("{broken", LogLevel::Info);
    }
}
