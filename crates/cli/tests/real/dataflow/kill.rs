//! `kill -9` of the engine, of the source and of the sink at random moments, with strangers on both ends. Nothing
//! is lost (P4).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{ids, payloads, python, written};
use crate::kill::{children, kill};
use crate::lab::Lab;

const ROUNDS: usize = 54;
const ROWS: u64 = 150_000;

/// Waits until the file is longer than `size`. `false`: the engine ended before.
fn grows(path: &Path, size: u64, engine: &mut Child) -> bool {
    let began = Instant::now();
    while std::fs::metadata(path).map_or(0, |meta| meta.len()) <= size {
        if engine.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "nothing comes");
        std::thread::sleep(Duration::from_millis(3));
    }
    true
}

#[test]
fn nothing_is_lost_when_any_side_is_killed() {
    let lab = Lab::new();
    let settings = json!({"grace": "1s", "commit_interval": "10ms",
        "retries": {"backoff": "0s", "complete_failures": 50, "complete_failures_total": 1000,
            "partial_failures": 50, "partial_failures_total": 1000}});
    let out = lab.path("out");
    let length = || std::fs::metadata(&out).map_or(0, |meta| meta.len());
    let mut seed = 23_u64;
    let mut random = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let pipeline = |checkpoint: &str| {
        lab.pipeline(
            (
                &python("source"),
                json!({"count": ROWS, "checkpoint": checkpoint}),
            ),
            (&python("sink"), json!({"path": lab.text("out")})),
            json!({"settings": settings}),
        )
    };
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        let file = pipeline(["before", "after", "each"][round / 3 % 3]);
        let mut engine = lab.spawn(&["run", file.to_str().unwrap()]);
        let victim = ["source.py", "sink.py", "engine"][round % 3];
        let is_alive = grows(&out, length(), &mut engine);
        // The moment is random on purpose: this is a place where time itself is the fault.
        std::thread::sleep(Duration::from_millis(random(60)));
        if is_alive && victim != "engine" {
            let all = children(engine.id());
            if let Some((pid, _)) = all.into_iter().find(|(_, line)| line.contains(victim)) {
                kill(pid);
                *kills.entry(victim).or_default() += 1;
                // The engine begins again by itself.
                grows(&out, length(), &mut engine);
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
    assert!(kills.values().sum::<usize>() >= 50, "{kills:?}");
    lab.good(&["run", pipeline("after").to_str().unwrap()]);
    let mut seen = ids(&payloads(&written(&lab, "out")));
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    eprintln!("{} rows came twice", all - seen.len());
    let missing: Vec<u64> = (1..=ROWS)
        .filter(|id| seen.binary_search(id).is_err())
        .collect();
    assert!(
        missing.is_empty(),
        "{} rows are missing: {:?}",
        missing.len(),
        &missing[..missing.len().min(5)]
    );
    assert_eq!(seen.len() as u64, ROWS);
}
