//! Pipeline files as they are found in the wild, run unchanged by Crossdock and by Conduit: both write the
//! same records.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::served::Conduit;
use super::{peer, records};
use crate::lab::Lab;

/// A lab with the files, the inputs and a folder of connectors.
fn lab() -> Option<Lab> {
    let program = peer("file")?.replace("conduit:exec:", "");
    let lab = Lab::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/conduit/wild");
    for entry in std::fs::read_dir(fixtures).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, lab.path(path.file_name().unwrap().to_str().unwrap())).unwrap();
    }
    std::fs::create_dir(lab.path("connectors")).unwrap();
    std::os::unix::fs::symlink(program, lab.path("connectors/file")).unwrap();
    Some(lab)
}

/// What must be alike: everything but positions and times, and what we add to dead letters. Two sources and
/// two destinations have no common order, so the records are sorted.
fn comparable(lab: &Lab, name: &str) -> Vec<String> {
    let strip = |record: &mut Value| {
        record.as_object_mut().unwrap().remove("position");
        let metadata = record["metadata"].as_object_mut().unwrap();
        metadata.retain(|name, _| {
            !["opencdc.readAt", "opencdc.createdAt"].contains(&name.as_str())
                && !name.starts_with("crossdock.")
                // Conduit's processors encode again what they have decoded.
                && !name.contains(".schema.")
        });
    };
    let mut texts = Vec::new();
    for mut record in records(lab, name) {
        strip(&mut record);
        let inner = &mut record["payload"]["after"];
        if name == "letters.jsonl" {
            strip(inner);
        }
        texts.push(sorted(&record).to_string());
    }
    texts.sort();
    texts
}

/// With the members of all objects by name, and whole numbers as such.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(k, v)| (k, sorted(v))).collect();
            serde_json::to_value(members).unwrap()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// `outputs`: the files that the pipelines write, and how many records.
fn check(file: &str, outputs: &[(&str, usize)]) {
    check_with(&[], file, outputs);
}

/// With this choice of Conduit's engine.
fn check_with(engine: &[&str], file: &str, outputs: &[(&str, usize)]) {
    let (Some(theirs), Some(ours)) = (lab(), lab()) else {
        return;
    };
    let mut conduit = Conduit::run(&theirs, engine, file).unwrap();
    for (name, count) in outputs {
        conduit.until(&theirs, name, || {
            // A line that is being written is none yet.
            let text = std::fs::read_to_string(theirs.path(name)).unwrap_or_default();
            text.matches('\n').count() >= *count
        });
    }
    conduit.stop(&theirs);
    ours.good(&["run", file, "--until-idle", "2s"]);
    for (name, count) in outputs {
        let (expected, found) = (comparable(&theirs, name), comparable(&ours, name));
        assert_eq!(found.len(), *count, "{file}: {name}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{file}: {name}");
        }
        assert_eq!(found, expected, "{file}: {name}");
    }
    assert!(!ours.path("never.jsonl").exists(), "a stopped pipeline ran");
}

#[test]
fn several_sources_with_processors_and_conditions() {
    check("sources.yaml", &[("crossdock-cli.jsonl", 7)]);
}

#[test]
fn several_destinations_each_with_processors() {
    check(
        "destinations.yaml",
        &[("small.jsonl", 1), ("rest.jsonl", 2)],
    );
}

#[test]
fn dead_letters_of_processors() {
    check(
        "dead-letters.yaml",
        &[("out.jsonl", 2), ("letters.jsonl", 2)],
    );
}

#[test]
fn old_versions_in_several_documents() {
    check("old.yaml", &[("changes.jsonl", 3), ("typed.jsonl", 4)]);
}

#[test]
fn templates() {
    check("templates.yaml", &[("out.jsonl", 4)]);
}

#[test]
fn a_script() {
    check("script.yaml", &[("out.jsonl", 3)]);
}

#[test]
fn records_split_and_copied() {
    let engine = ["--preview.pipeline-arch-v2"];
    check_with(&engine, "multiply.yaml", &[("out.jsonl", 7)]);
}

#[test]
fn avro_there_and_back() {
    check("avro.yaml", &[("out.jsonl", 3)]);
}

/// The forms of records are no records, so they are compared as lines, or as JSON where the order of what
/// a schema has is open.
#[test]
fn forms_of_records() {
    let (Some(theirs), Some(ours)) = (lab(), lab()) else {
        return;
    };
    let files = ["lines.csv", "debezium.jsonl", "raw.jsonl"];
    let lines = |lab: &Lab, name: &str| {
        let text = std::fs::read_to_string(lab.path(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut conduit = Conduit::run(&theirs, &[], "formats.yaml").unwrap();
    for name in files {
        conduit.until(&theirs, name, || lines(&theirs, name).len() >= 4);
    }
    conduit.stop(&theirs);
    ours.good(&["run", "formats.yaml", "--until-idle", "2s"]);
    for name in files {
        let comparable = |lab: &Lab| {
            let all = lines(lab, name);
            let each = all.iter().map(|line| match name {
                "lines.csv" if !line.starts_with('{') => line.clone(),
                _ => by_field(serde_json::from_str(line).unwrap()).to_string(),
            });
            each.collect::<Vec<_>>()
        };
        assert_eq!(comparable(&ours), comparable(&theirs), "{name}");
    }
}

/// A record without its position and time, or a change in Debezium's form without its times, and what its
/// schema has by name.
fn by_field(mut change: Value) -> Value {
    if let Some(metadata) = change.get_mut("metadata") {
        assert!(metadata["opencdc.readAt"].take().is_string());
        assert!(change["position"].take().is_string());
        return sorted(&change);
    }
    fn sort(schema: &mut Value) {
        if let Some(fields) = schema["fields"].as_array_mut() {
            fields.iter_mut().for_each(sort);
            fields.sort_by_key(|field| field["field"].to_string());
        }
    }
    sort(&mut change["schema"]);
    assert!(change["payload"]["ts_ms"].take().is_i64());
    assert!(
        change["payload"]["source"]["opencdc.readAt"]
            .take()
            .is_string()
    );
    sorted(&change)
}

/// P4 for several sources as one, with processors on the way and dead letters beside: the engine is killed
/// again and again, and nothing is lost.
#[test]
fn nothing_is_lost_of_several_sources() {
    const LINES: usize = 60_000;
    let lab = Lab::new();
    for name in ["a", "b"] {
        let lines = (0..LINES).map(|n| format!("{{\"from\":\"{name}\",\"n\":{n}}}\n"));
        std::fs::write(lab.path(&format!("{name}.txt")), lines.collect::<String>()).unwrap();
    }
    let pipeline = r#"
version: "2.2"
pipelines:
  - id: p
    connectors:
      - {id: a, type: source, plugin: "builtin:file", settings: {path: ./a.txt}}
      - {id: b, type: source, plugin: "builtin:file", settings: {path: ./b.txt}}
      - {id: out, type: destination, plugin: "builtin:file", settings: {path: ./out.jsonl}}
    processors:
      - {id: decode, plugin: json.decode, settings: {field: .Payload.After}}
      - {id: thousandth, plugin: error, condition: "{{ eq (mod .Payload.After.n 1000) 7 }}"}
    dead-letter-queue: {plugin: "builtin:file", settings: {path: ./letters.jsonl}, window-size: 0}
"#;
    std::fs::write(lab.path("p.yaml"), pipeline).unwrap();
    let length = || std::fs::metadata(lab.path("out.jsonl")).map_or(0, |meta| meta.len());
    let mut kills = 0;
    for round in 0..12 {
        let mut engine = lab.spawn(&["run", "p.yaml", "--until-idle", "1s"]);
        let before = length();
        while length() <= before && engine.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        // The moment is random on purpose: this is a place where time itself is the fault.
        std::thread::sleep(Duration::from_millis(round * 7 % 40));
        kills += usize::from(engine.try_wait().unwrap().is_none());
        engine.kill().unwrap();
        engine.wait().unwrap();
    }
    assert!(kills >= 6, "only {kills} runs were killed");
    lab.good(&["run", "p.yaml", "--until-idle", "1s"]);
    let mut seen = std::collections::BTreeSet::new();
    for name in ["out.jsonl", "letters.jsonl"] {
        for line in std::fs::read_to_string(lab.path(name)).unwrap().lines() {
            // One that was killed leaves half a line.
            let Ok(record) = serde_json::from_str::<Value>(line) else {
                continue;
            };
            let after = &record["payload"]["after"];
            let after = if name == "out.jsonl" {
                after
            } else {
                &after["payload"]["after"]
            };
            let (from, n) = (
                after["from"].as_str().unwrap(),
                after["n"].as_u64().unwrap(),
            );
            assert_eq!(name == "letters.jsonl", n % 1000 == 7, "{line}");
            seen.insert((from.to_owned(), n));
        }
    }
    assert_eq!(seen.len(), 2 * LINES);
}
