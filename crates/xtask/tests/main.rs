//! The peers as a host meets them: started as programs, judged by what they print and how they end.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says so by ending"
)]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SOURCE: &str = env!("CARGO_BIN_EXE_peer-source");
const SINK: &str = env!("CARGO_BIN_EXE_peer-sink");

fn run(program: &str, line: &str) -> Output {
    Command::new(program)
        .args(line.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn messages(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn short_commands_answer_with_one_message() {
    for (program, command, kind) in [
        (SOURCE, "spec", "SPEC"),
        (SOURCE, "check", "CONNECTION_STATUS"),
        (SOURCE, "discover", "CATALOG"),
        (SINK, "spec", "SPEC"),
        (SINK, "check", "CONNECTION_STATUS"),
    ] {
        let output = run(program, command);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let messages = messages(&output);
        assert_eq!(messages.len(), 1, "{command}");
        assert_eq!(messages[0]["type"], kind, "{command}");
    }
}

#[test]
fn mistakes_end_as_the_protocol_says() {
    for (program, line, code, kind) in [
        (SOURCE, "", 2, None),
        (SOURCE, "write", 2, None),
        (SINK, "read", 2, None),
        (SOURCE, "read --config /nonexistent.json", 1, Some("TRACE")),
        (SOURCE, "--line-bytes 10 read", 1, Some("TRACE")),
    ] {
        let output = run(program, line);
        assert_eq!(output.status.code(), Some(code), "{line}");
        let messages = messages(&output);
        assert_eq!(
            messages.first().and_then(|first| first["type"].as_str()),
            kind,
            "{line}"
        );
        assert_eq!(output.stderr.is_empty(), kind.is_some(), "{line}");
    }
}

#[test]
fn records_flow_from_the_source_to_the_sink_and_states_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    for shape in ["flat", "nested", "columns"] {
        let mut source = Command::new(SOURCE)
            .args(["--records", "25000", "--shape", shape, "read"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let sink = Command::new(SINK)
            .args(["write", "--report", &report.display().to_string()])
            .stdin(source.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(source.wait().unwrap().success() && sink.status.success());
        let count = read(&report);
        assert_eq!(count["records"], 25_000, "{shape}");
        assert_eq!(count["states"], 3, "{shape}");
        let states = messages(&sink);
        let totals: Vec<_> = states
            .iter()
            .map(|state| state["state"]["stream"]["stream_state"]["records"].as_u64())
            .collect();
        assert_eq!(
            totals,
            [Some(10_000), Some(20_000), Some(25_000)],
            "{shape}"
        );
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
