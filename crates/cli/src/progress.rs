//! Showing how a run goes on: bars on a terminal, a line now and then elsewhere, or nothing.

mod bars;
mod plain;
mod rate;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use crossdock_control::Progress;
use crossdock_control::ui::{Phase, Role, Ui};
use crossdock_core::Error;
use crossdock_core::event::LogRecord;

use crate::args::LogFormat;
use crate::log;
use crate::printer::Printer;
use crate::quantity;
use crate::text;
use bars::Bars;
use plain::Plain;

/// What control tells, on the screen.
pub(crate) struct Screen {
    printer: Arc<Printer>,
    verbose: u8,
    log_format: LogFormat,
    shape: Shape,
}

enum Shape {
    Bars(Bars),
    Plain(Plain),
    Nothing,
}

impl Screen {
    /// Bars where stderr is a terminal.
    pub(crate) fn new(printer: Arc<Printer>, verbose: u8, log_format: LogFormat) -> Self {
        let shape = if !printer.talks() {
            Shape::Nothing
        } else if io::stderr().is_terminal() {
            Shape::Bars(Bars::new(printer.clone()))
        } else {
            Shape::Plain(Plain::new(printer.clone()))
        };
        Self {
            printer,
            verbose,
            log_format,
            shape,
        }
    }

    /// Takes the bars away, before something final is printed.
    pub(crate) fn clear(&self) {
        if let Shape::Bars(bars) = &self.shape {
            bars.clear();
        }
    }
}

impl Ui for Screen {
    fn log(&self, role: Role, log: &LogRecord) {
        let palette = self.printer.palette();
        if let Some(line) = log::line(role, log, self.verbose, self.log_format, palette) {
            self.printer.notice(&line);
        }
    }

    fn preparing(&self, _: Role, what: &str) {
        let what = text::shortened(what, 120);
        match &self.shape {
            Shape::Bars(bars) => bars.note(&what),
            Shape::Plain(plain) => plain.preparing(&what),
            Shape::Nothing => {}
        }
    }

    fn phase(&self, pipeline: &str, phase: &Phase) {
        let what = phase_text(phase);
        match &self.shape {
            Shape::Bars(bars) => bars.phase(pipeline, &what),
            Shape::Plain(plain) => plain.phase(pipeline, &what),
            Shape::Nothing => {}
        }
        // The wait is told in the bars, too, but they forget it.
        if let (Phase::Waiting { error, .. }, Shape::Bars(_)) = (phase, &self.shape) {
            let error = text::indented(error, 2);
            let word = self.printer.palette().warning("warning:");
            self.printer
                .notice(&format!("{word} this attempt failed: {error}"));
        }
    }

    fn progress(&self, pipeline: &str, progress: &Progress) {
        match &self.shape {
            Shape::Bars(bars) => bars.progress(pipeline, progress),
            Shape::Plain(plain) => plain.progress(pipeline, progress),
            Shape::Nothing => {}
        }
    }

    fn warning(&self, _: &str, warning: &Error) {
        self.printer.warning(warning);
    }
}

fn phase_text(phase: &Phase) -> String {
    match phase {
        Phase::Preparing => "preparing the connectors".to_owned(),
        Phase::Discovering => "asking the source for its streams".to_owned(),
        Phase::Syncing { attempt: 1 } => "moving records".to_owned(),
        Phase::Syncing { attempt } => format!("moving records, attempt {attempt}"),
        Phase::Waiting { error, seconds } => format!(
            "trying again in {}, because this attempt failed: {}",
            quantity::duration(std::time::Duration::from_secs(*seconds)),
            text::shortened(error, 300)
        ),
    }
}
