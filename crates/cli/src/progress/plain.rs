//! Progress for logs: a line when the run turns to something else, and one now and then.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossdock_control::Progress;

use super::rate::Rates;
use super::view;
use crate::printer::Printer;

/// When the first line comes.
const FIRST: Duration = Duration::from_secs(2);
/// The time between two lines.
const EACH: Duration = Duration::from_secs(10);

/// Prints lines.
pub(super) struct Plain {
    printer: Arc<Printer>,
    now: Mutex<Now>,
}

struct Now {
    pace: Pace,
    rates: Rates,
    /// When something was last said of the preparation.
    prepared: Option<Instant>,
}

/// When the next line is due, in the time of the run.
#[derive(Debug)]
struct Pace {
    next: Duration,
}

impl Pace {
    fn new() -> Self {
        Self { next: FIRST }
    }

    fn is_due(&mut self, elapsed: Duration) -> bool {
        if elapsed < self.next {
            return false;
        }
        self.next = elapsed + EACH;
        true
    }
}

impl Plain {
    pub(super) fn new(printer: Arc<Printer>) -> Self {
        let now = Mutex::new(Now {
            pace: Pace::new(),
            rates: Rates::default(),
            prepared: None,
        });
        Self { printer, now }
    }

    /// An installer says more than anybody reads.
    pub(super) fn preparing(&self, what: &str) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if now.prepared.is_some_and(|at| at.elapsed() < FIRST) {
            return;
        }
        now.prepared = Some(Instant::now());
        self.printer.talk(what);
    }

    pub(super) fn phase(&self, pipeline: &str, what: &str) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.pace = Pace::new();
        self.printer.talk(&format!("{pipeline}: {what}"));
    }

    pub(super) fn progress(&self, pipeline: &str, progress: &Progress) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.rates.see(progress);
        if now.pace.is_due(progress.elapsed) {
            let sentence = view::sentence(progress, &now.rates);
            self.printer.talk(&format!("{pipeline}: {sentence}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_comes_soon_and_the_others_are_calm() {
        let mut pace = Pace::new();
        let due: Vec<u64> = (0..30)
            .filter(|second| pace.is_due(Duration::from_secs(*second)))
            .collect();
        assert_eq!(due, [2, 12, 22]);
    }
}
