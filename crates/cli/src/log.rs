//! Logs: our own, through `tracing`, and those of connectors.

use std::sync::Arc;

use crossdock_control::run_log;
use crossdock_control::ui::Role;
use crossdock_core::event::{LogLevel, LogRecord};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::args::LogFormat;
use crate::palette::Palette;
use crate::printer::{LogWriter, Printer};
use crate::text::indented;
use crate::trace::Traces;

/// A connector's log line is cut after so many characters, unless more is wanted.
const LONGEST: usize = 1000;

/// Sends our own log to the printer. `RUST_LOG` decides what is shown, else `-v`. Spans go where
/// `traces` says.
pub(crate) fn start(
    printer: &Arc<Printer>,
    verbose: u8,
    format: LogFormat,
    traces: Option<&Traces>,
) {
    let default = match verbose {
        0 => "error",
        1 => "warn,crossdock=info",
        _ => "info,crossdock=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(LogWriter(printer.clone()));
    let layer = match format {
        LogFormat::Text => layer.without_time().boxed(),
        LogFormat::Json => layer.json().boxed(),
    };
    let logs = layer.with_filter(filter);
    // A second subscriber in one process would be a test's.
    let _ = tracing_subscriber::registry()
        .with(logs)
        .with(traces.map(Traces::layer))
        .try_init();
}

/// A connector's log line as it is shown, or nothing if it is not grave enough.
pub(crate) fn line(
    role: Role,
    log: &LogRecord,
    verbose: u8,
    format: LogFormat,
    palette: Palette,
) -> Option<String> {
    let least = match verbose {
        0 => LogLevel::Warn,
        1 => LogLevel::Info,
        _ => LogLevel::Trace,
    };
    if log.level < least {
        return None;
    }
    if format == LogFormat::Json {
        let line = run_log::line(role.as_str(), log);
        return serde_json::to_string(&line).ok();
    }
    let word = match log.level {
        LogLevel::Trace => palette.dim("trace"),
        LogLevel::Debug => palette.dim("debug"),
        LogLevel::Info => "info".to_owned(),
        LogLevel::Warn => palette.warning("warning"),
        LogLevel::Error => palette.error("error"),
        LogLevel::Fatal => palette.error("fatal"),
    };
    let head = palette.dim(&format!("[{}]", role.as_str()));
    let mut text = if verbose == 0 {
        shortened(&log.message)
    } else {
        log.message.trim_end().to_owned()
    };
    if let Some(trace) = log.stack_trace.as_deref().filter(|_| verbose > 0) {
        text.push('\n');
        text.push_str(trace.trim_end());
    }
    Some(format!("{head} {word}: {}", indented(&text, 4)))
}

/// The first line, which says what happened; the rest is for who asks.
fn shortened(message: &str) -> String {
    let message = message.trim();
    let first = message.lines().next().unwrap_or_default();
    let mut short: String = first.chars().take(LONGEST).collect();
    if short.len() < message.len() {
        short.push_str(" … (more with -v)");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_grave_enough_is_shown() {
        let check = |level, verbose, expected: Option<&str>| {
            let log = LogRecord {
                level,
                message: "first\nsecond".into(),
                stack_trace: Some("at line 3".into()),
            };
            let line = line(Role::Source, &log, verbose, LogFormat::Text, Palette::PLAIN);
            assert_eq!(line.as_deref(), expected, "{level:?} {verbose}");
        };
        check(LogLevel::Info, 0, None);
        check(
            LogLevel::Warn,
            0,
            Some("[source] warning: first … (more with -v)"),
        );
        check(
            LogLevel::Info,
            1,
            Some("[source] info: first\n    second\n    at line 3"),
        );
        check(LogLevel::Debug, 1, None);
        check(
            LogLevel::Trace,
            2,
            Some("[source] trace: first\n    second\n    at line 3"),
        );
    }
}
