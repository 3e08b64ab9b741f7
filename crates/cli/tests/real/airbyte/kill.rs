//! `kill -9` of the engine, of a served source and of a served destination at random moments: nothing is lost
//! (P4), and with a key nothing comes twice.

use std::fs::{self, File};
use std::process::Stdio;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::sockets::{FORMS, WRITE, ended, start};
use super::through::committed;
use super::{READ, configure, connector, over, served, write};
use crate::kill::{children, kill};
use crate::lab::{Lab, WORK};
use crate::rounds::{grows, size, strike};

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
        let file = lab.pipeline(
            (&served("native:sample"), source()),
            (
                &served("native:jsonl"),
                json!({"path": lab.text("out"), "metadata_columns": false}),
            ),
            more("append"),
        );
        // Ours announce sockets.
        over(file, "stdio")
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

/// It writes into a folder of the run's, which goes with the run, and nobody keeps what is in it when the engine is
/// killed: the next start does.
#[test]
fn nothing_is_lost_that_a_destination_wrote_where_it_stood() {
    let lab = Lab::new();
    let work = lab.path(WORK);
    fs::create_dir_all(&work).unwrap();
    let file = lab.pipeline(
        (&served("native:sample"), source()),
        (
            &served("native:jsonl"),
            json!({"path": "lake", "metadata_columns": false, "max_checkpoint_age_ms": 50}),
        ),
        more("append"),
    );
    let run = || lab.command(&["run", file.to_str().unwrap()]);
    for _ in 0..3 {
        let before = size(&work);
        let mut engine = run()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        assert!(grows(&work, before + 1_500_000, &mut engine));
        let orphans = children(engine.id());
        engine.kill().unwrap();
        engine.wait().unwrap();
        orphans.iter().for_each(|(pid, _)| kill(*pid));
        // What is young is left to its owner, who might only begin.
        for entry in fs::read_dir(&work).unwrap() {
            let folder = File::open(entry.unwrap().path()).unwrap();
            folder.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
    }
    let last = run().output().unwrap();
    let said = String::from_utf8_lossy(&last.stderr);
    assert!(last.status.success(), "{said}");
    assert!(said.contains("interrupted"), "{said}");
    let envelope: Value = serde_json::from_slice(&last.stdout).unwrap();
    let committed = committed(&envelope["data"]);
    assert!(committed < ROWS, "no run was killed after a commit");
    let mut ids = Vec::new();
    for entry in fs::read_dir(&work).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.contains("-kept-"), "{name}");
        for rows in lab.folders(&format!("{WORK}/{name}/lake")).into_values() {
            ids.extend(rows.iter().map(|row| row["id"].as_u64().unwrap()));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids, (0..ROWS).collect::<Vec<_>>());
}

/// The last state that was echoed, whole lines only: half of one was not said.
fn last_state(stdout: &[u8]) -> Option<Value> {
    let lines = stdout.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.filter(|line| line.ends_with(b"\n"));
    let messages = whole.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    messages
        .filter(|message| message["type"] == "STATE")
        .map(|message| message["state"].clone())
        .next_back()
}

/// A bookkeeper that keeps what the destination echoes, and starts both again. One of them is killed each time
/// while records pass; the other must end by itself.
#[test]
fn nothing_is_lost_over_sockets() {
    const ROUNDS: usize = 24;
    let lab = Lab::new();
    write(&lab, "config.json", &source());
    configure(&lab, "native:sample", "incremental", "append");
    write(
        &lab,
        "to.json",
        &json!({"path": "out", "metadata_columns": false, "max_checkpoint_age_ms": 100}),
    );
    let mut state: Option<Value> = None;
    let mut kills = 0;
    let mut told = Vec::new();
    let mut seed = 41_u64;
    for round in 0..=ROUNDS {
        let mut words = READ.to_vec();
        if let Some(state) = &state {
            write(&lab, "state.json", &json!([state]));
            words.extend(["--state", "state.json"]);
        }
        let form = FORMS[round % FORMS.len()];
        let mut source = start(connector(&lab, "native:sample", &words), &lab, form);
        let mut destination = start(connector(&lab, "native:jsonl", &WRITE), &lab, form);
        let out = lab.path("out");
        let before = size(&out);
        while round < ROUNDS && size(&out) <= before + 50_000 {
            assert!(
                destination.try_wait().unwrap().is_none(),
                "it ended too early"
            );
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        if round < ROUNDS && destination.try_wait().unwrap().is_none() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // The moment is random on purpose: this is a place where time itself is the fault.
            std::thread::sleep(std::time::Duration::from_millis((seed >> 33) % 150));
            let victim = if round % 2 == 0 {
                &mut source
            } else {
                &mut destination
            };
            victim.kill().unwrap();
            kills += 1;
        }
        let (source, destination) = (ended(source), ended(destination));
        state = last_state(&destination.stdout).or(state);
        told.push(
            state
                .as_ref()
                .map(|state| state["stream"]["stream_state"].to_string()),
        );
        if round == ROUNDS {
            assert!(source.status.success() && destination.status.success());
        }
    }
    assert!(kills >= ROUNDS - 4, "{kills}");
    let rows = &lab.folders("out")["sample"];
    let mut ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    let all = ids.len() as u64;
    ids.sort_unstable();
    ids.dedup();
    let missing: Vec<u64> = (0..ROWS)
        .filter(|id| ids.binary_search(id).is_err())
        .collect();
    assert!(
        missing.is_empty(),
        "{} are missing, from {:?} to {:?}; states: {told:?}",
        missing.len(),
        missing.first(),
        missing.last()
    );
    eprintln!("{} rows came twice", all - ROWS);
}
