//! The one place that writes to standard output and standard error. Data goes to stdout, talk to
//! stderr, and neither tears the progress bars.

use std::io::{self, IsTerminal as _, Write};
use std::sync::Arc;

use crossdock_core::Error;
use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;

use crate::answer::Answer;
use crate::args::Global;
use crate::palette::Palette;
use crate::{envelope, exit, report};

/// Prints.
#[derive(Debug)]
pub(crate) struct Printer {
    palette: Palette,
    json: bool,
    quiet: bool,
    /// Stands still while something else is written.
    bars: MultiProgress,
}

impl Printer {
    /// A printer as the flags want it.
    pub(crate) fn new(global: &Global) -> Self {
        let variable = |name: &str| std::env::var(name);
        Self {
            palette: Palette::decide(global.color, io::stderr().is_terminal(), variable),
            json: global.json,
            quiet: global.quiet,
            bars: MultiProgress::new(),
        }
    }

    /// For building talk.
    pub(crate) fn palette(&self) -> Palette {
        self.palette
    }

    /// Where bars are shown.
    pub(crate) fn bars(&self) -> &MultiProgress {
        &self.bars
    }

    /// Whether programs read what is printed, so that nobody can be asked.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.json
    }

    /// Whether anybody wants to hear how things go.
    pub(crate) fn talks(&self) -> bool {
        !self.json && !self.quiet
    }

    /// Says something that is neither data nor trouble. Silent with `--json` and `--quiet`.
    pub(crate) fn talk(&self, text: &str) {
        if self.talks() {
            self.aside(text);
        }
    }

    /// Says something that may be of use even beside an envelope: warnings and logs.
    pub(crate) fn notice(&self, text: &str) {
        if !self.quiet {
            self.aside(text);
        }
    }

    /// Tells of trouble that did not end the run.
    pub(crate) fn warning(&self, warning: &Error) {
        self.notice(&report::warning(warning, self.palette));
    }

    fn aside(&self, text: &str) {
        // Nobody is left to be told when stderr is gone.
        let _ = self
            .bars
            .suspend(|| writeln!(io::stderr().lock(), "{text}"));
    }

    /// Prints a command's answer and gives the exit code.
    pub(crate) fn answer(&self, command: &str, answer: &Answer) -> u8 {
        let worst = answer.worst();
        if self.json {
            let line = envelope::line(command, worst, answer.data.as_deref());
            if answer.stdout_taken {
                self.aside(&line);
            } else {
                self.data(&format!("{line}\n"));
            }
        } else {
            self.data(&answer.text);
            for (at, error) in answer.errors.iter().enumerate() {
                // What went before is a summary, or another error.
                let apart = at > 0 || (answer.data.is_some() && !self.quiet);
                let gap = if apart { "\n" } else { "" };
                self.aside(&format!("{gap}{}", report::error(error, self.palette)));
            }
        }
        worst.map_or(exit::SUCCESS, |error| exit::of(error.kind()))
    }

    /// A reader that went away, as `head` does, wanted no more: that is no failure.
    fn data(&self, text: &str) {
        let _ = self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())?;
            out.flush()
        });
    }
}

/// A line of our own log, on its way to the printer.
#[derive(Debug)]
pub(crate) struct LogLine {
    printer: Arc<Printer>,
    text: Vec<u8>,
}

impl Write for LogLine {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        self.printer
            .notice(String::from_utf8_lossy(&self.text).trim_end());
    }
}

/// Lets `tracing` write through the printer.
#[derive(Debug)]
pub(crate) struct LogWriter(pub(crate) Arc<Printer>);

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LogLine;

    fn make_writer(&'a self) -> Self::Writer {
        LogLine {
            printer: self.0.clone(),
            text: Vec::new(),
        }
    }
}
