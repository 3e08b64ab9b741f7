//! Every line that we print, read by Airbyte's own SDK without a word of complaint.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{READ, configure, connector, output, write};
use crate::lab::{Lab, program};

/// What the SDK's own reader of a connector's output made of it.
fn judged(lines: &[u8]) -> Option<Value> {
    let python = program("CROSSDOCK_TEST_CDK_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/airbyte/judge.py");
    let mut judge = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(lines).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn it_reads_all_that_our_source_prints() {
    let lab = Lab::new();
    write(
        &lab,
        "config.json",
        &json!({"count": 40, "checkpoint_every": 10}),
    );
    configure(&lab, "native:sample", "incremental", "append_dedup");
    let mut lines = Vec::new();
    for words in [
        &["spec"][..],
        &["check", "--config", "config.json"],
        &["discover", "--config", "config.json"],
        &READ,
        &["check", "--config", "missing.json"],
        &[],
    ] {
        lines.extend(output(&lab, "native:sample", words).stdout);
    }
    let Some(seen) = judged(&lines) else { return };
    assert_eq!(
        seen,
        json!({"kinds": {
            "SPEC": 1, "CONNECTION_STATUS": 1, "CATALOG": 1, "RECORD": 40, "STATE": 4, "LOG": 1,
            "TRACE:STREAM_STATUS": 3, "TRACE:ESTIMATE": 1, "TRACE:ERROR": 2,
        }, "records": 40, "states": 4, "errors": 2})
    );
}

#[test]
fn it_reads_all_that_our_destination_prints() {
    let lab = Lab::new();
    write(
        &lab,
        "config.json",
        &json!({"count": 40, "checkpoint_every": 10}),
    );
    configure(&lab, "native:sample", "incremental", "append");
    let read = output(&lab, "native:sample", &READ);
    write(&lab, "to.json", &json!({"path": "out"}));
    let words = ["write", "--config", "to.json", "--catalog", "catalog.json"];
    let mut child = connector(&lab, "native:jsonl", &words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&read.stdout).unwrap();
    let mut lines = child.wait_with_output().unwrap().stdout;
    lines.extend(output(&lab, "native:jsonl", &["spec"]).stdout);
    let Some(seen) = judged(&lines) else { return };
    let kinds = json!({"STATE": 4, "SPEC": 1});
    assert_eq!(seen["kinds"], kinds);
}
