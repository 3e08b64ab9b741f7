//! What is said beside the data, with the secrets taken out (P10).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossdock_core::error::Error;
use crossdock_core::event::LogLevel;
use crossdock_core::secret::Masker;
use crossdock_core::session::{Limits, Note, Session};
use crossdock_launch::StderrSink;
use serde_json::Value;

use crate::wire::log_line::{LogLine, begins_panic};

/// So many of the last errors and lines of a panic are kept: enough to explain an exit.
const LAST_WORDS: usize = 8;

/// How one use of a connector talks to its user. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Talk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    name: String,
    masker: Masker,
    /// Its last log lines of the level error: the best explanation of an exit that has no other.
    last_words: Mutex<VecDeque<String>>,
    panicked: AtomicBool,
}

impl Talk {
    /// Talks of the connector `name`. `schema` tells which values of `config` are secret.
    pub(super) fn new(session: &Session, name: String, schema: &Value, config: &Value) -> Self {
        Self(Arc::new(Inner {
            session: session.clone(),
            name,
            masker: Masker::for_config(schema, config),
            last_words: Mutex::default(),
            panicked: AtomicBool::new(false),
        }))
    }

    pub(super) fn session(&self) -> &Session {
        &self.0.session
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.0.session.limits
    }

    /// The error without secrets, naming the connector.
    pub(super) fn error(&self, error: Error) -> Error {
        let named = error.context().iter().any(|(key, _)| *key == "connector");
        let error = error.masked(&|text| self.0.masker.mask(text).into_owned());
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
        let message = self.0.masker.mask(text).into_owned();
        if level >= LogLevel::Error {
            let mut last = self.last();
            if last.len() == LAST_WORDS {
                last.pop_front();
            }
            last.push_back(message.clone());
        }
        self.0.session.log(level, message);
    }

    pub(super) fn warn(&self, text: &str) {
        self.log(LogLevel::Warn, text);
    }

    /// What it said last of the level error, if anything.
    pub(super) fn last_words(&self) -> Option<String> {
        let last = self.last();
        let lines: Vec<&str> = last.iter().map(String::as_str).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn last(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0
            .last_words
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connector's stderr: log lines of hclog, and what Go prints when a program breaks.
impl StderrSink for Talk {
    fn line(&self, line: &str) {
        if begins_panic(line) {
            self.0.panicked.store(true, Ordering::Relaxed);
            // The panic itself explains more than the stack that follows.
            self.log(LogLevel::Error, line);
            return;
        }
        let panicked = self.0.panicked.load(Ordering::Relaxed);
        let parsed = LogLine::parse(line);
        if panicked {
            self.0
                .session
                .log(LogLevel::Error, self.0.masker.mask(line).into_owned());
        } else {
            self.log(parsed.level, &parsed.text());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crossdock_core::session::Observer;

    #[derive(Default)]
    struct Ears(Mutex<Vec<(LogLevel, String)>>);

    impl Observer for Ears {
        fn observe(&self, note: Note) {
            if let Note::Log(log) = note {
                self.0.lock().unwrap().push((log.level, log.message));
            }
        }
    }

    #[test]
    fn lines_are_heard_with_level_and_fields_and_without_secrets() {
        let ears = Arc::new(Ears::default());
        let schema = json!({"properties": {"password": {"airbyte_secret": true}}});
        let config = json!({"password": "hunter22"});
        let talk = Talk::new(&Session::new(ears.clone()), "x".into(), &schema, &config);
        talk.line(r#"{"@level":"warn","@message":"as hunter22","table":"t"}"#);
        talk.line("panic: oh hunter22");
        talk.line("goroutine 1 [running]:");
        let heard = ears.0.lock().unwrap().clone();
        let expected = [
            (LogLevel::Warn, "as **** table=t"),
            (LogLevel::Error, "panic: oh ****"),
            (LogLevel::Error, "goroutine 1 [running]:"),
        ];
        for ((level, text), (expected_level, expected)) in heard.iter().zip(expected) {
            assert_eq!((*level, text.as_str()), (expected_level, expected));
        }
        assert_eq!(talk.last_words().as_deref(), Some("panic: oh ****"));
    }
}
