//! For each check a fault that it finds.

use crossdock_conformance::Role;
use crossdock_conformance::airbyte::{Exchange, Invocation, Until};
use crossdock_launch::Exit;
use serde_json::{Value, json};

use super::double::{Fault, error, log};

/// The fault for a check.
pub(super) fn of(check: &str, role: Role) -> Option<Fault> {
    let tables: &[&[(&str, Fault)]] = match role {
        Role::Source => &[COMMON, super::source_fault::SOURCE],
        Role::Destination => &[COMMON, super::destination_fault::DESTINATION],
    };
    let mut all = tables.iter().flat_map(|table| table.iter());
    all.find(|(name, _)| *name == check)
        .map(|(_, fault)| *fault)
}

/// Changes every message of a type in the answer to a command.
pub(super) fn edit(
    command: &str,
    i: &Invocation,
    x: &mut Exchange,
    kind: &str,
    change: impl Fn(&mut Value),
) {
    if i.command() != command {
        return;
    }
    for line in &mut x.lines {
        let Ok(mut message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if message["type"] == kind {
            change(&mut message);
            *line = message.to_string();
        }
    }
}

/// Adds a message to the answer to a command.
pub(super) fn add(command: &str, i: &Invocation, x: &mut Exchange, message: &Value) {
    if i.command() == command {
        x.lines.push(message.to_string());
    }
}

/// Takes the messages away that this says.
pub(super) fn drop_if(
    i: &Invocation,
    x: &mut Exchange,
    command: &str,
    gone: impl Fn(&Value) -> bool,
) {
    if i.command() == command {
        x.lines.retain(|line| {
            !serde_json::from_str::<Value>(line).is_ok_and(|message| gone(&message))
        });
    }
}

/// Ends with this code.
pub(super) fn exit(i: &Invocation, x: &mut Exchange, command: &str, code: i32) {
    if i.command() == command {
        x.exit = Some(Exit::Code(code));
    }
}

/// Whether it works with the configuration that lacks everything.
pub(super) fn has_nothing(i: &Invocation) -> bool {
    i.content("config") == Some(b"{}")
}

fn spec(i: &Invocation, x: &mut Exchange, change: impl Fn(&mut Value)) {
    edit("spec", i, x, "SPEC", |message| change(&mut message["spec"]));
}

fn property(i: &Invocation, x: &mut Exchange, change: impl Fn(&mut Value)) {
    spec(i, x, |spec| change(&mut spec["connectionSpecification"]));
}

/// Says whatever it likes to `check`.
fn says(x: &mut Exchange, status: &str, message: Value, code: i32) {
    let status = json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": status, "message": message}});
    x.lines = vec![status.to_string()];
    x.exit = Some(Exit::Code(code));
}

/// Whether this is the second time; doubles have no memory, so a random value tells.
pub(super) fn ever_new() -> String {
    format!("{:?}", std::time::Instant::now())
}

const COMMON: &[(&str, Fault)] = &[
    ("spec/answers", |i, x| exit(i, x, "spec", 1)),
    ("spec/only-messages", |i, x| {
        if i.command() == "spec" {
            x.lines.insert(0, "loading…".to_owned())
        }
    }),
    ("spec/same-twice", |i, x| {
        spec(i, x, |spec| spec["changelogUrl"] = json!(ever_new()))
    }),
    ("spec/schema", |i, x| {
        property(i, x, |schema| {
            schema["properties"]["count"]["type"] = json!("int")
        })
    }),
    ("spec/required-known", |i, x| {
        property(i, x, |schema| schema["required"] = json!(["coutn"]))
    }),
    ("spec/protocol-version", |i, x| {
        spec(i, x, |spec| spec["protocol_version"] = json!("1.0"))
    }),
    ("spec/documentation", |i, x| {
        spec(i, x, |spec| {
            spec["documentationUrl"] = json!("see the wiki")
        })
    }),
    ("spec/secrets", |i, x| {
        property(i, x, |schema| {
            schema["properties"]["api_key"]["airbyte_secret"] = json!(false)
        })
    }),
    ("spec/one-of", |i, x| {
        property(i, x, |schema| {
            schema["properties"]["mode"]["oneOf"][1]["properties"]["kind"]["const"] = json!("all");
        })
    }),
    ("spec/defaults", |i, x| {
        property(i, x, |schema| {
            schema["properties"]["count"]["default"] = json!("six")
        })
    }),
    ("spec/order", |i, x| {
        property(i, x, |schema| {
            schema["properties"]["count"]["order"] = json!(1)
        })
    }),
    ("spec/groups", |i, x| {
        property(i, x, |schema| schema["groups"] = json!([]))
    }),
    ("spec/titles", |i, x| {
        property(i, x, |schema| {
            schema["properties"]["count"]["title"] = Value::Null
        })
    }),
    ("spec/sync-modes", |i, x| {
        spec(i, x, |spec| {
            spec["supported_destination_sync_modes"] = json!(["upsert"])
        })
    }),
    ("command-line/unknown-command", |i, x| {
        exit(i, x, "conform", 0)
    }),
    ("command-line/no-command", |i, x| exit(i, x, "", 0)),
    ("command-line/no-config", |i, x| {
        if i.words.len() == 1 && i.command() == "check" {
            says(x, "FAILED", json!("none"), 0)
        }
    }),
    ("command-line/config-not-there", |i, x| {
        if i.words.len() == 3 && i.content("config").is_none() {
            x.lines.clear()
        }
    }),
    ("command-line/config-not-json", |i, x| {
        if i.content("config") == Some(b"{\"not\": ") {
            says(x, "SUCCEEDED", Value::Null, 0)
        }
    }),
    ("check/succeeds", |i, x| {
        add(
            "check",
            i,
            x,
            &json!({"type": "CONNECTION_STATUS", "connectionStatus": {"status": "SUCCEEDED"}}),
        )
    }),
    ("check/only-messages", |i, x| {
        if i.command() == "check" {
            x.lines.insert(0, "Traceback".to_owned())
        }
    }),
    ("check/logs", |i, x| {
        add("check", i, x, &log("NOTICE", "an unknown level"))
    }),
    ("check/refuses-nothing", |i, x| {
        if has_nothing(i) {
            says(x, "SUCCEEDED", Value::Null, 0)
        }
    }),
    ("check/refuses-wrong-types", |i, x| {
        if i.command() == "check" {
            says(x, "SUCCEEDED", Value::Null, 0)
        }
    }),
    ("check/says-why", |i, x| {
        if has_nothing(i) {
            says(x, "FAILED", json!(" "), 0)
        }
    }),
    ("check/failed-is-an-answer", |i, x| {
        if has_nothing(i) {
            x.lines = vec![error("no", "config_error").to_string()];
            x.exit = Some(Exit::Code(1))
        }
    }),
    ("check/unknown-properties", |i, x| {
        let strange = i
            .content("config")
            .is_some_and(|config| String::from_utf8_lossy(config).contains("__injected"));
        if strange {
            says(x, "FAILED", json!("an unknown property"), 0)
        }
    }),
    ("check/hides-secrets", |i, x| {
        let config: Value =
            serde_json::from_slice(i.content("config").unwrap_or_default()).unwrap_or_default();
        add(
            "check",
            i,
            x,
            &log("INFO", &format!("the key is {}", config["api_key"])),
        );
    }),
    ("check/again", |i, x| {
        edit("check", i, x, "CONNECTION_STATUS", |message| {
            message["connectionStatus"]["status"] = json!(ever_new());
        })
    }),
];

/// It cannot be asked to end.
pub(super) fn deaf(i: &Invocation, x: &mut Exchange) {
    if matches!(i.until, Until::Asked(_)) {
        x.exit = None;
    }
}
