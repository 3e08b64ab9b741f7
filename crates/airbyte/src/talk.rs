//! What is said beside the data, with the secrets taken out (P10).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crossdock_core::error::Error;
use crossdock_core::event::{LogLevel, LogRecord};
use crossdock_core::secret::Masker;
use crossdock_core::session::{Limits, Note, Session};
use crossdock_launch::StderrSink;
use serde_json::Value;

use crate::wire::{Control, Log, TraceError};

/// So many of the last lines of plain output are kept: enough to explain an exit.
const LAST_LINES: usize = 5;

/// How one use of a connector talks to its user. Cheap to clone; all clones know all secrets.
#[derive(Clone, Debug)]
pub(crate) struct Talk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    session: Session,
    name: String,
    schema: Value,
    masker: RwLock<Masker>,
    /// The last error in the log: the best explanation of an exit that has no other.
    last_error: Mutex<Option<String>>,
    /// The last lines of its output that are no messages, masked.
    last_lines: Mutex<VecDeque<String>>,
}

impl Talk {
    /// Talks of the connector `name`. `schema` tells which values of its configurations are secret.
    pub(crate) fn new(session: &Session, name: String, schema: Value, config: &Value) -> Self {
        let masker = Masker::for_config(&schema, config);
        Self(Arc::new(Inner {
            session: session.clone(),
            name,
            schema,
            masker: RwLock::new(masker),
            last_error: Mutex::new(None),
            last_lines: Mutex::default(),
        }))
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.session.limits
    }

    pub(crate) fn session(&self) -> &Session {
        &self.0.session
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn mask(&self, text: &str) -> String {
        let masker = self.0.masker.read().unwrap_or_else(PoisonError::into_inner);
        masker.mask(text).into_owned()
    }

    /// The error without secrets, naming the connector.
    pub(crate) fn error(&self, error: Error) -> Error {
        let named = error.context().iter().any(|(key, _)| *key == "connector");
        let error = error.masked(&|text| self.mask(text));
        if named {
            error
        } else {
            error.with("connector", self.name())
        }
    }

    pub(crate) fn alive(&self) {
        self.0.session.note(Note::Alive);
    }

    /// The connector's own log line.
    pub(crate) fn logged(&self, log: &Log) {
        self.say(log.log_level(), &log.message, log.stack_trace.as_deref());
    }

    /// A line of the output that is no message.
    pub(crate) fn printed(&self, line: &str) {
        {
            let mut last = self
                .0
                .last_lines
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(self.mask(line)); // P10
        }
        self.say(LogLevel::Info, line, None);
    }

    /// The last lines of the output that are no messages.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        let last = self
            .0
            .last_lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.iter().cloned().collect()
    }

    /// A line of ours, or one of stderr.
    pub(crate) fn log(&self, level: LogLevel, text: &str) {
        self.say(level, text, None);
    }

    pub(crate) fn warn(&self, text: &str) {
        self.say(LogLevel::Warn, text, None);
    }

    /// An ERROR trace, which by itself ends nothing but must be seen (§1.5).
    pub(crate) fn traced(&self, error: &TraceError) {
        self.say(
            LogLevel::Error,
            &error.message,
            error.stack_trace.as_deref(),
        );
    }

    fn say(&self, level: LogLevel, text: &str, stack_trace: Option<&str>) {
        let message = self.mask(text); // P10
        if level >= LogLevel::Error {
            let mut last = self
                .0
                .last_error
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            *last = Some(message.clone());
        }
        self.0.session.note(Note::Log(LogRecord {
            level,
            message,
            stack_trace: stack_trace.map(|text| self.mask(text)),
        }));
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        let last = self
            .0
            .last_error
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        last.clone()
    }

    /// Passes a new configuration on, at once: the observer persists it before it returns (§1.6).
    pub(crate) fn new_config(&self, config: Value) {
        let fresh = Masker::for_config(&self.0.schema, &config);
        {
            let mut masker = self
                .0
                .masker
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            *masker = masker.join(&fresh);
        }
        self.0.session.note(Note::NewConfig(config));
    }

    /// The sink for the process's stderr.
    pub(crate) fn stderr(&self) -> Arc<dyn StderrSink> {
        Arc::new(Stderr {
            talk: self.clone(),
            pieces: Mutex::default(),
        })
    }
}

/// Pieces of at least this size were cut from a longer line.
pub(crate) const PIECE: usize = (64 << 10) - 4;

/// So much of an over-long line is put together again; the rest of it is left out.
const LONGEST_LINE: usize = 1 << 20;

/// A connector's stderr. Over-long lines come in pieces, and a secret may lie across the cut: they are
/// masked whole (P10).
#[derive(Debug)]
struct Stderr {
    talk: Talk,
    pieces: Mutex<String>,
}

impl StderrSink for Stderr {
    fn line(&self, line: &str) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        if pieces.is_empty() && line.len() < PIECE {
            self.talk.log(LogLevel::Info, line);
            return;
        }
        if pieces.len() < LONGEST_LINE {
            pieces.push_str(line);
        }
        if line.len() < PIECE {
            self.talk.log(LogLevel::Info, &std::mem::take(&mut *pieces));
        }
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        let pieces = self
            .pieces
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if !pieces.is_empty() {
            self.talk.log(LogLevel::Info, pieces);
        }
    }
}

/// The configuration that a CONTROL message brings.
pub(crate) fn config_of(control: Control) -> Option<Value> {
    control
        .connector_config
        .map(|body| body.config)
        .filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crossdock_core::session::Observer;
    use serde_json::json;

    use super::*;

    #[derive(Default)]
    struct Ears(Mutex<Vec<String>>);

    impl Observer for Ears {
        fn observe(&self, note: Note) {
            if let Note::Log(log) = note {
                self.0.lock().unwrap().push(log.message);
            }
        }
    }

    #[test]
    fn a_secret_across_a_cut_is_masked() {
        let ears = Arc::new(Ears::default());
        let schema = json!({"properties": {"token": {"airbyte_secret": true}}});
        let config = json!({"token": "hunter2-hunter2"});
        let talk = Talk::new(&Session::new(ears.clone()), "x".into(), schema, &config);
        let sink = talk.stderr();
        sink.line("short hunter2-hunter2");
        let line = format!("{}hunter2-hunter2 end", "x".repeat((64 << 10) - 7));
        let (first, rest) = line.split_at(64 << 10);
        sink.line(first);
        sink.line(rest);
        sink.line("after");
        let heard = ears.0.lock().unwrap().clone();
        assert_eq!(heard.len(), 3);
        assert_eq!(heard[0], "short ****");
        assert!(
            heard[1].ends_with("x**** end"),
            "{}",
            &heard[1][heard[1].len() - 40..]
        );
        assert_eq!(heard[2], "after");
    }
}
