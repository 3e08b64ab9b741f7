//! What the page leaves open and what breaks it, one rule after the other (§1.1–§1.3, §1.6).

use serde_json::{Value, json};

use super::{once, own, payloads, python, written};
use crate::lab::Lab;

/// The scripted connector.
fn scripted() -> String {
    format!("dataflow:exec:python3 {}", own("scripted.py"))
}

fn message(id: u64) -> Value {
    json!({"type": "message", "data": format!("{{\"id\":{id}}}"), "metadata": {},
        "timestamp": "2026-01-15T10:30:00Z"})
}

fn done() -> Value {
    json!({"type": "done"})
}

/// Runs a source that answers so into the stranger's sink. Returns the envelope and what was written.
fn read(answers: Value, mut more: Value) -> (Value, Vec<Value>, Lab) {
    let lab = Lab::new();
    let mut all = once();
    let settings = all["settings"].as_object_mut().unwrap();
    settings.extend(more["settings"].as_object_mut().unwrap().clone());
    let config = json!({"answers": answers, "log": lab.text("commands")});
    let sink = json!({"path": lab.text("out")});
    let file = lab.pipeline((&scripted(), config), (&python("sink"), sink), all);
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    let written = written(&lab, "out");
    (envelope, written, lab)
}

fn nothing() -> Value {
    json!({"settings": {}})
}

/// The commands that a scripted connector got.
fn commands(lab: &Lab) -> Vec<Value> {
    written(lab, "commands")
}

fn reads(steps: Value) -> Value {
    json!({"read": [steps, [done()]]})
}

#[test]
fn what_the_page_leaves_open_is_taken() {
    let check = |steps: Value, expected: Value| {
        let (envelope, written, _) = read(reads(steps.clone()), nothing());
        assert_eq!(envelope["ok"], true, "{steps}: {envelope:#}");
        let data: Vec<&Value> = written.iter().map(|message| &message["data"]).collect();
        assert_eq!(json!(data), expected, "{steps}");
    };
    let text = |id: u64| format!("{{\"id\":{id}}}");
    check(json!([message(1), done()]), json!([text(1)]));
    // Ends of lines, blank lines, a byte order mark.
    let line = message(1).to_string();
    check(
        json!([format!("\u{feff}{line}\r\n"), "\n", "  \r\n", done()]),
        json!([text(1)]),
    );
    // A log line by mistake, an answer that is not known, members that are not known.
    check(
        json!(["starting up\n", {"type": "log", "message": "x"}, message(1), {"type": "done", "took": 3}]),
        json!([text(1)]),
    );
    // Payloads that are no text, metadata and times that are not there.
    check(
        json!([{"type": "message", "data": {"id": 1}}, {"type": "message", "data": [1, null], "metadata": null},
            {"type": "message", "data": "plain"}, {"type": "message", "data": ""}, done()]),
        json!([text(1), "[1,null]", "plain", ""]),
    );
    // Members in another order.
    check(
        json!(["{\"data\":\"x\",\"type\":\"message\"}\n", done()]),
        json!(["x"]),
    );
    // A read that says that there is more, and one that says that there is none.
    check(
        json!([message(1), {"type": "done", "more": true}]),
        json!([text(1)]),
    );
    check(
        json!([message(1), {"type": "done", "more": false}]),
        json!([text(1)]),
    );
}

#[test]
fn bytes_that_are_no_text_come_and_go_as_base64() {
    let message = json!({"type": "message", "data": "/wA=", "metadata": {"dataflow.encoding": "base64", "k": 1}});
    let (envelope, written, _) = read(reads(json!([message, done()])), nothing());
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    assert_eq!(written[0]["data"], "/wA=");
    assert_eq!(written[0]["metadata"]["dataflow.encoding"], "base64");
    assert_eq!(written[0]["metadata"]["k"], 1);
}

#[test]
fn checkpoints_are_kept_as_they_are_and_given_back_at_the_next_start() {
    for (sent, after) in [
        (json!("opaque \u{1F600}"), false),
        (json!({"lsn": "0/16", "n": 12345678901234567_u64}), false),
        (json!("late"), true),
        (json!([1, 2]), true),
    ] {
        let checkpoint = json!({"type": "checkpoint", "data": sent});
        let steps = match after {
            false => json!([message(1), checkpoint, done()]),
            true => json!([message(1), done(), checkpoint]),
        };
        let (envelope, _, lab) = read(reads(steps), nothing());
        assert_eq!(envelope["ok"], true, "{envelope:#}");
        lab.good(&["run", lab.path("pipeline.yaml").to_str().unwrap()]);
        let inits: Vec<Value> = commands(&lab)
            .into_iter()
            .filter(|command| command["cmd"] == "init")
            .collect();
        assert_eq!(inits[0]["role"], "source");
        assert_eq!(inits[0]["type"], "scripted");
        assert_eq!(inits[0]["options"].get("checkpoint"), None);
        assert_eq!(inits[1]["options"]["checkpoint"], sent);
        assert_eq!(inits[1]["options"]["initialCheckpoint"], sent);
    }
}

#[test]
fn a_source_that_sends_no_checkpoints_is_not_asked_again_before_everything_is_durable() {
    let lab = Lab::new();
    let config = json!({"log": lab.text("commands"), "answers": {"read": [
        [message(1), done()], [message(2), done()], [message(3), done()], [done()]]}});
    let sink = json!({"log": lab.text("commands")});
    let file = lab.pipeline((&scripted(), config), (&scripted(), sink), once());
    lab.good(&["run", file.to_str().unwrap()]);
    let order: Vec<String> = commands(&lab)
        .iter()
        .map(|command| command["cmd"].as_str().unwrap().to_owned())
        .filter(|name| ["read", "write"].contains(&name.as_str()))
        .collect();
    let expected = ["read", "write", "read", "write", "read", "write", "read"];
    assert_eq!(order, expected);
}

#[test]
fn a_source_that_wants_to_know_is_told_what_is_durable() {
    let checkpoint = |n: u64| json!({"type": "checkpoint", "data": n.to_string()});
    let answers = json!({
        "init": [[{"type": "ready", "features": ["ack"]}]],
        "read": [
            [message(1), message(2), checkpoint(2), done()],
            // The pause is longer than the commit needs.
            [["wait", 600], message(3), checkpoint(3), done()],
            [["wait", 600], message(4), checkpoint(4), done()],
            [done()]]});
    let (envelope, _, lab) = read(answers, json!({"settings": {"commit_interval": "0s"}}));
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    let acks: u64 = commands(&lab)
        .iter()
        .filter(|command| command["cmd"] == "ack")
        .map(|command| command["count"].as_u64().unwrap())
        .sum();
    assert!((2..=4).contains(&acks), "{:?}", commands(&lab));
    // One that did not announce it is never sent it: no other test here may see `ack`.
    let (_, _, lab) = read(reads(json!([message(1), checkpoint(1), done()])), nothing());
    assert!(commands(&lab).iter().all(|command| command["cmd"] != "ack"));
}

#[test]
fn what_breaks_the_rules_ends_the_run_with_the_connectors_own_words() {
    let check = |answers: Value, more: Value, code: &str, words: &[&str]| {
        let (envelope, ..) = read(answers.clone(), more);
        assert_eq!(envelope["ok"], false, "{answers}: {envelope:#}");
        let said = envelope.to_string();
        assert!(said.contains(code), "{answers}: {code} in {envelope:#}");
        for word in words {
            assert!(said.contains(word), "{answers}: {word} in {envelope:#}");
        }
    };
    let error = |code: &str| json!([{"type": "error", "message": "no such host", "code": code}]);
    for command in ["init", "connect", "read"] {
        let answers = json!({command: [error("connection_error")]});
        check(
            answers,
            nothing(),
            "connector.failed",
            &["no such host", "connection_error", command],
        );
    }
    check(
        json!({"init": [[{"type": "error", "message": "x", "code": 42}]]}),
        nothing(),
        "connector.failed",
        &["42"],
    );
    check(
        json!({"init": [["{\"type\":\n"]]}),
        nothing(),
        "protocol.record_unreadable",
        &["{\\\"type\\\":"],
    );
    check(
        json!({"init": [[done()]]}),
        nothing(),
        "connector.no_answer",
        &["init"],
    );
    check(
        json!({"connect": [[["stderr", "out of disk"], ["exit", 3]]]}),
        nothing(),
        "connector.exit",
        &["out of disk", "connect"],
    );
    check(
        reads(json!([message(1), ["exit", 0]])),
        nothing(),
        "connector.exit",
        &["read"],
    );
    check(
        reads(json!([message(1), {"type": "ready"}])),
        nothing(),
        "connector.no_answer",
        &["ready"],
    );
    check(
        reads(json!([{"type": "message"}, done()])),
        nothing(),
        "protocol.record_unreadable",
        &["no `data`"],
    );
    check(
        reads(json!([{"type": "message", "data": "x", "metadata": 3}, done()])),
        nothing(),
        "protocol.record_unreadable",
        &["metadata"],
    );
    let short = |answer: &str| json!({"settings": {"answers": {answer: "300ms"}, "grace": "2s"}});
    for command in ["init", "connect"] {
        check(
            json!({command: [[["wait", 5000]]]}),
            short(command),
            "connector.timeout",
            &[command, "settings.answers"],
        );
    }
    check(
        reads(json!([message(1), ["wait", 5000]])),
        short("read"),
        "connector.timeout",
        &["read"],
    );
    let long = json!({"settings": {"max_line_bytes": 1000}});
    let line = json!([{"type": "message", "data": "x".repeat(2000)}, done()]);
    check(
        reads(line),
        long,
        "protocol.line_too_long",
        &["max_line_bytes"],
    );
}

#[test]
fn what_came_before_an_error_counts() {
    let checkpoint = json!({"type": "checkpoint", "data": "1"});
    // The error comes after the first leg has begun.
    let wait = json!(["wait", 1500]);
    let steps =
        json!([message(1), checkpoint, wait, message(2), {"type": "error", "message": "gone"}]);
    let (envelope, written, lab) = read(reads(steps), nothing());
    assert_eq!(envelope["ok"], false);
    assert_eq!(payloads(&written)[0], json!({"id": 1}), "{envelope:#}");
    let state = lab.good(&["state", "show", "p"]);
    assert!(
        state.to_string().contains("\\\"1\\\"") || state.to_string().contains("\"1\""),
        "{state:#}"
    );
}

#[test]
fn messages_that_cannot_be_read_are_left_out_and_counted_if_the_user_says_so() {
    let steps = json!([message(1), {"type": "message"}, message(3), done()]);
    let drop = json!({"settings": {"unreadable_records": "drop"}});
    let (envelope, written, _) = read(reads(steps), drop);
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    assert_eq!(payloads(&written), [json!({"id": 1}), json!({"id": 3})]);
    assert!(
        envelope.to_string().contains("\"records\":1"),
        "{envelope:#}"
    );
}

#[test]
fn a_lot_of_stderr_and_of_noise_blocks_nobody() {
    let noise = "x".repeat(200_000);
    let steps = json!([["stderr", noise], message(1), format!("{noise}\n"), done()]);
    let (envelope, written, _) = read(reads(steps), nothing());
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    assert_eq!(written.len(), 1);
}

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
    let names: Vec<&str> = commands
        .iter()
        .map(|c| c["cmd"].as_str().unwrap())
        .collect();
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
    let failed =
        json!([{"type": "error", "message": "too odd", "code": "invalid_data", "failed": [1, 3]}]);
    let (envelope, commands, _) = write(5, json!({"write": [failed]}), &more);
    assert_eq!(envelope["ok"], true, "{envelope:#}");
    assert_eq!(commands.iter().filter(|c| c["cmd"] == "write").count(), 1);
    let letters = std::fs::read_to_string(lab.path("letters.jsonl")).unwrap();
    assert_eq!(letters.lines().count(), 2);
    assert!(
        letters.contains("too odd")
            && letters.contains("\"id\":2,")
            && letters.contains("\"id\":4,"),
        "{letters}"
    );
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
    assert_eq!(
        (envelope["ok"].as_bool(), writes(&commands)),
        (Some(true), 2)
    );
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
