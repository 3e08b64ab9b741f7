//! Our connectors, run by the real Conduit: both of its engines, both roles.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::records;
use crate::lab::{Lab, program};

/// Conduit's engines, by what chooses them.
pub(crate) const ENGINES: [&[&str]; 2] = [&[], &["--preview.pipeline-arch-v2"]];

/// A running Conduit. It is ended with its lab.
pub(crate) struct Conduit {
    process: Child,
}

impl Conduit {
    /// Starts it with this pipeline, whose connectors are `(id, type, plugin, settings)`.
    pub(crate) fn start(
        lab: &Lab,
        engine: &[&str],
        connectors: &[(&str, &str, &str, Value)],
    ) -> Option<Self> {
        let connectors: Vec<Value> = connectors
            .iter()
            .map(|(id, kind, plugin, settings)| {
                json!({"id": id, "type": kind, "plugin": plugin, "settings": settings})
            })
            .collect();
        let file = json!({"version": "2.2", "pipelines": [
            {"id": "p", "status": "running", "connectors": connectors}]});
        std::fs::write(lab.path("pipeline.yaml"), file.to_string()).unwrap();
        Self::run(lab, engine, "pipeline.yaml")
    }

    /// Starts it with a pipeline file of the lab.
    pub(crate) fn run(lab: &Lab, engine: &[&str], file: &str) -> Option<Self> {
        let folder = program("CROSSDOCK_TEST_CONDUIT")?;
        let log = std::fs::File::create(lab.path("conduit.log")).unwrap();
        let process = Command::new(format!("{folder}/conduit"))
            .args([
                "run",
                "--db.type",
                "sqlite",
                "--api.enabled=false",
                "--log.level",
                "debug",
            ])
            .args(["--pipelines.path", file])
            .args(engine)
            .current_dir(lab.path(""))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Some(Self { process })
    }

    /// Waits until `done`.
    pub(crate) fn until(&mut self, lab: &Lab, what: &str, mut done: impl FnMut() -> bool) {
        let began = Instant::now();
        while !done() {
            let ended = self.process.try_wait().unwrap();
            if ended.is_some() || began.elapsed() > Duration::from_secs(60) {
                let log = std::fs::read_to_string(lab.path("conduit.log")).unwrap_or_default();
                panic!(
                    "{what}: {ended:?}\n{}",
                    &log[log.len().saturating_sub(3000)..]
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a person would, and waits for that.
    pub(crate) fn stop(mut self, lab: &Lab) {
        let pid = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let mut ended = false;
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(45) && !ended {
            ended = self.process.try_wait().unwrap().is_some();
            std::thread::sleep(Duration::from_millis(20));
        }
        let log = std::fs::read_to_string(lab.path("conduit.log")).unwrap_or_default();
        assert!(
            ended,
            "Conduit does not end:\n{}",
            &log[log.len().saturating_sub(3000)..]
        );
    }
}

impl Drop for Conduit {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn package(lab: &Lab, names: &[&str]) {
    for name in names {
        let reference = format!("native:{name}");
        lab.good(&["connector", "package", "--protocol", "conduit", &reference]);
    }
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .count()
}

/// The rows of `native:jsonl` below a folder, as far as they are published.
fn rows(lab: &Lab, folder: &str) -> Vec<Value> {
    match std::fs::read_dir(lab.path(folder)) {
        Ok(_) => lab.folders(folder).into_values().flatten().collect(),
        Err(_) => Vec::new(),
    }
}

#[test]
fn our_source_feeds_a_destination_of_conduit() {
    for engine in ENGINES {
        let lab = Lab::new();
        package(&lab, &["sample"]);
        let source = (
            "src",
            "source",
            "standalone:sample",
            json!({"count": "500", "columns": "4"}),
        );
        let out = (
            "dst",
            "destination",
            "builtin:file",
            json!({"path": "./out.txt"}),
        );
        let Some(mut conduit) = Conduit::start(&lab, engine, &[source, out]) else {
            return;
        };
        let path = lab.path("out.txt");
        conduit.until(&lab, "500 records", || lines(&path) >= 500);
        conduit.stop(&lab);
        let written = records(&lab, "out.txt");
        assert_eq!(written.len(), 500, "{engine:?}");
        let positions: BTreeSet<&str> = written
            .iter()
            .map(|r| r["position"].as_str().unwrap())
            .collect();
        assert_eq!(positions.len(), 500);
        for (at, record) in written.iter().enumerate() {
            assert_eq!(record["key"], json!({"id": at}), "{record}");
            assert_eq!(record["payload"]["after"]["id"], at);
            let metadata = &record["metadata"];
            assert_eq!(metadata["opencdc.collection"], "sample");
            // Each column has a type, so the values came with a schema and arrive with it.
            assert_eq!(metadata["opencdc.payload.schema.version"], "1", "{record}");
        }
    }
}

#[test]
fn a_source_that_was_stopped_goes_on_where_it_was() {
    let lab = Lab::new();
    package(&lab, &["jsonl"]);
    let row = |n: u32| format!("{{\"n\":{n}}}\n");
    std::fs::write(lab.path("in.jsonl"), (0..100).map(row).collect::<String>()).unwrap();
    let run = |expected: usize| {
        let source = (
            "src",
            "source",
            "standalone:jsonl",
            json!({"path": "./in.jsonl"}),
        );
        let out = (
            "dst",
            "destination",
            "builtin:file",
            json!({"path": "./out.txt"}),
        );
        let Some(mut conduit) = Conduit::start(&lab, ENGINES[0], &[source, out]) else {
            return false;
        };
        let path = lab.path("out.txt");
        conduit.until(&lab, "records", || lines(&path) >= expected);
        conduit.stop(&lab);
        true
    };
    if !run(100) {
        return;
    }
    let more: String = (0..150).map(row).collect();
    std::fs::write(lab.path("in.jsonl"), more).unwrap();
    run(150);
    let numbers: Vec<u64> = records(&lab, "out.txt")
        .iter()
        .map(|r| r["payload"]["after"]["n"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..150).collect::<Vec<_>>());
}

#[test]
fn a_source_of_conduit_feeds_our_destination() {
    for engine in ENGINES {
        let lab = Lab::new();
        package(&lab, &["jsonl"]);
        let settings = json!({
            "format.type": "structured", "format.options.id": "int", "format.options.at": "time",
            "operations": "create", "recordCount": "100"});
        let source = ("src", "source", "builtin:generator", settings);
        let out = json!({"path": "./out", "metadata_columns": "false"});
        let out = ("dst", "destination", "standalone:jsonl", out);
        let Some(mut conduit) = Conduit::start(&lab, engine, &[source, out]) else {
            return;
        };
        conduit.until(&lab, "100 rows", || rows(&lab, "out").len() >= 100);
        conduit.stop(&lab);
        let rows = rows(&lab, "out");
        assert_eq!(rows.len(), 100, "{engine:?}");
        let ids: BTreeSet<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
        assert_eq!(ids.len(), 100);
        assert!(
            rows.iter()
                .all(|row| row["at"].as_str().unwrap().ends_with('Z')),
            "{}",
            rows[0]
        );
    }
}

#[test]
fn our_source_feeds_our_destinations_through_conduit() {
    for engine in ENGINES {
        let lab = Lab::new();
        package(&lab, &["sample", "jsonl", "sqlite"]);
        let count = "300";
        let source = (
            "src",
            "source",
            "standalone:sample",
            json!({"count": count, "columns": "4"}),
        );
        let lines = json!({"path": "./out", "metadata_columns": "false"});
        let lines = ("lines", "destination", "standalone:jsonl", lines);
        let table = (
            "table",
            "destination",
            "standalone:sqlite",
            json!({"path": "./out.db"}),
        );
        // The preview engine has one destination.
        let connectors = if engine.is_empty() {
            vec![source, lines, table]
        } else {
            vec![source, lines]
        };
        let Some(mut conduit) = Conduit::start(&lab, engine, &connectors) else {
            return;
        };
        conduit.until(&lab, "300 rows", || rows(&lab, "out").len() >= 300);
        conduit.stop(&lab);
        let through: Vec<Value> = rows(&lab, "out");
        // The same without Conduit.
        let source = ("native:sample", json!({"count": 300, "columns": 4}));
        let out = json!({"path": lab.text("direct"), "metadata_columns": false});
        let file = lab.pipeline(source, ("native:jsonl", out), json!({}));
        lab.good(&["run", file.to_str().unwrap()]);
        let direct = rows(&lab, "direct");
        let sorted = |rows: &[Value]| {
            let mut texts: Vec<String> = rows
                .iter()
                .map(|row| {
                    let members = row
                        .as_object()
                        .unwrap()
                        .iter()
                        .collect::<std::collections::BTreeMap<_, _>>();
                    serde_json::to_string(&members).unwrap()
                })
                .collect();
            texts.sort();
            texts
        };
        assert_eq!(sorted(&through), sorted(&direct), "{engine:?}");
        if engine.is_empty() {
            let connection = rusqlite::Connection::open(lab.path("out.db")).unwrap();
            let count: i64 = connection
                .query_row("SELECT count(*) FROM sample", [], |row| row.get(0))
                .unwrap();
            assert_eq!(count, 300);
        }
    }
}

/// Every connector takes the setting; those that write records as texts do so in its form.
#[test]
fn our_destinations_take_the_form_of_records() {
    for (engine, name) in [(0, "file"), (1, "file"), (0, "jsonl")] {
        let lab = Lab::new();
        package(&lab, &["sample", name]);
        let form = json!({"path": "./out", "sdk.record.format": "template",
            "sdk.record.format.options": "{{ .Key.id }} is {{ .Operation }}"});
        let count = json!({"count": "50", "columns": "3"});
        let source = ("src", "source", "standalone:sample", count);
        let plugin = format!("standalone:{name}");
        let out = ("dst", "destination", plugin.as_str(), form);
        let Some(mut conduit) = Conduit::start(&lab, ENGINES[engine], &[source, out]) else {
            return;
        };
        let path = lab.path("out");
        conduit.until(&lab, "50 records", || match name {
            "file" => lines(&path) >= 50,
            _ => rows(&lab, "out").len() >= 50,
        });
        conduit.stop(&lab);
        if name == "file" {
            let expected: String = (0..50).map(|n| format!("{n} is create\n")).collect();
            assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
        }
    }
}

#[test]
fn conduit_lists_our_connectors() {
    let Some(folder) = program("CROSSDOCK_TEST_CONDUIT") else {
        return;
    };
    let lab = Lab::new();
    package(&lab, &["sample", "parquet"]);
    let log = std::fs::File::create(lab.path("conduit.log")).unwrap();
    std::fs::create_dir(lab.path("pipelines")).unwrap();
    // Ports that nobody else is likely to have.
    let ports = [29_117, 29_118];
    let process = Command::new(format!("{folder}/conduit"))
        .args(["run", "--db.type", "inmemory"])
        .args([format!("--api.http.address=127.0.0.1:{}", ports[0])])
        .args([format!("--api.grpc.address=127.0.0.1:{}", ports[1])])
        .current_dir(lab.path(""))
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut conduit = Conduit { process };
    let mut listed = String::new();
    conduit.until(&lab, "the list", || {
        let output = Command::new(format!("{folder}/conduit"))
            .args(["connector-plugins", "list"])
            .arg(format!("--api.grpc.address=127.0.0.1:{}", ports[1]))
            .current_dir(lab.path(""))
            .output()
            .unwrap();
        listed = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success() && listed.contains("builtin:file")
    });
    conduit.stop(&lab);
    for name in ["standalone:sample@v", "standalone:parquet@v"] {
        assert!(listed.contains(name), "{listed}");
    }
}

#[test]
fn one_that_nobody_wants_says_so() {
    let lab = Lab::new();
    let printed = lab.run(&[
        "connector",
        "serve",
        "--protocol",
        "conduit",
        "native:sample",
    ]);
    assert_eq!(printed["error"]["code"], "usage", "{printed:#}");
}

#[test]
fn our_own_host_runs_what_we_serve() {
    let lab = Lab::new();
    package(&lab, &["sample", "jsonl"]);
    let end = |name: &str| format!("conduit:exec:{}", lab.text(&format!("connectors/{name}")));
    let out = json!({"path": lab.text("out"), "metadata_columns": false});
    let more = json!({"settings": {"until_idle": "1s", "retries": {"complete_failures": 1}}});
    let file = lab.pipeline(
        (&end("sample"), json!({"count": 5000, "columns": 4})),
        (&end("jsonl"), out),
        more,
    );
    let data = lab.good(&["run", file.to_str().unwrap()]);
    let rows = rows(&lab, "out");
    assert_eq!(rows.len(), 5000, "{data:#}");
    let ids: BTreeSet<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (0..5000).collect());
}
