//! Progress on a terminal: lines that are drawn over themselves.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossdock_control::Progress;
use indicatif::{ProgressBar, ProgressStyle};

use super::rate::Rates;
use super::view;
use crate::printer::Printer;
use crate::text;

/// At most so many streams have a line.
const MOST: usize = 12;
/// Lines that are not for streams, and some air.
const REST: usize = 6;
/// How often the sign of life moves.
const TICK: Duration = Duration::from_millis(120);

/// Draws.
pub(super) struct Bars {
    printer: Arc<Printer>,
    drawn: Mutex<Drawn>,
}

#[derive(Default)]
struct Drawn {
    /// What the run is busy with, with a sign of life.
    head: Option<ProgressBar>,
    lines: Vec<ProgressBar>,
    rates: Rates,
}

impl Bars {
    pub(super) fn new(printer: Arc<Printer>) -> Self {
        Self {
            printer,
            drawn: Mutex::default(),
        }
    }

    pub(super) fn phase(&self, pipeline: &str, what: &str) {
        self.note(&format!("{}: {what}", text::shortened(pipeline, 60)));
    }

    pub(super) fn note(&self, what: &str) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let head = drawn.head.get_or_insert_with(|| {
            let head = self.printer.bars().add(ProgressBar::new_spinner());
            head.set_style(style("{spinner} {wide_msg}"));
            head.enable_steady_tick(TICK);
            head
        });
        head.set_message(what.to_owned());
    }

    pub(super) fn progress(&self, _: &str, progress: &Progress) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        drawn.rates.see(progress);
        let most = MOST.min(height().saturating_sub(REST)).max(1);
        let lines = view::lines(progress, &drawn.rates, most);
        while drawn.lines.len() < lines.len() {
            let line = self.printer.bars().add(ProgressBar::new_spinner());
            line.set_style(style("{wide_msg}"));
            drawn.lines.push(line);
        }
        for surplus in drawn.lines.drain(lines.len()..) {
            surplus.finish_and_clear();
        }
        for (line, text) in drawn.lines.iter().zip(lines) {
            line.set_message(text);
        }
    }

    pub(super) fn clear(&self) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let drawn = std::mem::take(&mut *drawn);
        for line in drawn.head.into_iter().chain(drawn.lines) {
            line.finish_and_clear();
        }
        // Nothing is left to draw, and an error here would be one of stderr.
        let _ = self.printer.bars().clear();
    }
}

/// The templates are constants; should one be wrong, the plainest does.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Rows of the terminal.
fn height() -> usize {
    rustix::termios::tcgetwinsize(io::stderr()).map_or(24, |size| usize::from(size.ws_row))
}
