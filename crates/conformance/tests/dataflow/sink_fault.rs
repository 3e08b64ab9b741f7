//! For each check of a sink a fault that it finds.

use serde_json::{Value, json};

use super::double::{Fault, Happening, Process, What, error};
use super::fault::any_message;
use crate::memory::in_ascii;

fn done() -> Value {
    json!({"type": "done"})
}

/// Dies of a message that is so.
fn dies_if(h: &Happening, p: &mut Process, is_so: impl Fn(&Value) -> bool) {
    if any_message(&h.command, is_so) {
        p.dies();
    }
}

/// Dies of a payload with this text.
fn dies_of(h: &Happening, p: &mut Process, text: &str) {
    dies_if(h, p, |message| {
        message["data"]
            .as_str()
            .is_some_and(|data| data.contains(text))
    });
}

/// Refuses a message that is so.
fn refuses_if(h: &Happening, p: &mut Process, is_so: impl Fn(&Value) -> bool) {
    if any_message(&h.command, is_so) {
        p.only(&error("invalid_data"));
    }
}

fn count(command: &Value) -> usize {
    command["messages"].as_array().map_or(0, Vec::len)
}

pub(super) const SINK: &[(&str, Fault)] = &[
    ("stored/closed", |h, p| {
        if h.is("close") {
            p.memory.with(|rows| rows.pop());
        }
    }),
    // It says `done` at once, and writes when it is closed.
    ("stored/done", |h, p| {
        if h.what == What::Killed {
            p.memory.with(|rows| rows.pop());
        }
    }),
    ("stored/many", |h, p| {
        if count(&h.command) > 100 {
            p.memory.with(|rows| rows.truncate(100));
        }
    }),
    ("stored/text", |_, p| {
        p.memory
            .with(|rows| rows.iter_mut().for_each(|(_, row)| in_ascii(row)));
    }),
    ("write/done", |h, p| {
        if h.is("write") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("write/empty", |h, p| {
        if h.is("write") && count(&h.command) == 0 {
            p.new.clear();
        }
    }),
    ("write/many", |h, p| {
        // An answer for each hundred.
        for _ in 0..count(&h.command) / 100 {
            p.say(&done());
        }
    }),
    ("write/sequence", |h, p| {
        p.count += usize::from(h.is("write"));
        if p.count == 10 {
            p.new.clear();
        }
    }),
    ("write/same-twice", |h, p| {
        if h.is("write") {
            let again = p.written.contains(&h.command);
            p.written.push(h.command.clone());
            if again {
                p.only(&error("constraint_violation"));
            }
        }
    }),
    ("write/killed", |h, p| {
        // The lock of the first one.
        if h.is("connect") && h.before > 0 {
            p.state = super::double::State::Initialised;
        }
    }),
    ("write/no-messages", |h, p| {
        if h.is("write") && h.command.get("messages").is_none() {
            p.only(&done());
        }
    }),
    ("write/no-list", |h, p| {
        if h.command["messages"].is_object() {
            p.only(&done());
        }
    }),
    ("write/no-message", |h, p| dies_if(h, p, Value::is_number)),
    ("write/after-error", |h, p| {
        p.count += usize::from(any_message(&h.command, Value::is_string));
        if p.count == 1 && h.is("write") {
            p.only(&error("transient"));
        }
    }),
    ("write/failed", |_, p| {
        p.edit("error", |error| error["failed"] = json!([7]));
    }),
    ("write/unknown-members", |h, p| {
        if h.command.get("conformance").is_some() {
            p.only(&error("invalid_command"));
        }
    }),
    ("close/after-writes", |h, p| {
        p.count += usize::from(h.is("write"));
        if h.is("close") && p.count > 2 {
            p.only(&error("unknown"));
        }
    }),
    ("payload/large", |h, p| {
        if h.text.len() > 1 << 20 {
            p.dies();
        }
    }),
    ("payload/megabytes", |h, p| {
        if h.text.len() > 4 << 20 {
            p.dies();
        }
    }),
    ("payload/empty-object", |h, p| {
        dies_if(h, p, |message| message["data"] == "{}")
    }),
    ("payload/unicode", |h, p| dies_of(h, p, "emoji")),
    ("payload/numbers", |h, p| dies_of(h, p, "1e400")),
    ("payload/nested", |h, p| dies_of(h, p, "{\"a\":[{\"a\":[")),
    ("payload/no-object", |h, p| {
        dies_if(h, p, |message| message["data"] == "null")
    }),
    ("payload/text", |h, p| dies_of(h, p, "plain text")),
    ("payload/base64", |h, p| {
        dies_if(h, p, |message| {
            message["metadata"].get("dataflow.encoding").is_some()
        });
    }),
    ("payload/not-a-text", |h, p| {
        dies_if(h, p, |message| {
            message.get("data").is_some_and(Value::is_object)
        });
    }),
    ("message/no-metadata", |h, p| {
        refuses_if(h, p, |message| message.get("metadata").is_none());
    }),
    ("message/null-metadata", |h, p| {
        refuses_if(h, p, |message| {
            message.get("metadata").is_some_and(Value::is_null)
        });
    }),
    ("message/rich-metadata", |h, p| {
        dies_if(h, p, |message| message["metadata"].get("list").is_some());
    }),
    ("message/no-timestamp", |h, p| {
        refuses_if(h, p, |message| message.get("timestamp").is_none());
    }),
    ("message/timestamp-forms", |h, p| {
        refuses_if(h, p, |message| {
            message["timestamp"]
                .as_str()
                .is_some_and(|time| time.contains('+'))
        });
    }),
];
