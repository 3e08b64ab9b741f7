//! For each check of a source a fault that it finds.

use serde_json::{Value, json};

use super::double::{Fault, ROWS, What, checkpoint, error, place, row};

/// Where `init` wants to begin, and by which member.
fn given<'a>(command: &'a Value, member: &str) -> Option<&'a Value> {
    command["options"].get(member)
}

pub(super) const SOURCE: &[(&str, Fault)] = &[
    ("message/data", |_, p| {
        p.edit("message", |m| m["data"] = json!({"id": 1}))
    }),
    ("message/metadata", |_, p| {
        p.edit("message", |m| m["metadata"] = json!([]))
    }),
    ("message/timestamp", |_, p| {
        p.edit("message", |m| m["timestamp"] = json!("2024-01-15 10:30:00"));
    }),
    ("message/base64", |_, p| {
        p.edit("message", |m| {
            if m["metadata"].get("dataflow.encoding").is_some() {
                m["data"] = json!("not base64!");
            }
        });
    }),
    ("read/done", |h, p| {
        if h.is("read") {
            p.new.pop();
        }
    }),
    ("read/one-answer", |h, p| {
        if h.is("read") && p.next < ROWS {
            p.say(&row(p.next));
        }
    }),
    ("read/without-limit", |h, p| {
        if h.is("read") && h.command.get("limit").is_none() {
            p.only(&error("invalid_command"));
        }
    }),
    ("read/limit", |h, p| {
        if h.is("read") {
            p.new.insert(0, row(100).to_string().into_bytes());
        }
    }),
    ("read/limit-one", |h, p| {
        if h.is("read") {
            p.new.insert(0, row(100).to_string().into_bytes());
        }
    }),
    ("read/limit-loses-nothing", |h, p| {
        // It has read ahead by ten, and forgets that.
        if h.command["limit"] == 1 {
            p.next = (p.next + 9).min(ROWS);
        }
    }),
    ("read/bad-limit", |h, p| {
        if h.command["limit"] == 0 {
            p.say(&json!({"type": "done"}));
        }
    }),
    ("read/unknown-members", |h, p| {
        if h.command.get("conformance").is_some() {
            p.only(&error("invalid_command"));
        }
    }),
    ("read/empty-in-time", |h, p| {
        if h.is("read") && h.command.get("limit").is_none() && p.next == ROWS {
            p.new.clear();
        }
    }),
    ("read/more", |_, p| {
        p.edit("done", |done| done["more"] = json!("no"))
    }),
    ("read/end-is-the-end", |h, p| {
        if h.is("read") && p.next == ROWS && p.new.len() == 1 {
            p.new.insert(0, row(100).to_string().into_bytes());
        }
    }),
    ("read/slow-reader", |h, p| {
        if h.what == What::Pause {
            p.new.truncate(10);
            p.say(&json!({"type": "done"}));
        }
    }),
    ("read/acknowledged", |h, p| {
        if h.is("ack") {
            p.say(&json!({"type": "done"}));
        }
    }),
    ("checkpoint/data", |_, p| {
        p.edit("checkpoint", |c| c["data"] = Value::Null);
    }),
    ("checkpoint/text", |_, p| {
        p.edit("checkpoint", |c| c["data"] = json!({"after": 1}));
    }),
    ("checkpoint/resume", |h, p| {
        // One too far.
        if given(&h.command, "checkpoint").is_some() {
            p.next += 1;
        }
    }),
    ("checkpoint/heeded", |h, p| {
        if h.is("init") {
            p.next = 0;
        }
    }),
    ("checkpoint/initial", |h, p| {
        if h.is("init") && given(&h.command, "checkpoint").is_none() {
            p.next = 0;
        }
    }),
    ("checkpoint/as-json", |h, p| {
        if given(&h.command, "checkpoint").is_some_and(Value::is_object) {
            p.only(&error("invalid_config"));
        }
    }),
    ("checkpoint/null", |h, p| {
        if given(&h.command, "checkpoint").is_some_and(Value::is_null) {
            p.dies();
        }
    }),
    ("checkpoint/foreign", |h, p| {
        let given = given(&h.command, "checkpoint");
        if given.is_some_and(|given| !given.is_null() && place(given).is_none()) {
            p.dies();
        }
    }),
    ("checkpoint/killed", |h, p| {
        // Before the messages that it covers.
        if h.is("read") {
            p.new.insert(0, checkpoint(p.next).to_string().into_bytes());
        }
    }),
];
