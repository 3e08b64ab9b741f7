//! Rounds of `kill -9`: a pipeline is started again and again, and somebody is killed each time while records
//! move.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use crate::kill::{children, kill};
use crate::lab::Lab;

/// Bytes below a path, of a file or a folder.
pub(crate) fn size(path: &Path) -> u64 {
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
pub(crate) fn grows(path: &Path, before: u64, engine: &mut Child) -> bool {
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
pub(crate) fn strike(
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
        // Not every program notices the end of its parent.
        orphans.iter().for_each(|(pid, _)| kill(*pid));
    }
    eprintln!("killed {kills:?}");
    kills.values().sum()
}
