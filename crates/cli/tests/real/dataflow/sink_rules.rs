//! What the page leaves open of a sink and what breaks it, one rule after the other (§1.6), and the rules of both.

use serde_json::{Value, json};

use super::{commands, done, message, once, python, scripted, written};
use crate::lab::Lab;

/// Runs a source of `count` messages into a sink that answers so.
fn write(count: u64, answers: Value, more: &Value) -> (Value, Vec<Value>, Lab) {
    let lab = Lab::new();
    let mut all = once();
    for (key, value) in more.as_object().unwrap() {
        match key.as_str() {
            "settings" => all["settings"]
                .as_object_mut()
                .unwrap()
                .extend(value.as_object().unwrap().clone()),
            _ => drop(
                all.as_object_mut()
                    .unwrap()
                    .insert(key.clone(), value.clone()),
            ),
        }
    }
    let config = json!({"answers": answers, "log": lab.text("commands")});
    let source = json!({"count": count, "checkpoint": "before"});
    let file = lab.pipeline((&python("source"), source), (&scripted(), config), all);
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    let commands = commands(&lab);
    (envelope, commands, lab)
}

#[test]
fn a_sink_is_spoken_to_as_the_page_has_it() {
    let (envelope, commands, _) = write(3, json!({}), &json!({}));
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    let mut names: Vec<&str> = commands
        .iter()
        .map(|c| c["cmd"].as_str().unwrap())
        .collect();
    // How many there are depends on how the source's lines come through the pipe.
    names.dedup();
    assert_eq!(names, ["init", "connect", "write", "close"]);
    assert_eq!(commands[0]["role"], "sink");
    let message = &commands[2]["messages"][0];
    let members: Vec<&String> = message.as_object().unwrap().keys().collect();
    assert_eq!(members, ["data", "metadata", "timestamp"]);
}

#[test]
fn a_sink_that_says_which_messages_failed_is_believed() {
    let lab = Lab::new();
    let more = json!({"dead_letters": {"path": lab.text("letters.jsonl"), "window_size": 0}});
    let refuse = json!([["refuse", "\"id\":2,", "\"id\":4,"]]);
    let (envelope, commands, _) = write(5, json!({"write": [refuse]}), &more);
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    // Each was sent once: nobody had to look for the bad ones.
    let writes = commands.iter().filter(|c| c["cmd"] == "write");
    let sent: usize = writes
        .map(|c| c["messages"].as_array().unwrap().len())
        .sum();
    assert_eq!(sent, 5);
    let letters = std::fs::read_to_string(lab.path("letters.jsonl")).unwrap();
    assert_eq!(letters.lines().count(), 2, "{letters}\n{commands:?}");
    for (line, id) in letters.lines().zip([2, 4]) {
        assert!(line.contains("too odd"), "{line}");
        assert!(line.contains(&format!("\"id\":{id},")), "{line}");
    }
    // Places that it was not sent are a breach.
    let failed = json!([{"type": "error", "message": "x", "failed": [7]}]);
    let (envelope, ..) = write(5, json!({"write": [failed]}), &more);
    assert!(
        envelope.to_string().contains("unexpected_acknowledgement"),
        "{envelope:#}"
    );
}

#[test]
fn errors_of_a_sink_have_their_classes() {
    let error = |code: &str| json!([{"type": "error", "message": "not now", "code": code}]);
    let writes = |commands: &[Value]| commands.iter().filter(|c| c["cmd"] == "write").count();
    // Later it may work: again and again, with the same messages, and then it is the run's affair.
    let (envelope, commands, _) = write(3, json!({"write": [error("timeout")]}), &json!({}));
    assert_eq!(envelope["ok"], false);
    assert_eq!(writes(&commands), 4, "{envelope:#}");
    let (envelope, commands, _) = write(
        3,
        json!({"write": [error("transient"), [done()]]}),
        &json!({}),
    );
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    let tried: Vec<&Value> = commands.iter().filter(|c| c["cmd"] == "write").collect();
    assert_eq!(tried[0]["messages"], tried[1]["messages"]);
    // Never.
    for code in ["auth_error", "unknown", "constraint_violation"] {
        let (envelope, commands, _) = write(3, json!({"write": [error(code)]}), &json!({}));
        assert_eq!(envelope["ok"], false, "{code}");
        assert_eq!(writes(&commands), 1, "{code}: {envelope:#}");
        assert!(envelope.to_string().contains("not now"), "{envelope:#}");
    }
}

#[test]
fn a_sink_that_is_silent_or_ends_is_named() {
    let short = json!({"settings": {"answers": {"write": "300ms"}, "grace": "2s"}});
    let (envelope, ..) = write(3, json!({"write": [[["wait", 5000]]]}), &short);
    assert!(
        envelope.to_string().contains("connector.timeout"),
        "{envelope:#}"
    );
    let (envelope, ..) = write(
        3,
        json!({"write": [[["stderr", "disk full"], ["exit", 1]]]}),
        &json!({}),
    );
    assert!(envelope.to_string().contains("disk full"), "{envelope:#}");
    // One that ends badly after `close` has written everything.
    let (envelope, ..) = write(3, json!({"close": [[done(), ["exit", 4]]]}), &json!({}));
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    // One that does not go is killed within the grace period.
    let grace = json!({"settings": {"grace": "1s"}});
    let (envelope, ..) = write(3, json!({"close": [[done(), ["wait", 60_000]]]}), &grace);
    assert_eq!(envelope["ok"], true, "{envelope:#}");
}

#[test]
fn who_has_nothing_to_do_is_asked_whether_it_is_alive() {
    let lab = Lab::new();
    let settings = json!({"answers": {"ping": "100ms"}, "grace": "2s",
        "retries": {"complete_failures": 1, "partial_failures": 1}});
    // The source takes its time, so the sink is idle; and its pause is longer than a ping's.
    let reads = json!([[["wait", 1500], message(1), {"type": "checkpoint", "data": "1"}, done()], [done()]]);
    let source = json!({"log": lab.text("source"), "pollInterval": 1, "answers": {"read": reads}});
    let run = |sink: Value| {
        let settings = settings.clone();
        let file = lab.pipeline(
            (&scripted(), source.clone()),
            (&scripted(), sink),
            json!({"settings": {"mode": "stream", "until_idle": "3s", "answers": settings["answers"],
                "grace": "2s", "retries": settings["retries"]}}),
        );
        lab.run(&["run", file.to_str().unwrap()])
    };
    let envelope = run(json!({"log": lab.text("sink")}));
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    for name in ["source", "sink"] {
        let pings = written(&lab, name)
            .iter()
            .filter(|c| c["cmd"] == "ping")
            .count();
        assert!(pings > 1, "{name}: {pings}");
    }
    // One that does not answer is named.
    let silent = json!({"answers": {"ping": [[["wait", 3000]]]}});
    let envelope = run(silent);
    assert!(
        envelope.to_string().contains("did not answer `ping`"),
        "{envelope:#}"
    );
}

#[test]
fn a_message_of_eighty_megabytes_passes() {
    let lab = Lab::new();
    let file = lab.pipeline(
        (
            &python("source"),
            json!({"count": 2, "payload_bytes": 80_000_000}),
        ),
        (&python("sink"), json!({"path": lab.text("out")})),
        once(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    let lengths: Vec<usize> = std::fs::read_to_string(lab.path("out"))
        .unwrap()
        .lines()
        .map(str::len)
        .collect();
    assert_eq!(lengths.len(), 2);
    assert!(
        lengths.iter().all(|length| *length > 80_000_000),
        "{lengths:?}"
    );
}

#[test]
fn a_sink_that_reads_long_lines_gets_them() {
    let sizes = |ready: Value| {
        let (envelope, commands, _) = write(1000, json!({"init": [[ready]]}), &json!({}));
        assert_eq!(envelope["ok"], true, "{envelope:#}");
        let writes = commands.iter().filter(|c| c["cmd"] == "write");
        writes.map(|c| c.to_string().len()).max().unwrap()
    };
    assert!(sizes(json!({"type": "ready"})) <= 64 << 10);
    assert!(sizes(json!({"type": "ready", "maxLineBytes": 1 << 20})) > 64 << 10);
}

#[test]
fn a_secret_reaches_the_connector_by_its_input_alone() {
    let lab = Lab::new();
    let config = json!({"password": "hunter22hunter22", "answers": {"connect": [[
        ["stderr", "as hunter22hunter22"], {"type": "error", "message": "wrong: hunter22hunter22"}]]}});
    let file = lab.pipeline((&scripted(), config), ("native:null", json!({})), once());
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    assert!(envelope.to_string().contains("wrong: ****"), "{envelope:#}");
    assert!(!envelope.to_string().contains("hunter22"), "{envelope:#}");
    let logs = lab.printed(&["logs", "1"]);
    assert!(
        logs.contains("as ****") && !logs.contains("hunter22"),
        "{logs}"
    );
}
