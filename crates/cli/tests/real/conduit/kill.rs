//! `kill -9` of the engine, of the source and of the destination at random moments, with connectors of
//! Conduit on both ends. Nothing is lost (P4).

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::json;

use super::records;
use crate::kill::{children, kill, settings};
use crate::lab::{Lab, program};

const ROUNDS: usize = 51;
const LINES: u64 = 300_000;

/// Waits until the file is longer than `size`. `false`: the engine ended before.
fn grows(path: &Path, size: u64, engine: &mut Child) -> bool {
    let began = Instant::now();
    while std::fs::metadata(path).map_or(0, |meta| meta.len()) <= size {
        if engine.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "nothing is written any more"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    true
}

#[test]
fn nothing_is_lost_whoever_is_killed() {
    let Some(folder) = program("CROSSDOCK_TEST_CONDUIT") else {
        return;
    };
    let lab = Lab::new();
    // Names by which the two are told apart.
    for name in ["the-source", "the-destination"] {
        symlink(format!("{folder}/file"), lab.path(name)).unwrap();
    }
    let lines: String = (1..=LINES).map(|n| format!("line {n}\n")).collect();
    std::fs::write(lab.path("in.txt"), lines).unwrap();
    let mut settings = settings();
    settings["until_idle"] = json!("2s");
    settings["grace"] = json!("1s");
    let source = format!("conduit:exec:{}", lab.text("the-source"));
    let destination = format!("conduit:exec:{}", lab.text("the-destination"));
    let file = lab.pipeline(
        (&source, json!({"path": lab.text("in.txt")})),
        (
            &destination,
            json!({"path": lab.text("out.txt"), "sdk.record.format": "template",
            "sdk.record.format.options": "{{ printf \"%s\" .Payload.After }}"}),
        ),
        json!({"settings": settings}),
    );
    let out = lab.path("out.txt");
    let length = || std::fs::metadata(&out).map_or(0, |meta| meta.len());
    let mut seed = 11_u64;
    let mut random = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut engine = lab.spawn(&["run", file.to_str().unwrap()]);
        let victim = ["the-source", "the-destination", "engine"][round % 3];
        let is_alive = grows(&out, length(), &mut engine);
        // The moment is random on purpose: this is a place where time itself is the fault.
        std::thread::sleep(Duration::from_millis(random(60)));
        if is_alive && victim != "engine" {
            let found = children(engine.id())
                .into_iter()
                .find(|(_, line)| line.contains(victim));
            if let Some((pid, _)) = found {
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
        // Programs of Go do not notice the end of their parent.
        orphans.iter().for_each(|(pid, _)| kill(*pid));
    }
    eprintln!("killed {kills:?}");
    assert!(kills.values().sum::<usize>() >= 50, "{kills:?}");
    lab.good(&["run", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(&out).unwrap();
    let mut seen = vec![0_u32; LINES as usize + 1];
    for line in text.lines() {
        // A destination that was killed leaves half a line; the next one goes on after it.
        let number = line
            .rsplit("line ")
            .next()
            .and_then(|n| n.parse::<usize>().ok());
        if let Some(count) = number.and_then(|n| seen.get_mut(n)) {
            *count += 1;
        }
    }
    let missing: Vec<usize> = (1..seen.len()).filter(|n| seen[*n] == 0).collect();
    let twice: u32 = seen.iter().map(|count| count.saturating_sub(1)).sum();
    eprintln!("{twice} lines came twice");
    assert!(
        missing.is_empty(),
        "{} lines are missing: {:?}",
        missing.len(),
        &missing[..missing.len().min(5)]
    );
    assert!(records(&lab, "none").is_empty());
}
