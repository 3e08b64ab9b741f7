//! For each check of both roles a fault that it finds.

use crossdock_conformance::Role;
use crossdock_launch::Exit;
use serde_json::{Value, json};

use super::double::{Fault, State, What, error};
use super::{sink_fault, source_fault};

/// The fault of a check.
pub(super) fn of(name: &str, role: Role) -> Option<Fault> {
    let own = match role {
        Role::Source => source_fault::SOURCE,
        Role::Destination => sink_fault::SINK,
    };
    let found = BOTH.iter().chain(own).find(|(of, _)| *of == name);
    found.map(|(_, fault)| *fault)
}

const BOTH: &[(&str, Fault)] = &[
    ("init/ready", |h, p| {
        if h.is("init") {
            p.only(&json!({"type": "done"}));
        }
    }),
    ("connect/ready", |h, p| {
        if h.is("connect") {
            p.only(&error("connection_error"));
        }
    }),
    ("lines/unasked", |h, p| {
        if h.is("connect") {
            p.say(&json!({"type": "checkpoint", "data": "0"}));
        }
    }),
    ("init/unknown-members", |h, p| {
        if h.is("init") && h.command["options"].get("conformanceOption").is_some() {
            p.only(&error("invalid_config"));
        }
    }),
    ("init/without-options", |h, p| {
        // Some process has them, or there is nothing to see.
        let bare = h.command.get("options").is_none();
        if h.is("init") && bare && h.before > 0 {
            p.dies();
        }
    }),
    ("init/twice", |h, p| {
        if h.is("init") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("connect/twice", |h, p| {
        if h.is("connect") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("init/no-role", |h, p| {
        if h.is("init") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("init/another-type", |h, p| {
        if h.is("init") {
            p.dies();
        }
    }),
    ("init/bad-config", |h, p| {
        if h.is("init") && h.command["config"].is_string() {
            p.dies();
        }
    }),
    ("init/announces", |h, p| {
        if h.is("init") {
            p.only(&json!({"type": "ready", "features": "more"}));
        }
    }),
    ("lines/utf-8", |h, p| {
        if h.is("close") {
            p.new.insert(0, vec![0xff, 0xfe]);
        }
    }),
    ("lines/objects", |h, p| {
        if h.is("read") || h.is("write") {
            p.new.insert(0, b"reading ...".to_vec());
        }
    }),
    ("lines/known-types", |h, p| {
        if h.is("connect") {
            p.new
                .insert(0, br#"{"type":"log","message":"connecting"}"#.to_vec());
        }
    }),
    ("lines/line-feeds", |_, p| {
        for line in &mut p.new {
            line.push(b'\r');
        }
    }),
    ("lines/in-pieces", |h, p| {
        if h.what == What::Piece {
            p.say(&error("invalid_command"));
        }
    }),
    ("lines/any-spelling", |h, p| {
        if h.is("ping") && !h.text.starts_with("{\"cmd\":\"ping\"") {
            p.only(&error("unknown_command"));
        }
    }),
    ("lines/carriage-returns", |h, p| {
        if h.text.ends_with('\r') {
            p.only(&error("invalid_command"));
        }
    }),
    ("lines/blank", |h, p| {
        if h.what == What::Line(1) && h.text.is_empty() {
            p.say(&error("invalid_command"));
        }
    }),
    ("lines/byte-order-mark", |h, p| {
        if h.text.starts_with('\u{feff}') {
            p.only(&error("invalid_command"));
        }
    }),
    ("lines/long", |h, p| {
        if h.text.len() > 64 << 10 {
            p.dies();
        }
    }),
    ("lines/very-long", |h, p| {
        if h.text.len() > 1 << 20 {
            p.dies();
        }
    }),
    ("errors/message", |_, p| {
        p.edit("error", |e| e["message"] = json!(""))
    }),
    ("errors/code", |_, p| {
        p.edit("error", |e| e["code"] = json!({"id": 1}))
    }),
    ("commands/unknown", |h, p| {
        if h.is("no-such-command") {
            p.dies();
        }
    }),
    ("commands/malformed", |h, p| {
        if h.command.is_null() && !h.text.is_empty() {
            p.dies();
        }
    }),
    ("commands/no-cmd", |h, p| {
        if h.command["type"] == "ping" {
            p.only(&json!({"type": "pong"}));
        }
    }),
    ("commands/no-object", |h, p| {
        if h.command.is_array() {
            p.dies();
        }
    }),
    ("connect/before-init", |h, p| {
        if h.is("connect") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("connect/needed", |h, p| {
        if h.is("read") || h.is("write") {
            p.only(&json!({"type": "done"}));
        }
    }),
    ("commands/other-role", |h, p| {
        if h.is("read") || h.is("write") {
            p.only(&json!({"type": "done"}));
        }
    }),
    ("commands/work-after-error", |h, p| {
        if h.is("no-such-command") {
            p.state = State::New;
        }
    }),
    ("ping/connected", |h, p| {
        if h.is("ping") && p.state == State::Connected {
            p.only(&json!({"type": "done"}));
        }
    }),
    ("ping/after-work", |h, p| {
        p.count += usize::from(h.is("read") || h.is("write"));
        if h.is("ping") && p.count > 0 {
            p.new.clear();
        }
    }),
    ("ping/new", |h, p| {
        if h.is("ping") && p.state == State::New {
            p.only(&error("not_connected"));
        }
    }),
    ("ping/initialised", |h, p| {
        if h.is("ping") && p.state == State::Initialised {
            p.only(&error("not_connected"));
        }
    }),
    ("ping/often", |h, p| {
        p.count += usize::from(h.is("ping"));
        if h.is("ping") && p.count == 10 {
            p.say(&json!({"type": "pong"}));
        }
    }),
    ("close/done", |h, p| {
        if h.is("close") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("close/after-work", |h, p| {
        if h.what == What::InputEnds {
            p.exit = Some(Exit::Code(3));
        }
    }),
    ("close/new", |h, p| {
        if h.is("close") {
            p.only(&error("not_connected"));
        }
    }),
    ("close/initialised", |h, p| {
        if h.is("close") {
            p.dies();
        }
    }),
    ("close/twice", |h, p| {
        p.count += usize::from(h.is("close"));
        if p.count == 2 {
            p.only(&error("not_connected"));
        }
    }),
    ("close/final", |h, p| {
        if h.is("connect") {
            p.only(&json!({"type": "ready"}));
        }
    }),
    ("exit/after-close", |h, p| {
        if h.is("close") {
            p.leaving = None;
        }
    }),
    ("exit/input-ends-new", |h, p| {
        if h.what == What::InputEnds {
            p.exit = Some(Exit::Code(1));
        }
    }),
    ("exit/input-ends", |h, p| {
        if h.what == What::InputEnds {
            p.exit = None;
        }
    }),
    ("exit/terminated", |h, p| {
        if h.what == What::Terminated {
            p.exit = None;
        }
    }),
    ("exit/terminated-status", |h, p| {
        if h.what == What::Terminated {
            p.exit = Some(Exit::Signal(15));
        }
    }),
];

/// What a message of a `write` has.
pub(super) fn any_message(command: &Value, is_so: impl Fn(&Value) -> bool) -> bool {
    let messages = command["messages"].as_array();
    messages.is_some_and(|messages| messages.iter().any(is_so))
}
