//! The last lines of a stream, for whoever asks what went wrong.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_launch::StderrSink;

/// How many lines are kept.
const KEPT: usize = 200;

/// Keeps the last lines; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    /// The lines so far, oldest first.
    pub(crate) fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

impl StderrSink for Tail {
    fn line(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == KEPT {
            lines.pop_front();
        }
        lines.push_back(line.to_owned());
    }
}
