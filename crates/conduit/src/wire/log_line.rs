//! Log lines in the form of hclog, which connectors write to stderr (§1.6).

use crossdock_core::event::LogLevel;
use serde_json::{Map, Value};

/// A line of a connector's stderr.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    /// How grave.
    pub level: LogLevel,
    /// The text.
    pub message: String,
    /// Everything else that the line says, `@caller` and the time aside.
    pub fields: Vec<(String, Value)>,
}

impl LogLine {
    fn plain(level: LogLevel, text: &str) -> Self {
        Self {
            level,
            message: text.to_owned(),
            fields: Vec::new(),
        }
    }

    /// Reads a line: JSON of hclog, a prefix such as `[WARN]`, else text at debug, as go-plugin does.
    /// Other than there, a `@message` of a wrong type is no catastrophe, and lines have no limit.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        if line.starts_with('{')
            && let Ok(members) = serde_json::from_str::<Map<String, Value>>(line)
            && let Some(parsed) = Self::of_members(members)
        {
            return parsed;
        }
        let text = line.trim_end();
        for (prefix, level) in PREFIXES {
            if let Some(rest) = text.strip_prefix(prefix) {
                return Self::plain(level, rest.trim_start());
            }
        }
        Self::plain(LogLevel::Debug, text)
    }

    fn of_members(mut members: Map<String, Value>) -> Option<Self> {
        let level = level(members.shift_remove("@level")?.as_str()?)?;
        let message = match members.shift_remove("@message") {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        members.shift_remove("@timestamp");
        members.shift_remove("@caller");
        Some(Self {
            level,
            message,
            fields: members.into_iter().collect(),
        })
    }

    /// The line for people: the text, then `key=value` for each field.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.message.clone();
        for (key, value) in &self.fields {
            let value = match value {
                Value::String(value) if !value.is_empty() && !value.contains([' ', '"', '=']) => {
                    value.clone()
                }
                other => other.to_string(),
            };
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(key.trim_start_matches('@'));
            text.push('=');
            text.push_str(&value);
        }
        text
    }

    /// The line as a connector writes it, with its end. Never longer than what Conduit reads whole
    /// (64 KiB): a longer message is cut.
    #[must_use]
    pub fn write(&self, now_ms: i64) -> String {
        let time = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
        let mut message = self.message.as_str();
        loop {
            let mut members = Map::new();
            members.insert("@level".into(), name(self.level).into());
            members.insert("@message".into(), message.into());
            let time = time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
            members.insert("@timestamp".into(), time.into());
            members.extend(self.fields.iter().cloned());
            let line = Value::from(members).to_string();
            if line.len() < LONGEST || message.is_empty() {
                return line + "\n";
            }
            message = &message[..message.floor_char_boundary(message.len() / 2)];
        }
    }
}

/// What Conduit reads as one line, less some room.
const LONGEST: usize = (64 << 10) - 256;

const PREFIXES: [(&str, LogLevel); 7] = [
    ("[TRACE]", LogLevel::Trace),
    ("[DEBUG]", LogLevel::Debug),
    ("[INFO]", LogLevel::Info),
    ("[WARN]", LogLevel::Warn),
    ("[ERROR]", LogLevel::Error),
    ("panic: ", LogLevel::Error),
    ("fatal error: ", LogLevel::Error),
];

/// Whether a line begins what a Go program says when it breaks: all that follows belongs to it.
#[must_use]
pub fn begins_panic(line: &str) -> bool {
    line.starts_with("panic: ") || line.starts_with("fatal error: ")
}

pub(crate) fn level(name: &str) -> Option<LogLevel> {
    Some(match name {
        "trace" => LogLevel::Trace,
        "debug" => LogLevel::Debug,
        "info" => LogLevel::Info,
        "warn" => LogLevel::Warn,
        "error" => LogLevel::Error,
        _ => return None,
    })
}

fn name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error | LogLevel::Fatal => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_go_plugin_reads_them() {
        let check = |line: &str, level, text: &str| {
            let parsed = LogLine::parse(line);
            assert_eq!(
                (parsed.level, parsed.text().as_str()),
                (level, text),
                "{line}"
            );
        };
        check(
            r#"{"@level":"info","@message":"read 3 rows","@timestamp":"2026-01-01T00:00:00.000000Z","table":"users","n":3,"path":"a b"}"#,
            LogLevel::Info,
            r#"read 3 rows table=users n=3 path="a b""#,
        );
        check(r#"{"@level":"warn","@message":7}"#, LogLevel::Warn, "7");
        check(
            r#"{"@level":"loud","@message":"x"}"#,
            LogLevel::Debug,
            r#"{"@level":"loud","@message":"x"}"#,
        );
        check("[WARN] careful ", LogLevel::Warn, "careful");
        check("plain", LogLevel::Debug, "plain");
        check("panic: oh", LogLevel::Error, "oh");
        check("{broken", LogLevel::Debug, "{broken");
        let long = "x".repeat(1 << 20);
        let line = format!(r#"{{"@level":"error","@message":"{long}"}}"#);
        check(&line, LogLevel::Error, &long);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let line = LogLine {
            level: LogLevel::Info,
            message: "a \"b\"\nc".into(),
            fields: vec![("stream".into(), "users".into())],
        };
        let written = line.write(1_700_000_000_123);
        assert!(
            written.contains(r#""@timestamp":"2023-11-14T22:13:20.123000Z""#),
            "{written}"
        );
        assert_eq!(written.matches('\n').count(), 1);
        assert_eq!(LogLine::parse(written.trim_end()), line);
        let long = LogLine::plain(LogLevel::Error, &"ä".repeat(1 << 16));
        assert!(long.write(0).len() <= 64 << 10);
    }
}
