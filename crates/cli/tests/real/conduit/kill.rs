//! `kill -9` of the engine, of the source and of the destination at random moments, with connectors of
//! Conduit on both ends. Nothing is lost (P4).

use std::os::unix::fs::symlink;

use serde_json::json;

use super::records;
use crate::kill::settings;
use crate::lab::{Lab, program};
use crate::rounds::strike;

const ROUNDS: usize = 51;
const LINES: u64 = 300_000;

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
    let victims = ["the-source", "the-destination", "engine"];
    let kills = strike(&lab, ROUNDS, &out, &victims, |_| file.clone());
    assert!(kills >= 50, "{kills}");
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
