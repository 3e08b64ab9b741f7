//! `kill -9` of the engine, of the source and of the sink at random moments. Nothing is lost (P4), and into a
//! destination that stages nothing comes twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ids, payloads, python, written};
use crate::kill::{children, kill};
use crate::lab::Lab;

fn settings() -> Value {
    json!({"settings": {"grace": "1s", "commit_interval": "10ms",
        "retries": {"backoff": "0s", "complete_failures": 50, "complete_failures_total": 1000,
            "partial_failures": 50, "partial_failures_total": 1000}}})
}

/// Bytes below a path, of a file or a folder.
fn size(path: &Path) -> u64 {
    let Ok(meta) = std::fs::metadata(path) else {
        return 0;
    };
    if !meta.is_dir() {
        return meta.len();
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}

/// Waits until there is more below the path than `before`. `false`: the engine ended first.
fn grows(path: &Path, before: u64, engine: &mut Child) -> bool {
    let began = Instant::now();
    while size(path) <= before {
        if engine.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "nothing comes");
        std::thread::sleep(Duration::from_millis(3));
    }
    true
}

/// Starts pipelines again and again, and kills somebody each time: who has this word in its command line, or the
/// engine. Returns how many were hit.
fn strike(
    lab: &Lab,
    rounds: usize,
    out: &Path,
    victims: &[&str],
    pipeline: impl Fn(usize) -> PathBuf,
) -> usize {
    let mut seed = 23_u64;
    let mut random = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..rounds {
        let mut engine = lab.spawn(&["run", pipeline(round).to_str().unwrap()]);
        let victim = victims[round % victims.len()];
        let is_alive = grows(out, size(out), &mut engine);
        // The moment is random on purpose: this is a place where time itself is the fault.
        std::thread::sleep(Duration::from_millis(random(60)));
        if is_alive && victim != "engine" {
            let all = children(engine.id());
            if let Some((pid, _)) = all.into_iter().find(|(_, line)| line.contains(victim)) {
                kill(pid);
                *kills.entry(victim).or_default() += 1;
                // The engine begins again by itself.
                grows(out, size(out), &mut engine);
            }
        } else if is_alive {
            *kills.entry(victim).or_default() += 1;
        }
        let orphans = children(engine.id());
        engine.kill().unwrap();
        engine.wait().unwrap();
        orphans.iter().for_each(|(pid, _)| kill(*pid));
    }
    eprintln!("killed {kills:?}");
    kills.values().sum()
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
