//! How each command ends: the rows of §2.2 of the protocol's reference, which real connectors were measured for.

use std::process::Output;

use serde_json::{Value, json};

use super::{READ, bodies, configure, connector, messages, output, write};
use crate::lab::Lab;

const SAMPLE: &str = "native:sample";

/// Exit code, the types of the messages, and whether something stands on stderr.
fn seen(output: &Output) -> (i32, Vec<String>, bool) {
    let messages = messages(output);
    let kinds = messages.iter().map(|m| match m["type"].as_str().unwrap() {
        "TRACE" => m["trace"]["type"].as_str().unwrap().to_owned(),
        kind => kind.to_owned(),
    });
    (
        output.status.code().unwrap(),
        kinds.collect(),
        !output.stderr.is_empty(),
    )
}

fn check(lab: &Lab, words: &[&str], code: i32, kinds: &[&str], on_stderr: bool) -> Vec<Value> {
    let output = output(lab, SAMPLE, words);
    let kinds: Vec<String> = kinds.iter().map(|k| (*k).to_owned()).collect();
    assert_eq!(seen(&output), (code, kinds, on_stderr), "{words:?}");
    messages(&output)
}

#[test]
fn every_command_ends_as_it_should() {
    let lab = Lab::new();
    write(&lab, "config.json", &json!({"count": 3}));
    write(&lab, "bad.json", &json!({"count": "three"}));
    std::fs::write(lab.path("broken.json"), "{\"secret\": hunter22").unwrap();
    configure(&lab, SAMPLE, "full_refresh", "append");

    check(&lab, &["spec"], 0, &["SPEC"], false);
    check(&lab, &["--spec"], 0, &["SPEC"], false);
    let status = "CONNECTION_STATUS";
    check(
        &lab,
        &["check", "--config", "config.json"],
        0,
        &[status],
        false,
    );
    check(
        &lab,
        &["--check", "--config=config.json"],
        0,
        &[status],
        false,
    );
    let refused = check(
        &lab,
        &["check", "--config", "bad.json"],
        0,
        &[status],
        false,
    );
    let why = &refused[0]["connectionStatus"];
    assert_eq!(why["status"], "FAILED");
    let text = why["message"].as_str().unwrap();
    assert!(text.starts_with("Config validation error: "), "{text}");
    check(
        &lab,
        &["discover", "--config", "config.json"],
        0,
        &["CATALOG"],
        false,
    );
    for words in [
        &["discover", "--config", "bad.json"][..],
        &["discover", "--config", "missing.json"],
        &["check", "--config", "missing.json"],
        &["read", "--config", "bad.json", "--catalog", "catalog.json"],
        &[
            "read",
            "--config",
            "config.json",
            "--catalog",
            "missing.json",
        ],
    ] {
        check(&lab, words, 1, &["ERROR"], false);
    }
    let broken = output(&lab, SAMPLE, &["check", "--config", "broken.json"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(!String::from_utf8_lossy(&broken.stdout).contains("hunter22"));
    for words in [
        &["check"][..],
        &["sync"],
        &["read", "--config", "config.json"],
    ] {
        check(&lab, words, 2, &[], true);
    }
    check(&lab, &[], 1, &["LOG", "ERROR"], false);
    let help = output(&lab, SAMPLE, &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(help.stdout.starts_with(b"usage: sample"));
    let wrong_half = [
        "write",
        "--config",
        "config.json",
        "--catalog",
        "catalog.json",
    ];
    let trace = check(&lab, &wrong_half, 1, &["ERROR"], false);
    let message = trace[0]["trace"]["error"]["message"].as_str().unwrap();
    assert!(message.contains("no destination"), "{message}");
    let read = check(
        &lab,
        &READ,
        0,
        &[
            "STREAM_STATUS",
            "ESTIMATE",
            "STREAM_STATUS",
            "RECORD",
            "RECORD",
            "RECORD",
            "STATE",
            "STREAM_STATUS",
        ],
        false,
    );
    assert_eq!(read[6]["state"]["sourceStats"]["recordCount"], 3);
}

#[test]
fn a_stream_that_fails_is_told_and_the_exit_says_so() {
    let lab = Lab::new();
    write(
        &lab,
        "config.json",
        &json!({"count": 50, "batch_records": 10, "checkpoint_every": 10, "fail_after": {"records": 20}}),
    );
    configure(&lab, SAMPLE, "full_refresh", "append");
    let failed = output(&lab, SAMPLE, &READ);
    assert_eq!(failed.status.code(), Some(1));
    let messages = messages(&failed);
    let traces = bodies(&messages, "TRACE", "trace");
    let statuses: Vec<_> = traces
        .iter()
        .filter(|t| t["type"] == "STREAM_STATUS")
        .map(|t| t["stream_status"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["STARTED", "RUNNING", "INCOMPLETE"]);
    assert!(traces.iter().any(|t| t["type"] == "ERROR"), "{traces:?}");
    assert_eq!(bodies(&messages, "RECORD", "record").len(), 20);
}

#[test]
fn states_in_any_form_go_on_where_they_stand() {
    let lab = Lab::new();
    write(
        &lab,
        "config.json",
        &json!({"count": 30, "checkpoint_every": 10}),
    );
    configure(&lab, SAMPLE, "incremental", "append");
    let first = messages(&output(&lab, SAMPLE, &READ));
    let state = bodies(&first, "STATE", "state").remove(0);
    let records = |file: &str, state: &Value| {
        write(&lab, file, state);
        let words = [&READ[..], &["--state", file]].concat();
        let read = output(&lab, SAMPLE, &words);
        assert_eq!(read.status.code(), Some(0));
        bodies(&messages(&read), "RECORD", "record").len()
    };
    assert_eq!(records("array.json", &json!([state])), 20);
    assert_eq!(records("object.json", &state), 20);
    assert_eq!(
        records("message.json", &json!({"type": "STATE", "state": state})),
        20
    );
    assert_eq!(records("empty.json", &json!([])), 30);
    assert_eq!(records("none.json", &json!({})), 30);
}

#[test]
fn a_source_of_another_protocol_keeps_its_position() {
    let lab = Lab::new();
    let generator = json!({
        "recordCount": 7, "format": {"type": "structured", "options": {"id": "int"}},
    });
    write(&lab, "config.json", &generator);
    let reference = "native:generator";
    configure(&lab, reference, "incremental", "append");
    let first = messages(&output(&lab, reference, &READ));
    assert_eq!(bodies(&first, "RECORD", "record").len(), 7);
    let last = bodies(&first, "STATE", "state").pop().unwrap();
    assert_eq!(last["type"], "GLOBAL");
    write(&lab, "state.json", &json!([last]));
    let words = [&READ[..], &["--state", "state.json"]].concat();
    let second = messages(&output(&lab, reference, &words));
    assert_eq!(bodies(&second, "RECORD", "record").len(), 0, "{second:?}");
}

/// One start after the other, one of them on an input that breaks off: of that what its last state covers is
/// there, and nothing that was echoed goes when the next begins.
#[test]
fn what_was_written_stays_when_the_next_begins() {
    for destination in ["native:jsonl", "native:sqlite"] {
        let lab = Lab::new();
        write(
            &lab,
            "config.json",
            &json!({"count": 30, "checkpoint_every": 10}),
        );
        configure(&lab, SAMPLE, "incremental", "append");
        let said = output(&lab, SAMPLE, &READ).stdout;
        let lines: Vec<&[u8]> = said.split_inclusive(|byte| *byte == b'\n').collect();
        let is_state = |line: &[u8]| String::from_utf8_lossy(line).contains("\"STATE\"");
        let first = lines.iter().position(|line| is_state(line)).unwrap();
        // Some records follow the state.
        let broken_off = lines[..first + 4].concat();
        let path = if destination == "native:sqlite" {
            "out.db"
        } else {
            "out"
        };
        write(&lab, "to.json", &json!({"path": path}));
        for (input, states) in [(&said, 3), (&broken_off, 1), (&said, 3)] {
            std::fs::write(lab.path("input"), input).unwrap();
            let words = ["write", "--config", "to.json", "--catalog", "catalog.json"];
            let written = connector(&lab, destination, &words)
                .stdin(std::fs::File::open(lab.path("input")).unwrap())
                .output()
                .unwrap();
            assert_eq!(bodies(&messages(&written), "STATE", "state").len(), states);
        }
        let mut ids: Vec<i64> = if destination == "native:sqlite" {
            let database = rusqlite::Connection::open(lab.path("out.db")).unwrap();
            let mut select = database.prepare("SELECT id FROM sample").unwrap();
            let rows = select.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        } else {
            let rows = &lab.folders("out")["sample"];
            rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
        };
        ids.sort_unstable();
        let mut expected: Vec<i64> = (0..30).chain(0..10).chain(0..30).collect();
        expected.sort_unstable();
        assert_eq!(ids, expected, "{destination}");
    }
}
