//! Notes and log lines to stderr, in the form that go-plugin reads (§1.6).

use std::io::Write as _;

use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::event::LogLevel;
use crossdock_core::session::{Note, Observer};

use crate::wire::handshake::LOG_LEVEL;
use crate::wire::log_line::{LogLine, level};

/// Writes what is grave enough.
#[derive(Debug)]
pub(super) struct Hclog {
    least: LogLevel,
}

impl Hclog {
    /// As grave as the platform asks for; everything if it cannot be read.
    pub(super) fn new() -> Self {
        let asked = std::env::var(LOG_LEVEL).ok();
        let least = asked.as_deref().map_or(Some(LogLevel::Info), level);
        Self {
            least: least.unwrap_or(LogLevel::Trace),
        }
    }

    pub(super) fn write(&self, level: LogLevel, message: &str) {
        if level < self.least {
            return;
        }
        let line = LogLine {
            level,
            message: message.to_owned(),
            fields: Vec::new(),
        };
        // With nobody to read it, there is nobody to tell.
        let _ = std::io::stderr()
            .lock()
            .write_all(line.write(SystemClock.now_ms()).as_bytes());
    }
}

impl Observer for Hclog {
    fn observe(&self, note: Note) {
        match note {
            Note::Log(log) => self.write(log.level, &log.message),
            Note::Progress(text) => self.write(LogLevel::Info, &text),
            Note::NewConfig(_) => self.write(
                LogLevel::Warn,
                "the connector replaced its configuration, and Conduit cannot keep the new one",
            ),
            Note::Alive => {}
        }
    }
}
