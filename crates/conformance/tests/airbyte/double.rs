//! What doubles of sources and destinations share: how they answer, and where a fault comes in.

use async_trait::async_trait;
use crossdock_conformance::airbyte::{Exchange, Invocation, Peer, Until};
use crossdock_core::Result;
use crossdock_launch::Exit;
use serde_json::{Value, json};

use crate::memory::{Memory, Row};

/// Changes what a healthy connector would have done.
pub(super) type Fault = fn(&Invocation, &mut Exchange);

/// What a healthy connector writes, and its exit code.
pub(super) type Healthy = fn(&Invocation) -> (Vec<Value>, i32);

/// What a system has after a use of the connector, from what it had before; may lose some of it.
pub(super) type Loss = fn(&Invocation, &[Row], &mut Vec<Row>);

pub(super) struct Double {
    pub(super) healthy: Healthy,
    pub(super) fault: Option<Fault>,
    /// Where a destination writes to, and what it loses there.
    pub(super) memory: Memory,
    pub(super) loss: Option<Loss>,
}

#[async_trait]
impl Peer for Double {
    async fn call(&self, invocation: &Invocation) -> Result<Exchange> {
        let (messages, code) = (self.healthy)(invocation);
        let lines = messages.iter().map(Value::to_string).collect();
        let mut exchange = Exchange::new(invocation.clone(), lines, Some(Exit::Code(code)));
        if let Some(fault) = self.fault {
            fault(invocation, &mut exchange);
        }
        if invocation.command() == "write" {
            self.memory.with(|rows| {
                let before = rows.clone();
                super::destination::store(invocation, rows);
                if let Some(loss) = self.loss {
                    loss(invocation, &before, rows);
                }
            });
        }
        // Whoever listens no longer does not hear the rest.
        match invocation.until {
            Until::Killed(lines) => {
                exchange.lines.truncate(lines);
                exchange.exit = Some(Exit::Signal(9));
            }
            Until::KilledAtState(states) => {
                let each = exchange.lines.iter().enumerate();
                let mut states = each
                    .filter(|(_, line)| line.contains("\"STATE\""))
                    .skip(states - 1);
                if let Some((last, _)) = states.next() {
                    exchange.lines.truncate(last + 1);
                }
                exchange.exit = Some(Exit::Signal(9));
            }
            Until::Closed(lines) => exchange.lines.truncate(lines),
            _ => {}
        }
        Ok(exchange)
    }
}

pub(super) fn log(level: &str, message: &str) -> Value {
    json!({"type": "LOG", "log": {"level": level, "message": message}})
}

pub(super) fn error(message: &str, kind: &str) -> Value {
    json!({"type": "TRACE", "trace": {"type": "ERROR", "emitted_at": 1_700_000_000_000.5,
        "error": {"message": message, "failure_type": kind}}})
}

pub(super) fn failed(message: &str) -> (Vec<Value>, i32) {
    (vec![error(message, "config_error")], 1)
}

/// The parsed file that stands for an option.
pub(super) fn file(invocation: &Invocation, option: &str) -> std::result::Result<Value, String> {
    match invocation.content(option) {
        None => Err(format!("--{option} is missing")),
        Some(text) => serde_json::from_slice(text).map_err(|e| format!("{option}: {e}")),
    }
}
