//! Lines as such: whether they are messages, and well-formed ones.

use serde_json::Value;

use super::exchange::{Exchange, key};
use crate::{Outcome, broken};

/// Every line is a message.
pub(super) fn are_messages(exchange: &Exchange) -> Outcome {
    for (line, text) in exchange.lines.iter().enumerate() {
        let seen = match fault(text) {
            None => continue,
            Some(fault) => format!("line {}: {fault}", line + 1),
        };
        return broken(seen, exchange.shown(Some(line)));
    }
    Ok(())
}

/// Why a line is no message.
fn fault(text: &str) -> Option<String> {
    let value: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(error) => return Some(format!("not JSON ({error})")),
    };
    let Some(kind) = value.get("type").and_then(Value::as_str) else {
        return Some("no `type`".to_owned());
    };
    let Some(key) = key(kind) else {
        return Some(format!("an unknown type `{kind}`"));
    };
    match value.get(key) {
        Some(Value::Object(_)) => None,
        _ => Some(format!("a {kind} without `{key}`")),
    }
}

/// Every LOG has a known level and a message.
pub(super) fn logs(exchange: &Exchange) -> Outcome {
    const LEVELS: [&str; 6] = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
    for log in exchange.of("LOG") {
        if !LEVELS.contains(&log.text("/level")) {
            let seen = format!("a level `{}`", log.text("/level"));
            return broken(seen, exchange.shown(Some(log.line)));
        }
        if !log.body.get("message").is_some_and(Value::is_string) {
            return broken("a LOG without a message", exchange.shown(Some(log.line)));
        }
    }
    Ok(())
}

/// Every TRACE has what its type needs.
pub(super) fn traces(exchange: &Exchange) -> Outcome {
    for trace in exchange.of("TRACE") {
        let body = &trace.body;
        let has = |pointer: &str| body.pointer(pointer).is_some_and(|v| !v.is_null());
        let fault = if !body.get("emitted_at").is_some_and(Value::is_number) {
            Some("a TRACE whose emitted_at is not a number".to_owned())
        } else {
            match trace.text("/type") {
                "ERROR" if trace.text("/error/message").is_empty() => {
                    Some("an error without a message".to_owned())
                }
                "ERROR" => failure_type(trace.text("/error/failure_type")),
                "ESTIMATE" if !(has("/estimate/name") && has("/estimate/type")) => {
                    Some("an estimate without name or type".to_owned())
                }
                "STREAM_STATUS" if !has("/stream_status/stream_descriptor/name") => {
                    Some("a status without a stream".to_owned())
                }
                "ANALYTICS" if !has("/analytics/type") => {
                    Some("analytics without a type".to_owned())
                }
                "ESTIMATE" | "STREAM_STATUS" | "ANALYTICS" => None,
                other => Some(format!("a TRACE of type `{other}`")),
            }
        };
        if let Some(seen) = fault {
            return broken(seen, exchange.shown(Some(trace.line)));
        }
    }
    Ok(())
}

fn failure_type(text: &str) -> Option<String> {
    match text {
        "" | "system_error" | "config_error" | "transient_error" => None,
        other => Some(format!("a failure_type `{other}`")),
    }
}
