//! For each check of a destination a fault that it finds.

use crossdock_conformance::airbyte::{Exchange, Invocation};
use crossdock_launch::Exit;
use serde_json::{Value, json};

use super::double::{Fault, error, log};
use super::fault::{add, deaf, drop_if, edit, exit, has_nothing};

fn echo(i: &Invocation, x: &mut Exchange, change: impl Fn(&mut Value)) {
    edit("write", i, x, "STATE", |message| {
        change(&mut message["state"])
    });
}

fn input(i: &Invocation) -> String {
    String::from_utf8_lossy(i.input.as_deref().unwrap_or_default()).into_owned()
}

fn catalog(i: &Invocation) -> String {
    String::from_utf8_lossy(i.content("catalog").unwrap_or_default()).into_owned()
}

/// Fails.
fn fails(x: &mut Exchange) {
    x.lines = vec![error("this is too much", "system_error").to_string()];
    x.exit = Some(Exit::Code(1));
}

/// Fails where something stands on stdin.
fn fails_on(i: &Invocation, x: &mut Exchange, text: &str) {
    if input(i).contains(text) {
        fails(x);
    }
}

/// Fails where something stands in the catalog.
fn fails_with(i: &Invocation, x: &mut Exchange, text: &str) {
    if catalog(i).contains(text) {
        fails(x);
    }
}

/// Goes on as if nothing were wrong: echoes every state that came.
fn goes_on(i: &Invocation, x: &mut Exchange) {
    let input = input(i);
    x.lines = input
        .lines()
        .filter(|line| line.contains("\"STATE\""))
        .map(str::to_owned)
        .collect();
    x.exit = Some(Exit::Code(0));
}

/// The state that nobody sent.
fn made_up() -> Value {
    json!({"type": "STATE", "state": {"type": "STREAM",
        "stream": {"stream_descriptor": {"name": "crossdock_conformance"}, "stream_state": {"at": 99}}}})
}

fn without(i: &Invocation, x: &mut Exchange, pointer: &'static str, name: &'static str) {
    echo(i, x, |state| {
        if let Some(Value::Object(members)) = state.pointer_mut(pointer) {
            members.remove(name);
        }
    });
}

pub(super) const DESTINATION: &[(&str, Fault)] = &[
    ("write/succeeds", |i, x| exit(i, x, "write", 1)),
    ("write/only-messages", |i, x| {
        if i.command() == "write" {
            x.lines.push("flushed".to_owned())
        }
    }),
    ("write/logs", |i, x| add("write", i, x, &log("LOUD", "x"))),
    ("write/traces", |i, x| {
        add(
            "write",
            i,
            x,
            &json!({"type": "TRACE", "trace": {"type": "ANALYTICS"}}),
        )
    }),
    ("write/nothing", |i, x| {
        if i.command() == "write" && input(i).is_empty() {
            fails(x)
        }
    }),
    ("write/no-state", |i, x| {
        if !input(i).contains("STATE\"") || input(i).matches("STATE\"").count() == 0 {
            add("write", i, x, &made_up())
        }
    }),
    ("write/cut-anywhere", |i, x| {
        if i.command() == "write" && !input(i).contains("COMPLETE") {
            x.exit = None
        }
    }),
    ("write/statuses", |i, x| fails_on(i, x, "RUNNING")),
    ("write/two-streams", |_, x| {
        // Only the last state of all is echoed.
        let last = x.lines.iter().rposition(|line| line.contains("\"STATE\""));
        let mut at = 0;
        x.lines.retain(|line| {
            at += 1;
            !line.contains("\"STATE\"") || Some(at - 1) == last
        });
    }),
    ("write/no-generation", |i, x| {
        if i.command() == "write" && !catalog(i).contains("generation_id") {
            fails(x)
        }
    }),
    ("write/new-generation", |i, x| {
        fails_with(i, x, "\"minimum_generation_id\":2")
    }),
    ("write/each-mode", |i, x| {
        fails_with(i, x, "\"append_dedup\"")
    }),
    ("write/unknown-catalog-fields", |i, x| {
        fails_with(i, x, "__added_by")
    }),
    ("write/no-catalog", |i, x| {
        if i.content("catalog").is_none() {
            exit(i, x, "write", 0)
        }
    }),
    ("write/no-input-json", |i, x| fails_on(i, x, "not JSON")),
    ("write/unknown-stream", |i, x| {
        if input(i).contains("nobodys") {
            goes_on(i, x)
        }
    }),
    ("write/refuses-broken-record", |i, x| {
        if input(i).contains("\"emitted_at\":1}") {
            goes_on(i, x)
        }
    }),
    ("write/refuses-nothing", |i, x| {
        if has_nothing(i) {
            exit(i, x, "write", 0)
        }
    }),
    ("write/asked", deaf),
    ("write/again", |_, x| {
        static TIMES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        if x.lines.iter().any(|line| line.contains("\"STATE\""))
            && TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0
        {
            fails(x);
        }
    }),
    ("echo/last", |i, x| {
        drop_if(i, x, "write", |m| {
            m["state"]["stream"]["stream_state"]["at"] == 2
        })
    }),
    ("echo/order", |i, x| {
        if i.command() == "write" {
            x.lines.reverse()
        }
    }),
    ("echo/made-up", |i, x| add("write", i, x, &made_up())),
    ("echo/verbatim", |i, x| {
        echo(i, x, |state| {
            let odd = &mut state["stream"]["stream_state"]["odd"];
            // As a float would have it.
            if odd.is_i64() {
                *odd = json!(9_007_199_254_740_992_i64)
            }
        })
    }),
    ("echo/global", |i, x| {
        echo(i, x, |state| state["global"]["shared_state"] = Value::Null)
    }),
    ("echo/namespace", |i, x| {
        without(i, x, "/stream/stream_descriptor", "namespace")
    }),
    ("echo/legacy", |i, x| {
        drop_if(i, x, "write", |m| m["state"]["data"].is_object())
    }),
    ("echo/unknown-properties", |i, x| without(i, x, "", "id")),
    ("echo/stats", |i, x| without(i, x, "", "destinationStats")),
    ("echo/stats-right", |i, x| {
        echo(i, x, |state| {
            state["destinationStats"]["recordCount"] = json!(1.0)
        })
    }),
    ("echo/source-stats", |i, x| without(i, x, "", "sourceStats")),
    ("echo/many", |i, x| {
        if input(i).matches("\"STATE\"").count() > 500 {
            x.lines.clear()
        }
    }),
    ("payload/nulls", |i, x| fails_on(i, x, "\"amount\":null")),
    ("payload/empty", |i, x| fails_on(i, x, "\"data\":{}")),
    ("payload/undeclared-field", |i, x| {
        fails_on(i, x, "nobody_declared")
    }),
    ("payload/wrong-type", |i, x| fails_on(i, x, "\"yes\"")),
    ("payload/integers", |i, x| {
        fails_on(i, x, "9223372036854775807")
    }),
    ("payload/numbers", |i, x| fails_on(i, x, "1E+2")),
    ("payload/times", |i, x| fails_on(i, x, "0001-01-01")),
    ("payload/unicode", |i, x| fails_on(i, x, "zero\\u0000")),
    ("payload/odd-names", |i, x| fails_on(i, x, "SELECT")),
    ("payload/many-fields", |i, x| fails_with(i, x, "field_499")),
    ("payload/nested", |i, x| {
        fails_on(i, x, "[{\"deep\":[{\"deep\":[")
    }),
    ("payload/huge", |i, x| {
        if input(i).lines().any(|line| line.len() > 1 << 20) {
            fails(x)
        }
    }),
    ("payload/many", |i, x| {
        if input(i).lines().count() > 5_000 {
            fails(x)
        }
    }),
    ("payload/meta-changes", |i, x| fails_on(i, x, "NULLED")),
    ("payload/unknown-properties", |i, x| fails_on(i, x, "__new")),
    ("payload/null-namespace", |i, x| {
        fails_on(i, x, "\"namespace\":null")
    }),
    ("payload/any-schema", |i, x| fails_with(i, x, "\"id\":{}")),
];
