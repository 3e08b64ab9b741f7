//! `kill -9` of the engine, of the source and of the destination at random moments, in rounds, with
//! real connectors on both ends. The engine tries again when a connector dies and is started again
//! when it dies itself. Afterwards nothing is lost (P4), checked by content.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lab::{Lab, exec, program, sdk_destination};

/// Rounds in which something is killed.
const ROUNDS: u64 = 51;
/// Users that each start of the engine has more than the one before.
const STEP: u64 = 1500;
/// Who is killed between two starts of the engine, in this order.
const VICTIMS: [Victim; 5] = [
    Victim::Source,
    Victim::Destination,
    Victim::Source,
    Victim::Destination,
    Victim::Engine,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Engine,
    Source,
    Destination,
}

/// The processes that `parent` started, with their command lines.
fn children(parent: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else {
            continue;
        };
        let dir = Path::new("/proc").join(pid.to_string());
        let Ok(stat) = std::fs::read_to_string(dir.join("stat")) else {
            continue;
        };
        // The name in brackets may hold anything; what follows it does not.
        let after = stat.rsplit(')').next().unwrap_or_default();
        if after.split_whitespace().nth(1) == Some(&parent.to_string()) {
            let line = std::fs::read(dir.join("cmdline")).unwrap_or_default();
            found.push((pid, String::from_utf8_lossy(&line).replace('\0', " ")));
        }
    }
    found
}

fn kill(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.is_ok(), "kill runs");
}

/// Waits until a victim that was not there before is there, then a little, then kills it. False:
/// the run was over before.
fn strike(engine: &mut Child, victim: Victim, delay: Duration, known: &mut HashSet<u32>) -> bool {
    let began = Instant::now();
    let marker = match victim {
        Victim::Engine => "destination.py write",
        Victim::Source => "source-faker read",
        Victim::Destination => "destination.py write",
    };
    let found = loop {
        if engine.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "nothing to kill appeared"
        );
        let working = children(engine.id())
            .into_iter()
            .find(|(pid, line)| line.contains(marker) && !known.contains(pid));
        match working {
            Some((pid, _)) => break pid,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    // The moment is random on purpose: this is the one place where time itself is the fault.
    std::thread::sleep(delay);
    if engine.try_wait().unwrap().is_some() {
        return false;
    }
    match victim {
        Victim::Engine => engine.kill().unwrap(),
        Victim::Source | Victim::Destination => kill(found),
    }
    // Whatever ran at that moment is not what the next strike waits for.
    known.extend(children(engine.id()).into_iter().map(|(pid, _)| pid));
    known.insert(found);
    true
}

#[test]
fn nothing_is_lost_when_anything_is_killed() {
    let (Some(faker), Some(destination)) = (program("CROSSDOCK_TEST_FAKER"), sdk_destination())
    else {
        return;
    };
    let lab = Lab::new();
    let write = |count: u64| {
        let config = json!({
            "count": count, "seed": 11, "always_updated": false,
            "records_per_slice": 20, "parallelism": 1});
        let more = json!({
            "streams": [{"name": "users"}, {"name": "purchases"}],
            "settings": {
                "retries": {
                    "complete_failures": 50, "complete_failures_total": 50,
                    "partial_failures": 50, "partial_failures_total": 50, "backoff": "10ms"},
                "commit_interval": "10ms"}});
        let out = (destination.as_str(), json!({"path": lab.text("out.jsonl")}));
        lab.pipeline((&exec(&[&faker]), config), out, more)
    };
    let mut seed = 42u64;
    let mut random = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % below
    };
    let mut kills: BTreeMap<&str, u64> = BTreeMap::new();
    let mut rounds = 0;
    let mut count = 200;
    let mut starts = 0;
    while rounds < ROUNDS {
        starts += 1;
        let file = write(count);
        let mut engine = lab.spawn(&["run", file.to_str().unwrap()]);
        let mut known = HashSet::new();
        for victim in VICTIMS {
            // The source needs seconds to start and moments to send: strike at both.
            let delay = match random(2) {
                0 => Duration::from_millis(random(3000)),
                _ => Duration::from_millis(2000 + random(4000)),
            };
            if !strike(&mut engine, victim, delay, &mut known) {
                break;
            }
            rounds += 1;
            let name = match victim {
                Victim::Engine => "engine",
                Victim::Source => "source",
                Victim::Destination => "destination",
            };
            *kills.entry(name).or_default() += 1;
        }
        // A run that was not broken to its end ends by itself.
        engine.wait().unwrap();
        count += STEP;
    }
    let file = write(count);
    lab.good(&["run", file.to_str().unwrap()]);
    let lines = lab.lines("out.jsonl");
    let mut duplicates = 0;
    for name in ["users", "purchases"] {
        let records = &lines[name];
        let mut by_id: BTreeMap<u64, &Value> = BTreeMap::new();
        for record in records {
            let id = record["id"].as_u64().unwrap();
            duplicates += u64::from(by_id.insert(id, record).is_some());
        }
        let ids: Vec<_> = by_id.keys().copied().collect();
        assert_eq!(
            ids,
            (1..=count).collect::<Vec<_>>(),
            "{name} has every record"
        );
        for (id, record) in by_id {
            let whole = match name {
                "users" => record["email"]
                    .as_str()
                    .is_some_and(|e| e.contains(&format!("+{id}@"))),
                _ => record["user_id"].as_u64().is_some(),
            };
            assert!(whole, "{name} {id} is not what the source sent: {record}");
        }
    }
    eprintln!(
        "killed {kills:?} in {rounds} rounds and {starts} starts; {count} users; \
         {duplicates} records came twice"
    );
    assert_eq!(kills.len(), 3, "each of the three was killed: {kills:?}");
}
