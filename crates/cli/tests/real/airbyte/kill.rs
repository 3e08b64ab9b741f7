//! `kill -9` of the engine, of a served source and of a served destination at random moments: nothing is lost
//! (P4), and with a key nothing comes twice.

use serde_json::{Value, json};

use crate::lab::{Lab, exec};
use crate::rounds::strike;

fn served(reference: &str) -> String {
    let program = env!("CARGO_BIN_EXE_crossdock");
    exec(&[
        program,
        "connector",
        "serve",
        "--protocol",
        "airbyte",
        reference,
    ])
}

fn more(mode: &str) -> Value {
    json!({
        "streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": mode}],
        "settings": {"grace": "1s", "commit_interval": "10ms",
            "retries": {"backoff": "0s", "complete_failures": 50, "complete_failures_total": 1000,
                "partial_failures": 50, "partial_failures_total": 1000}},
    })
}

const ROWS: u64 = 200_000;

/// Slow enough for every round to meet it at work.
fn source() -> Value {
    json!({"count": ROWS, "checkpoint_every": 1000, "columns": 3, "rate": 50_000})
}

#[test]
fn nothing_is_lost_between_served_connectors() {
    let lab = Lab::new();
    let pipeline = |_: usize| {
        lab.pipeline(
            (&served("native:sample"), source()),
            (
                &served("native:jsonl"),
                json!({"path": lab.text("out"), "metadata_columns": false}),
            ),
            more("append"),
        )
    };
    let victims = ["native:sample", "native:jsonl", "engine"];
    let kills = strike(&lab, 18, &lab.path("out"), &victims, pipeline);
    assert!(kills >= 15, "{kills}");
    lab.good(&["run", pipeline(0).to_str().unwrap()]);
    let rows = &lab.folders("out")["sample"];
    let mut ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    let all = ids.len() as u64;
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, (0..ROWS).collect::<Vec<_>>());
    eprintln!("{} rows came twice", all - ROWS);
}

#[test]
fn with_a_key_each_row_is_there_once() {
    let lab = Lab::new();
    let pipeline = |_: usize| {
        lab.pipeline(
            (&served("native:sample"), source()),
            (
                &served("native:sqlite"),
                json!({"path": lab.text("out/rows.db")}),
            ),
            more("append_dedup"),
        )
    };
    let victims = ["native:sample", "native:sqlite", "engine"];
    let kills = strike(&lab, 18, &lab.path("out"), &victims, pipeline);
    assert!(kills >= 15, "{kills}");
    lab.good(&["run", pipeline(0).to_str().unwrap()]);
    let connection = rusqlite::Connection::open(lab.path("out/rows.db")).unwrap();
    let counted: (i64, i64) = connection
        .query_row(
            "SELECT count(*), count(DISTINCT id) FROM sample",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    let expected = i64::try_from(ROWS).unwrap();
    assert_eq!(counted, (expected, expected));
}
