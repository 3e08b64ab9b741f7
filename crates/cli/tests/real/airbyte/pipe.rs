//! A real source's output through a shell's pipe into our destination, and what it echoes.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{bodies, connector, messages, write};
use crate::lab::{Lab, program};

#[test]
fn faker_feeds_our_destination_through_a_shell() {
    let Some(faker) = program("CROSSDOCK_TEST_FAKER") else {
        return;
    };
    let lab = Lab::new();
    write(
        &lab,
        "faker.json",
        &json!({"count": 500, "seed": 3, "parallelism": 1}),
    );
    write(&lab, "to.json", &json!({"path": "lake"}));
    let discovered = Command::new(&faker)
        .args(["discover", "--config", "faker.json"])
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let lines = String::from_utf8(discovered.stdout).unwrap();
    let messages_of_faker: Vec<Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let catalog = bodies(&messages_of_faker, "CATALOG", "catalog").remove(0);
    let streams: Vec<Value> = catalog["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| {
            json!({"stream": stream, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"})
        })
        .collect();
    write(&lab, "catalog.json", &json!({"streams": streams}));
    let script = format!(
        "'{faker}' read --config faker.json --catalog catalog.json | tee all.jsonl | \
         '{}' connector serve --protocol airbyte native:jsonl write --config to.json --catalog catalog.json",
        env!("CARGO_BIN_EXE_crossdock"),
    );
    let piped = Command::new("sh")
        .args(["-c", &script])
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&piped.stderr).into_owned();
    assert!(piped.status.success(), "{errors}");
    let sent = std::fs::read_to_string(lab.path("all.jsonl")).unwrap();
    let sent: Vec<Value> = sent
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let mut records = bodies(&sent, "RECORD", "record");
    assert!(records.len() > 1000, "{}", records.len());
    for (stream, rows) in lab.folders("lake") {
        let (of_stream, rest) = records
            .into_iter()
            .partition(|r| r["stream"] == stream.as_str());
        records = rest;
        let expected: Vec<Value> = Vec::into_iter(of_stream)
            .map(|r: Value| r["data"].clone())
            .collect();
        let written: Vec<Value> = rows.into_iter().map(own).collect();
        assert_eq!(written, expected, "{stream}");
    }
    assert!(records.is_empty(), "{} are not written", records.len());
    // Every state comes back, with what it was, in order.
    let states = |messages: &[Value]| -> Vec<Value> {
        let states = bodies(messages, "STATE", "state").into_iter();
        states
            .map(|s| json!([s["stream"], s["sourceStats"]]))
            .collect()
    };
    assert_eq!(states(&messages(&piped)), states(&sent));
}

/// A row without what destinations add.
fn own(row: Value) -> Value {
    let Value::Object(mut row) = row else {
        return row;
    };
    row.retain(|name, _| !name.starts_with("_airbyte_"));
    Value::Object(row)
}

#[test]
fn an_input_that_breaks_off_replaces_nothing() {
    let lab = Lab::new();
    write(
        &lab,
        "config.json",
        &json!({"count": 20, "checkpoint_every": 5, "batch_records": 5}),
    );
    super::configure(&lab, "native:sample", "full_refresh", "overwrite");
    write(&lab, "to.json", &json!({"path": "out"}));
    let read = super::output(&lab, "native:sample", &super::READ);
    let put = |lines: &[u8]| {
        use std::io::Write as _;
        let words = ["write", "--config", "to.json", "--catalog", "catalog.json"];
        let mut child = connector(&lab, "native:jsonl", &words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(put(&read.stdout).status.success());
    let before = lab.folders("out");
    assert_eq!(before["sample"].len(), 20);
    let text = String::from_utf8(read.stdout).unwrap();
    let half: String = text.split_inclusive('\n').take(10).collect();
    let broken = put(half.as_bytes());
    assert_eq!(broken.status.code(), Some(1));
    let said = messages(&broken);
    let traces = bodies(&said, "TRACE", "trace");
    assert_eq!(traces.last().unwrap()["type"], "ERROR");
    assert_eq!(lab.folders("out"), before, "the old rows are still there");
    // A line that is no message is a log; one that is half of one ends the write.
    let with_noise = text.replacen('\n', "\nhello, I am a warning\n", 1);
    let noisy = put(with_noise.as_bytes());
    assert_eq!(noisy.status.code(), Some(0));
    assert_eq!(bodies(&messages(&noisy), "LOG", "log").len(), 1);
    let bad = put(b"{\"type\":\"RECORD\",\"record\":{\"stream\":\"sample\"}}\n");
    assert_eq!(bad.status.code(), Some(1));
}
