//! `kill -9` of the engine, of the source and of the sink at random moments. Nothing is lost (P4), and into a
//! destination that stages nothing comes twice.

use serde_json::{Value, json};

use super::{ids, payloads, python, written};
use crate::lab::Lab;
use crate::rounds::strike;

fn settings() -> Value {
    json!({"settings": {"grace": "1s", "commit_interval": "10ms",
        "retries": {"backoff": "0s", "complete_failures": 50, "complete_failures_total": 1000,
            "partial_failures": 50, "partial_failures_total": 1000}}})
}

/// Each of these ids is there; how many are there twice.
fn complete(mut seen: Vec<u64>, expected: std::ops::Range<u64>) -> usize {
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    let is_missing = |id: &u64| seen.binary_search(id).is_err();
    let missing: Vec<u64> = expected.clone().filter(is_missing).collect();
    assert!(
        missing.is_empty(),
        "{} rows are missing: {:?}",
        missing.len(),
        &missing[..missing.len().min(5)]
    );
    assert_eq!(seen.len() as u64, expected.end - expected.start);
    all - seen.len()
}

#[test]
fn nothing_is_lost_between_strangers_when_any_side_is_killed() {
    const ROWS: u64 = 150_000;
    let lab = Lab::new();
    let pipeline = |round: usize| {
        let checkpoint = ["before", "after", "each"][round / 3 % 3];
        lab.pipeline(
            (
                &python("source"),
                json!({"count": ROWS, "checkpoint": checkpoint}),
            ),
            (&python("sink"), json!({"path": lab.text("out")})),
            settings(),
        )
    };
    let victims = ["source.py", "sink.py", "engine"];
    let kills = strike(&lab, 54, &lab.path("out"), &victims, pipeline);
    assert!(kills >= 50, "{kills}");
    lab.good(&["run", pipeline(0).to_str().unwrap()]);
    let twice = complete(ids(&payloads(&written(&lab, "out"))), 1..ROWS + 1);
    eprintln!("{twice} rows came twice");
}

#[test]
fn a_destination_that_stages_has_each_row_once_when_source_and_engine_are_killed() {
    const ROWS: u64 = 400_000;
    let lab = Lab::new();
    let pipeline = |round: usize| {
        let checkpoint = ["before", "after", "each"][round / 2 % 3];
        lab.pipeline(
            (
                &python("source"),
                json!({"count": ROWS, "checkpoint": checkpoint}),
            ),
            ("native:sqlite", json!({"path": lab.text("out.db")})),
            settings(),
        )
    };
    let kills = strike(
        &lab,
        12,
        &lab.path("out.db"),
        &["source.py", "engine"],
        pipeline,
    );
    assert!(kills >= 10, "{kills}");
    lab.good(&["run", pipeline(0).to_str().unwrap()]);
    let connection = rusqlite::Connection::open(lab.path("out.db")).unwrap();
    let mut select = connection.prepare("SELECT id FROM rows").unwrap();
    let rows = select.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    let seen = rows.map(|id| id.unwrap().unsigned_abs()).collect();
    assert_eq!(complete(seen, 1..ROWS + 1), 0);
}

#[test]
fn nothing_is_lost_between_served_connectors_of_ours() {
    const ROWS: u64 = 200_000;
    let lab = Lab::new();
    let served = |reference: &str| {
        let program = env!("CARGO_BIN_EXE_crossdock");
        format!("dataflow:exec:{program} connector serve --protocol dataflow {reference}")
    };
    let pipeline = |_: usize| {
        lab.pipeline(
            (
                &served("native:sample"),
                json!({"count": ROWS, "checkpoint_every": 1000, "columns": 3}),
            ),
            (
                &served("native:jsonl"),
                json!({"path": lab.text("out"), "metadata_columns": false}),
            ),
            settings(),
        )
    };
    let victims = ["native:sample", "native:jsonl", "engine"];
    let kills = strike(&lab, 18, &lab.path("out"), &victims, pipeline);
    assert!(kills >= 15, "{kills}");
    lab.good(&["run", pipeline(0).to_str().unwrap()]);
    let twice = complete(ids(&lab.folders("out")["sample"]), 0..ROWS);
    eprintln!("{twice} rows came twice");
}
