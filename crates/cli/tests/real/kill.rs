//! `kill -9` of the engine, of the source and of the destination at random moments, in rounds, with
//! real connectors on both ends. The engine tries again when a connector dies and is started again
//! when it dies itself. Afterwards nothing is lost (P4), checked by content.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde_json::{Value, json};

use crate::lab::{Lab, exec, program, sdk_destination, stream};

/// Who is killed in the life of one engine, in this order. The first is hit most surely, so that
/// changes from start to start.
const VICTIMS: [&[Victim]; 3] = [
    &[
        Victim::Source,
        Victim::Destination,
        Victim::Source,
        Victim::Destination,
        Victim::Engine,
    ],
    &[
        Victim::Destination,
        Victim::Source,
        Victim::Destination,
        Victim::Source,
        Victim::Engine,
    ],
    &[Victim::Engine],
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Engine,
    Source,
    Destination,
}

/// The processes that `parent` started, with their command lines.
pub(crate) fn children(parent: u32) -> Vec<(u32, String)> {
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

pub(crate) fn kill(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status();
    assert!(status.is_ok(), "kill runs");
}

/// Waits until a victim that was not there before is there, and until `output` has grown if given,
/// then a little, then kills it. False: the run was over before.
fn strike(
    engine: &mut Child,
    victim: Victim,
    source: &str,
    output: Option<&Path>,
    delay: Duration,
    known: &mut HashSet<u32>,
) -> bool {
    let began = Instant::now();
    let marker = match victim {
        Victim::Engine => "destination.py write",
        Victim::Source => source,
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
    // Most strikes are to hit while records move: those wait until the destination has written more.
    if let Some(output) = output {
        let size = || std::fs::metadata(output).map_or(0, |m| m.len());
        let before = size();
        while size() == before
            && began.elapsed() < Duration::from_secs(30)
            && engine.try_wait().unwrap().is_none()
        {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
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

/// Starts the pipeline again and again until `rounds` strikes have hit. `source` is what the
/// source's command line contains.
fn strikes(lab: &Lab, file: &Path, source: &str, rounds: u64, mut seed: u64) {
    let mut random = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let output = lab.path("out.jsonl");
    let mut kills: BTreeMap<&str, u64> = BTreeMap::new();
    let mut starts = 0;
    while kills.values().sum::<u64>() < rounds || kills.len() < 3 {
        assert!(
            starts < 60,
            "too many runs end before anything is hit: {kills:?}"
        );
        let mut engine = lab.spawn(&["run", file.to_str().unwrap()]);
        let mut known = HashSet::new();
        for &victim in VICTIMS[starts % VICTIMS.len()] {
            // One in four strikes while the connectors still start.
            let (wait_for, delay) = match random(4) {
                0 => (None, Duration::from_millis(random(3000))),
                _ => (Some(output.as_path()), Duration::from_millis(random(600))),
            };
            if !strike(&mut engine, victim, source, wait_for, delay, &mut known) {
                break;
            }
            let name = match victim {
                Victim::Engine => "engine",
                Victim::Source => "source",
                Victim::Destination => "destination",
            };
            *kills.entry(name).or_default() += 1;
        }
        // A run that was not broken to its end ends by itself.
        engine.wait().unwrap();
        starts += 1;
    }
    eprintln!("{source}: killed {kills:?} in {starts} starts");
}

/// Waits until nothing of the lab lives. A destination whose engine was killed writes what it had been
/// sent until it sees the end of its input, and that is no part of the next run.
fn wait_for_orphans(lab: &Lab) {
    let mark = lab.text("");
    let orphans = || -> Vec<i32> {
        let marked = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
                String::from_utf8_lossy(&environment).contains(&mark)
            });
        marked
            .map(|entry| entry.file_name().to_string_lossy().parse().unwrap())
            .collect()
    };
    // Again until there are none, since one may start another before it ends.
    let mut pids = orphans();
    while !pids.is_empty() {
        for pid in pids {
            // One that has ended meanwhile cannot be opened.
            let Ok(process) = pidfd_open(Pid::from_raw(pid).unwrap(), PidfdFlags::empty()) else {
                continue;
            };
            let limit = Timespec {
                tv_sec: 60,
                tv_nsec: 0,
            };
            let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).unwrap();
            assert_eq!(ended, 1, "process {pid} does not end");
        }
        pids = orphans();
    }
}

pub(crate) fn settings() -> Value {
    json!({
        "retries": {
            "complete_failures": 50, "complete_failures_total": 50,
            "partial_failures": 50, "partial_failures_total": 50, "backoff": "10ms"},
        "commit_interval": "10ms"})
}

/// The records by their number, and how many came more than once.
fn by_number<'a>(records: &'a [Value], key: &str) -> (BTreeMap<u64, &'a Value>, usize) {
    let by: BTreeMap<u64, &Value> = records
        .iter()
        .map(|r| (r[key].as_u64().unwrap(), r))
        .collect();
    let duplicates = records.len() - by.len();
    (by, duplicates)
}

/// A source on Airbyte's SDK that can be resumed: what a run reads is what is not committed.
#[test]
fn a_source_that_resumes_loses_nothing() {
    let (Some(python), Some(destination)) =
        (program("CROSSDOCK_TEST_CDK_PYTHON"), sdk_destination())
    else {
        return;
    };
    const COUNT: u64 = 200_000;
    let lab = Lab::new();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/source.py");
    let source = exec(&[&python, script.to_str().unwrap()]);
    let write = |count: u64, pause: f64| {
        let out = (destination.as_str(), json!({"path": lab.text("out.jsonl")}));
        let config = json!({"count": count, "pause": pause});
        lab.pipeline((&source, config), out, json!({"settings": settings()}))
    };
    strikes(&lab, &write(COUNT, 0.02), "source.py read", 20, 7);
    let reached = by_number(&lab.lines("out.jsonl")["numbers"], "n").0.len() as u64;
    let count = reached + 500;
    let data = lab.good(&["run", write(count, 0.0).to_str().unwrap()]);
    let lines = lab.lines("out.jsonl");
    let (numbers, duplicates) = by_number(&lines["numbers"], "n");
    eprintln!("{reached} numbers before the last run; {duplicates} came twice");
    assert!(
        numbers.keys().copied().eq(1..=count),
        "every number is there"
    );
    for (n, record) in numbers {
        assert_eq!(record["text"], format!("number {n}"));
    }
    let last = stream(&data, "numbers")["records"].as_u64().unwrap();
    assert!(
        last < count,
        "the last run went on instead of beginning anew: it read {last}"
    );
}

/// The real source-faker. It reads everything anew in each run, so nothing may be missing.
#[test]
fn a_source_from_pypi_loses_nothing() {
    let (Some(faker), Some(destination)) = (program("CROSSDOCK_TEST_FAKER"), sdk_destination())
    else {
        return;
    };
    const COUNT: u64 = 4000;
    let lab = Lab::new();
    let config = json!({"count": COUNT, "seed": 11, "records_per_slice": 20, "parallelism": 1});
    let more =
        json!({"streams": [{"name": "users"}, {"name": "purchases"}], "settings": settings()});
    let out = (destination.as_str(), json!({"path": lab.text("out.jsonl")}));
    let file = lab.pipeline((&exec(&[&faker]), config), out, more);
    strikes(&lab, &file, "source-faker read", 32, 42);
    lab.good(&["run", file.to_str().unwrap()]);
    let lines = lab.lines("out.jsonl");
    for name in ["users", "purchases"] {
        let (records, duplicates) = by_number(&lines[name], "id");
        eprintln!("{name}: {} records, {duplicates} came twice", records.len());
        assert!(
            records.keys().copied().eq(1..=COUNT),
            "{name} has every record"
        );
        for (id, record) in records {
            let whole = match name {
                "users" => record["email"]
                    .as_str()
                    .is_some_and(|e| e.contains(&format!("+{id}@"))),
                _ => record["user_id"].as_u64().is_some(),
            };
            assert!(whole, "{name} {id} is not what the source sent: {record}");
        }
    }
}

/// The real source-hardcoded-records, which knows full refreshes only: the run that goes well brings
/// every record, whatever was killed before.
#[test]
fn a_full_refresh_from_pypi_loses_nothing() {
    let (Some(source), Some(destination)) =
        (program("CROSSDOCK_TEST_HARDCODED"), sdk_destination())
    else {
        return;
    };
    const COUNT: u64 = 20_000;
    let lab = Lab::new();
    let streams = json!([
        {"name": "products", "sync_mode": "full_refresh", "destination_sync_mode": "append"}]);
    let more = json!({"streams": streams, "settings": settings()});
    let out = (destination.as_str(), json!({"path": lab.text("out.jsonl")}));
    let file = lab.pipeline((&exec(&[&source]), json!({"count": COUNT})), out, more);
    strikes(&lab, &file, "source-hardcoded-records read", 10, 3);
    wait_for_orphans(&lab);
    let before = lab.lines("out.jsonl")["products"].len();
    let data = lab.good(&["run", file.to_str().unwrap()]);
    assert_eq!(stream(&data, "products")["written"], COUNT);
    let lines = lab.lines("out.jsonl");
    let last = &lines["products"][before..];
    assert_eq!(
        last.len() as u64,
        COUNT,
        "the last run brought every record"
    );
    for record in last {
        let same = ["make", "model", "year", "price"]
            .iter()
            .all(|key| record[key] == last[0][key]);
        assert!(
            same && record["make"].is_string(),
            "not what the source sends: {record}"
        );
    }
}
