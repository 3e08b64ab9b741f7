//! Ctrl-C once and twice, and a pipeline that is in use.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::{Bench, same};

/// Sends 100 records, with a checkpoint after each 10, and then nothing more.
const HANGING: [&str; 9] = [
    "sync",
    "--name",
    "hanging",
    "--source",
    "native:sample",
    "--source-config",
    r#"{"count": 1000, "columns": 1, "batch_records": 10, "checkpoint_every": 10, "fail_after": {"records": 100, "how": "hang"}}"#,
    "--destination",
    "native:stdout",
];

/// A run that has written all that it will.
fn hanging(bench: &Bench) -> Kept {
    let child = bench
        .command(&HANGING)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Kept(child);
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    assert_eq!(lines.take(100).filter(Result::is_ok).count(), 100);
    child
}

/// A child that does not outlive a test that fails.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        // Crossdock ends what it started at SIGTERM; what is left after that is killed.
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_child(child);
    kill_process(pid, signal).unwrap();
}

/// Waits for the end; the exit code and what was said after the signals.
fn end(mut child: Kept) -> String {
    let mut said = String::new();
    child
        .0
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let code = child.0.wait().unwrap().code();
    format!("--- stderr\n{said}--- exit {code:?}\n")
}

#[test]
fn once_finishes_what_was_read() {
    let bench = Bench::new();
    for signal in [Signal::INT, Signal::TERM] {
        let child = hanging(&bench);
        send(&child.0, signal);
        let text = end(child) + &bench.shot(&["state", "export", "hanging"]);
        same("signal_once", &text);
        bench.run(&["state", "reset", "hanging"]);
        fs::remove_dir_all(bench.path("state")).unwrap();
    }
}

#[test]
fn a_pipeline_in_use_is_busy() {
    let bench = Bench::new();
    let child = hanging(&bench);
    let busy = bench.shot(&[&HANGING[..], &["--no-retry"]].concat());
    let reset = bench.shot(&["state", "reset", "hanging", "--json"]);
    send(&child.0, Signal::KILL);
    let _ = end(child);
    same("busy", &[busy, reset].join("\n"));
}

/// Says what it must, then only waits, and does not listen.
const STUBBORN: &str = r#"#!/bin/sh
trap '' TERM INT
case "$1" in
spec) echo '{"type":"SPEC","spec":{"connectionSpecification":{}}}' ;;
check) echo '{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED"}}' ;;
discover) echo '{"type":"CATALOG","catalog":{"streams":[{"name":"users","json_schema":{}}]}}' ;;
read)
    printf '{"type":"RECORD","record":{"stream":"users","data":{"pid":"%010d"},"emitted_at":1}}\n' $$
    while :; do sleep 1; done
    ;;
esac
"#;

#[test]
fn twice_ends_a_source_that_does_not_listen() {
    let bench = Bench::new();
    bench.file("source.sh", STUBBORN);
    bench.file(
        "pipeline.yaml",
        "version: 1
settings: {store: ./state.db, grace: 2s}
pipelines:
  - id: stubborn
    source: {connector: 'airbyte:exec:sh ./source.sh'}
    destination: {connector: 'native:stdout'}
",
    );
    let child = bench
        .command(&["run", "pipeline.yaml"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Kept(child);
    let mut records = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let record: serde_json::Value =
        serde_json::from_str(&records.next().unwrap().unwrap()).unwrap();
    let pid: i32 = record["data"]["pid"].as_str().unwrap().parse().unwrap();
    let mut said = BufReader::new(child.0.stderr.take().unwrap()).lines();
    send(&child.0, Signal::INT);
    let first = said.find(|line| line.as_ref().unwrap().starts_with("finishing"));
    assert!(first.is_some());
    send(&child.0, Signal::INT);
    let rest: Vec<String> = said.map(Result::unwrap).collect();
    let code = child.0.wait().unwrap().code();
    // P8: the source is gone, although it does not listen.
    let gone = rustix::process::test_kill_process(Pid::from_raw(pid).unwrap());
    assert!(gone.is_err(), "the source still runs");
    same(
        "signal_twice",
        &format!("{}\n--- exit {code:?}\n", rest.join("\n")),
    );
}
