//! What the page leaves open of a source and what breaks it, one rule after the other (§1.1–§1.3, §1.6).

use serde_json::{Value, json};

use super::{commands, done, message, once, payloads, python, scripted, written};
use crate::lab::Lab;

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
fn a_checkpoint_is_not_kept_before_its_messages_are_written() {
    let lab = Lab::new();
    for (write, expected) in [
        (
            json!({"type": "error", "message": "no", "code": "auth_error"}),
            false,
        ),
        (done(), true),
    ] {
        let checkpoint = json!({"type": "checkpoint", "data": "right here"});
        let reads = json!([[message(1), checkpoint, message(2), done()], [done()]]);
        let source = json!({"answers": {"read": reads}});
        let sink = json!({"answers": {"write": [[write]]}});
        let file = lab.pipeline((&scripted(), source), (&scripted(), sink), once());
        lab.run(&["run", file.to_str().unwrap()]);
        let state = lab.run(&["state", "show", "p"]).to_string();
        assert_eq!(state.contains("right here"), expected, "{state}");
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
fn a_source_that_sends_checkpoints_is_read_ahead_while_writes_are_under_way() {
    let lab = Lab::new();
    // They take so long that most of them come while the first write is under way.
    let read = |n: u64| json!([["wait", 100], message(n), {"type": "checkpoint", "data": n.to_string()}, done()]);
    let mut reads: Vec<Value> = (1..=12).map(read).collect();
    reads.push(json!([done()]));
    let config = json!({"log": lab.text("commands"), "answers": {"read": reads}});
    let sink = json!({"log": lab.text("commands"),
        "answers": {"write": [[["wait", 700], done()], [done()]]}});
    let file = lab.pipeline((&scripted(), config), (&scripted(), sink), once());
    lab.good(&["run", file.to_str().unwrap()]);
    let order: Vec<String> = commands(&lab)
        .iter()
        .map(|command| command["cmd"].as_str().unwrap().to_owned())
        .collect();
    let second = order
        .iter()
        .enumerate()
        .filter(|(_, name)| *name == "write")
        .nth(1);
    let before = &order[..second.unwrap().0];
    let ahead = before.iter().filter(|name| *name == "read").count();
    // Without reading ahead there would be one.
    assert!(ahead > 2, "{order:?}");
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
