//! Notes and log lines to stderr, as lines of JSON (§1.6).

use std::io::Write as _;

use crossdock_core::event::LogLevel;
use crossdock_core::session::{Note, Observer};
use serde_json::json;

/// Writes to stderr what a user may want to know.
#[derive(Debug)]
pub(super) struct Stderr;

fn name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::Fatal => "fatal",
    }
}

/// Writes a line.
pub(super) fn write(level: LogLevel, message: &str) {
    let line = json!({"level": name(level), "msg": message});
    // With nobody to read it, there is nobody to tell.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

impl Observer for Stderr {
    fn observe(&self, note: Note) {
        match note {
            Note::Log(log) => write(log.level, &log.message),
            Note::Progress(text) => write(LogLevel::Info, &text),
            Note::NewConfig(_) => write(
                LogLevel::Warn,
                "the connector replaced its configuration, and the protocol cannot keep the new one",
            ),
            Note::Alive => {}
        }
    }
}
