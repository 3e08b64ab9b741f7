//! `crossdock connector test`: our own connectors keep every rule of every protocol, and the battery talks to
//! connectors of others.

#[path = "../../../../examples/destination-http/tests/api/mod.rs"]
mod store;

use std::fs;
use std::thread;

use crossdock_testkit::http::Server;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::example::{api as tracker, built, shop};
use crate::lab::{Lab, exec, program, sdk_destination};

const PROTOCOLS: [&str; 3] = ["airbyte", "conduit", "dataflow"];

/// A configuration as Conduit's users write it: what is no plain value as JSON.
fn of(protocol: &str, config: Value) -> Value {
    let Value::Object(members) = config else {
        return config;
    };
    let texts = members.into_iter().map(|(name, value)| match value {
        value if value.is_object() && protocol == "conduit" => (name, json!(value.to_string())),
        value => (name, value),
    });
    Value::Object(texts.collect())
}

/// The report on a connector. Fails where a rule that binds is broken.
fn report(lab: &Lab, reference: &str, config: &Value, more: &[&str]) -> Value {
    let config = config.to_string();
    let words = ["connector", "test", reference, "--config", &config];
    let envelope = lab.run(&[&words[..], more].concat());
    let report = &envelope["data"];
    let checks = report["checks"]
        .as_array()
        .unwrap_or_else(|| panic!("{envelope}"));
    let is_broken = |check: &&Value| check["verdict"] == "failed" && check["level"] == "must";
    let broken: Vec<&Value> = checks.iter().filter(is_broken).collect();
    assert!(broken.is_empty(), "{reference} {more:?}: {broken:#?}");
    assert!(report["passed"].as_u64().unwrap() > 0, "{envelope}");
    report.clone()
}

/// The names of the rules that were judged so.
fn named<'a>(report: &'a Value, verdict: &str) -> Vec<&'a str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let so = checks.filter(|check| check["verdict"] == verdict);
    so.map(|check| check["name"].as_str().unwrap()).collect()
}

/// The configuration of a file source, with rows to read.
fn filled(lab: &Lab, name: &str) -> Value {
    fs::write(lab.path("rows.csv"), "id,name\n1,a\n2,b\n3,c\n").unwrap();
    let rows = json!({"streams": {"rows": lab.text("rows.csv")}});
    if name == "csv" {
        return rows;
    }
    let to = json!({"path": lab.text("filled")});
    let file = lab.pipeline(
        ("native:csv", rows),
        (&format!("native:{name}"), to.clone()),
        json!({"streams": [{"name": "*", "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}]}),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    match name {
        "sqlite" => to,
        _ => json!({"streams": {"rows": lab.text("filled/rows/*")}}),
    }
}

/// Does this for each connector over each protocol, four at a time: most of it is waiting.
fn over_all(names: &[&str], judged: impl Fn(&str, &str) + Sync) {
    let cases: Vec<(&str, &str)> = PROTOCOLS
        .iter()
        .flat_map(|protocol| names.iter().map(move |name| (*protocol, *name)))
        .collect();
    for some in cases.chunks(4) {
        thread::scope(|scope| {
            for (protocol, name) in some {
                scope.spawn(|| judged(protocol, name));
            }
        });
    }
}

#[test]
fn our_sources_keep_every_rule() {
    over_all(
        &["sample", "csv", "jsonl", "parquet", "sqlite"],
        |protocol, name| {
            let lab = Lab::new();
            let config = match name {
                "sample" => json!({"streams": 2, "count": 3000, "checkpoint_every": 500}),
                _ => of(protocol, filled(&lab, name)),
            };
            let reference = format!("native:{name}");
            report(
                &lab,
                &reference,
                &config,
                &["--protocol", protocol, "--as", "source"],
            );
        },
    );
}

#[test]
fn our_destinations_keep_every_rule() {
    over_all(
        &["csv", "jsonl", "parquet", "sqlite", "null"],
        |protocol, name| {
            let lab = Lab::new();
            let reference = format!("native:{name}");
            let common = ["--protocol", protocol, "--as", "destination"];
            if name == "null" {
                report(&lab, &reference, &json!({}), &common);
                return;
            }
            let config = json!({"path": lab.text("out")});
            // What was acknowledged is read back from where it was written, also after a kill (P1, P3).
            let back = match name {
                "sqlite" => config.clone(),
                _ => json!({"streams": {"all": lab.text("out/crossdock_stored*/*")}}),
            };
            let back = back.to_string();
            let verify = ["--verify", &reference, "--verify-config", &back];
            let report = report(&lab, &reference, &config, &[&common[..], &verify].concat());
            let kept = named(&report, "passed");
            let stored = kept.iter().filter(|rule| rule.starts_with("stored/"));
            let least = match protocol {
                "airbyte" => 10,
                "conduit" => 5,
                _ => 4,
            };
            assert!(stored.count() >= least, "{name} over {protocol}: {kept:?}");
        },
    );
}

#[test]
fn our_sources_go_on_from_everywhere() {
    over_all(&["sample"], |protocol, name| {
        let lab = Lab::new();
        let config = json!({"streams": 2, "count": 30, "checkpoint_every": 4});
        let config = of(protocol, config);
        let mut words = vec!["--protocol", protocol, "--every"];
        for only in ["resume/", "ending/", "checkpoint/"] {
            words.extend(["--only", only]);
        }
        let report = report(&lab, &format!("native:{name}"), &config, &words);
        assert!(
            named(&report, "skipped").len() < 3,
            "{protocol}: {report:#}"
        );
    });
}

/// What authors begin with.
#[test]
fn the_examples_keep_every_rule() {
    let runtime = Runtime::new().unwrap();
    let start = || runtime.block_on(Server::start());
    let (issues, rows) = (start(), start());
    tracker::serve(&issues);
    let tables = store::serve(&rows);
    let lab = Lab::new();
    let database = shop::make(&lab.path("shop.db"));
    let people = (0..60).map(|id| format!("({id}, 'row {id}')"));
    let people = people.collect::<Vec<_>>().join(", ");
    let insert = format!("INSERT INTO customers VALUES {people}");
    database.execute_batch(&insert).unwrap();
    over_all(
        &["source-http", "source-db", "destination-http"],
        |protocol, name| {
            let lab_of_run = Lab::new();
            let (role, config) = match name {
                "source-http" => (
                    "source",
                    json!({"url": issues.url(), "token": tracker::TOKEN}),
                ),
                "source-db" => (
                    "source",
                    json!({"path": lab.text("shop.db"), "poll_ms": 20}),
                ),
                _ => ("destination", json!({"url": rows.url(), "key": store::KEY})),
            };
            let reference = format!("{protocol}:exec:{}", built(name).display());
            report(&lab_of_run, &reference, &config, &["--as", role]);
        },
    );
    assert!(!tables.of("crossdock_conformance").is_empty());
}

#[test]
fn connectors_of_airbyte_are_judged() {
    let lab = Lab::new();
    if let Some(hardcoded) = program("CROSSDOCK_TEST_HARDCODED") {
        let only = ["--only", "check/", "--only", "discover/"];
        let report = report(&lab, &exec(&[&hardcoded]), &json!({"count": 20}), &only);
        assert_eq!(report["role"], "source");
    }
    // On Airbyte's own SDK, which drops what it does not know of a state.
    if let Some(destination) = sdk_destination() {
        let config = json!({"path": lab.text("out.jsonl")});
        let only = ["--as", "destination", "--only", "echo/"];
        let report = report(&lab, &destination, &config, &only);
        assert_eq!(
            named(&report, "failed"),
            ["echo/unknown-properties", "echo/stats"]
        );
    }
}
