//! For each check of a source a fault that it finds.

use crossdock_conformance::airbyte::{Exchange, Invocation, Until};
use serde_json::{Value, json};

use super::double::{Fault, error, log};
use super::fault::{add, deaf, drop_if, edit, ever_new, exit, has_nothing};

fn stream(i: &Invocation, x: &mut Exchange, change: impl Fn(&mut Value)) {
    edit("discover", i, x, "CATALOG", |message| {
        change(&mut message["catalog"]["streams"][0])
    });
}

fn record(i: &Invocation, x: &mut Exchange, change: impl Fn(&mut Value)) {
    edit("read", i, x, "RECORD", |message| {
        change(&mut message["record"])
    });
}

fn state(i: &Invocation, x: &mut Exchange, change: impl Fn(&mut Value)) {
    edit("read", i, x, "STATE", |message| {
        change(&mut message["state"])
    });
}

fn is(word: &'static str) -> impl Fn(&Value) -> bool {
    move |message| message["trace"]["stream_status"]["status"] == word
}

/// The states that it was given.
fn given(i: &Invocation) -> Option<Value> {
    serde_json::from_slice(i.content("state")?).ok()
}

/// Fails where the states are so.
fn fails_if(i: &Invocation, x: &mut Exchange, wrong: impl Fn(&Value) -> bool) {
    if given(i).is_some_and(|states| wrong(&states)) {
        x.lines = vec![error("these states are strange", "system_error").to_string()];
        exit(i, x, "read", 1);
    }
}

/// The number of a user.
fn id(line: &str) -> u64 {
    let message: Value = serde_json::from_str(line).unwrap_or_default();
    message["record"]["data"]["id"].as_u64().unwrap_or_default()
}

/// The lines of a stream's status.
fn place(x: &Exchange, word: &str) -> Option<usize> {
    x.lines
        .iter()
        .position(|line| line.contains(&format!("\"status\":\"{word}\"")))
}

pub(super) const SOURCE: &[(&str, Fault)] = &[
    ("discover/answers", |i, x| exit(i, x, "discover", 1)),
    ("discover/only-messages", |i, x| {
        if i.command() == "discover" {
            x.lines.push("{\"type\": \"DEBUG\"}".to_owned())
        }
    }),
    ("discover/refuses-nothing", |i, x| {
        if has_nothing(i) {
            x.lines.clear()
        }
    }),
    ("discover/names", |i, x| {
        edit("discover", i, x, "CATALOG", |message| {
            let streams = &mut message["catalog"]["streams"];
            streams[1] = streams[0].clone();
        })
    }),
    ("discover/schemas", |i, x| {
        stream(i, x, |s| s["json_schema"]["type"] = json!("table"))
    }),
    ("discover/types", |i, x| {
        stream(i, x, |s| {
            s["json_schema"]["properties"]["at"]["airbyte_type"] = json!("timestamp")
        })
    }),
    ("discover/sync-modes", |i, x| {
        stream(i, x, |s| s["supported_sync_modes"] = json!([]))
    }),
    ("discover/cursor-known", |i, x| {
        stream(i, x, |s| s["default_cursor_field"] = json!(["updated"]))
    }),
    ("discover/key-known", |i, x| {
        stream(i, x, |s| s["source_defined_primary_key"] = json!([["uid"]]))
    }),
    ("discover/no-nulls", |i, x| {
        stream(i, x, |s| s["namespace"] = Value::Null)
    }),
    ("discover/distinct-fields", |i, x| {
        stream(i, x, |s| s["json_schema"]["properties"]["ID"] = json!({}))
    }),
    ("discover/reserved-fields", |i, x| {
        stream(i, x, |s| {
            s["json_schema"]["properties"]["_airbyte_raw_id"] = json!({})
        })
    }),
    ("discover/same-twice", |i, x| {
        stream(i, x, |s| s["json_schema"]["title"] = json!(ever_new()))
    }),
    ("read/succeeds", |i, x| {
        add("read", i, x, &error("half of it", "system_error"))
    }),
    ("read/has-records", |i, x| {
        drop_if(i, x, "read", |m| m["type"] == "RECORD")
    }),
    ("read/only-messages", |i, x| {
        if i.command() == "read" {
            x.lines.insert(0, "100 %".to_owned())
        }
    }),
    ("read/no-lost-records", |i, x| {
        if i.command() == "read" {
            x.lines.push(
                "{\"type\":\"RECORD\",\"record\":{\"stream\":\"users\",\"data\":{\"id\":NaN}}}"
                    .to_owned(),
            );
        }
    }),
    ("read/record-shape", |i, x| {
        record(i, x, |r| r["data"] = json!([1]))
    }),
    ("read/not-empty", |i, x| {
        record(i, x, |r| r["data"] = json!({}))
    }),
    ("read/emitted-at", |i, x| {
        record(i, x, |r| r["emitted_at"] = json!(1_764_000_000))
    }),
    ("read/configured-streams", |i, x| {
        record(i, x, |r| r["namespace"] = json!("public"))
    }),
    ("read/one-stream", |i, x| {
        add(
            "read",
            i,
            x,
            &json!({"type": "RECORD", "record": {"stream": "events",
        "namespace": "log", "emitted_at": 1_764_000_000_000_u64, "data": {"what": "more"}}}),
        )
    }),
    ("read/declared-fields", |i, x| {
        record(i, x, |r| r["data"]["surprise"] = json!(1))
    }),
    ("read/types", |i, x| {
        record(i, x, |r| r["data"]["at"] = json!(17))
    }),
    ("read/key-there", |i, x| {
        record(i, x, |r| r["data"]["id"] = Value::Null)
    }),
    ("read/changes", |i, x| {
        record(i, x, |r| {
            r["meta"] = json!({"changes": [{"field": "name", "change": "LOST"}]})
        })
    }),
    ("read/logs", |i, x| {
        add(
            "read",
            i,
            x,
            &json!({"type": "LOG", "log": {"level": "INFO"}}),
        )
    }),
    ("read/traces", |i, x| {
        add(
            "read",
            i,
            x,
            &json!({"type": "TRACE", "trace": {"type": "NEWS", "emitted_at": 1}}),
        )
    }),
    ("read/estimates", |i, x| {
        add(
            "read",
            i,
            x,
            &json!({"type": "TRACE", "trace": {"type": "ESTIMATE",
        "emitted_at": 1, "estimate": {"name": "all", "type": "SYNC", "row_estimate": 8}}}),
        )
    }),
    ("read/controls", |i, x| {
        edit("read", i, x, "CONTROL", |m| {
            m["control"]["connectorConfig"] = json!({"token": "x"})
        })
    }),
    ("read/again", |_, x| {
        // More each time.
        static TIMES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
        let more = TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        for _ in 0..more {
            let again = x.lines.iter().find(|line| line.contains("RECORD")).cloned();
            x.lines.extend(again);
        }
    }),
    ("status/told", |i, x| drop_if(i, x, "read", is("COMPLETE"))),
    ("status/order", |i, x| {
        edit("read", i, x, "TRACE", |m| {
            if m["trace"]["stream_status"]["status"] == "RUNNING" {
                m["trace"]["stream_status"]["status"] = json!("COMPLETE");
            }
        })
    }),
    ("status/around-records", |_, x| {
        if let Some(end) = place(x, "COMPLETE") {
            let line = x.lines.remove(end);
            let after = place(x, "RUNNING").unwrap_or_default() + 1;
            x.lines.insert(after, line);
        }
    }),
    ("status/unknown-stream", |i, x| {
        edit("read", i, x, "TRACE", |m| {
            if m["trace"]["stream_status"]["status"] == "INCOMPLETE" {
                m["trace"]["stream_status"]["status"] = json!("COMPLETE");
            }
        })
    }),
    ("status/no-stream", |i, x| {
        add(
            "read",
            i,
            x,
            &json!({"type": "RECORD", "record": {"stream": "users",
        "emitted_at": 1_764_000_000_000_u64, "data": {"id": 7}}}),
        )
    }),
    ("state/there", |i, x| {
        drop_if(i, x, "read", |m| m["type"] == "STATE")
    }),
    ("state/shape", |i, x| {
        state(i, x, |s| s["stream"]["stream_state"] = json!("6"))
    }),
    ("state/one-kind", |i, x| {
        add(
            "read",
            i,
            x,
            &json!({"type": "STATE", "state": {"type": "GLOBAL",
        "global": {"stream_states": []}}}),
        )
    }),
    ("state/covers-all", |_, x| {
        // The last two states are those after the last record.
        for _ in 0..2 {
            if let Some(last) = x.lines.iter().rposition(|line| line.contains("\"STATE\"")) {
                x.lines.remove(last);
            }
        }
    }),
    ("state/before-complete", |_, x| {
        let states: Vec<String> = x
            .lines
            .iter()
            .filter(|line| line.contains("\"STATE\""))
            .cloned()
            .collect();
        x.lines.retain(|line| !line.contains("\"STATE\""));
        x.lines.extend(states);
    }),
    ("state/counts", |i, x| {
        state(i, x, |s| s["sourceStats"] = Value::Null)
    }),
    ("state/counts-right", |i, x| {
        state(i, x, |s| s["sourceStats"]["recordCount"] = json!(7.0))
    }),
    ("state/configured-streams", |i, x| {
        state(i, x, |s| {
            s["stream"]["stream_descriptor"]["namespace"] = json!("public")
        })
    }),
    // A state says more than was emitted: what comes before it is lost by who starts there.
    ("resume/every-state", |i, x| {
        state(i, x, |s| {
            let at = s["stream"]["stream_state"]["id"]
                .as_u64()
                .unwrap_or_default();
            s["stream"]["stream_state"]["id"] = json!(at + 1);
        })
    }),
    ("resume/last-state", |i, x| {
        if given(i).is_some() {
            let mut fresh = i.clone();
            fresh.words.truncate(5);
            x.lines = super::source::source(&fresh)
                .0
                .iter()
                .map(Value::to_string)
                .collect();
        }
    }),
    ("resume/killed", |i, x| {
        if matches!(i.until, Until::Killed(_)) {
            // States hurry ahead of their records.
            let states: Vec<String> = x
                .lines
                .iter()
                .filter(|line| line.contains("\"STATE\""))
                .cloned()
                .collect();
            x.lines.splice(0..0, states);
        }
    }),
    ("resume/no-state", |i, x| {
        fails_if(i, x, |states| *states == json!([]))
    }),
    ("resume/unknown-stream", |i, x| {
        fails_if(i, x, |states| states.to_string().contains("nobodys"))
    }),
    ("resume/unknown-properties", |i, x| {
        fails_if(i, x, |states| states.to_string().contains("__added"))
    }),
    ("resume/reset", |i, x| {
        if given(i).is_some_and(|states| {
            states[0]["stream"]["stream_state"].is_null() && states[0].is_object()
        }) {
            x.lines.retain(|line| id(line) != 3);
        }
    }),
    ("ending/asked", deaf),
    ("ending/nobody-listens", |i, x| {
        if matches!(i.until, Until::Closed(_)) {
            x.exit = None
        }
    }),
    ("ending/slow-reader", |i, x| {
        if i.until == Until::EndSlowly {
            x.lines.truncate(5)
        }
    }),
    ("ending/failure-told", |i, x| {
        if has_nothing(i) {
            x.lines = vec![log("FATAL", "no").to_string()]
        }
    }),
    ("ending/failure-kind", |i, x| {
        if has_nothing(i) {
            x.lines = vec![error("no", "system_error").to_string()]
        }
    }),
];
