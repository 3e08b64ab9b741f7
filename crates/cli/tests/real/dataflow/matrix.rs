//! Every protocol into every protocol: sixteen pairs, each ended in the middle and resumed, their content compared.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::{Value, json};

use super::{own, payloads, python, written};
use crate::lab::{Lab, exec, program, sdk_destination};

/// Records of each source.
const COUNT: u64 = 6000;
/// The first run ends after about so many.
const FIRST: u64 = 1500;

/// A source, its configuration, and what its pipeline needs beside.
type Source = (&'static str, String, Value, Value);

/// What the source of Conduit reads, which stops nowhere: its file grows between the runs.
fn append_lines(lab: &Lab, numbers: std::ops::RangeInclusive<u64>) {
    let mut file = std::fs::File::options()
        .create(true)
        .append(true)
        .open(lab.path("in.txt"))
        .unwrap();
    for n in numbers {
        writeln!(
            file,
            "{{\"id\":{n},\"name\":\"line {n}\",\"deep\":{{\"list\":[{n},null,true]}}}}"
        )
        .unwrap();
    }
}

fn sources(lab: &Lab) -> Option<Vec<Source>> {
    let cdk = program("CROSSDOCK_TEST_CDK_PYTHON")?;
    let conduit = program("CROSSDOCK_TEST_CONDUIT")?;
    append_lines(lab, 1..=FIRST);
    Some(vec![
        (
            "airbyte",
            // On Airbyte's own SDK; those of its sources that are at hand begin anew instead of going on.
            exec(&[&cdk, &own("../source.py")]),
            json!({"count": COUNT, "pause": 0.005}),
            json!({}),
        ),
        (
            "conduit",
            format!("conduit:exec:{conduit}/file"),
            json!({"path": lab.text("in.txt")}),
            json!({"settings": {"until_idle": "1s"},
                "processors": [{"processor": "json.decode", "settings": {"field": ".Payload.After"}}]}),
        ),
        (
            "dataflow",
            python("source"),
            json!({"count": COUNT, "checkpoint": "each"}),
            json!({}),
        ),
        (
            "native",
            "native:sample".to_owned(),
            json!({"count": COUNT, "checkpoint_every": 50, "batch_records": 50}),
            json!({}),
        ),
    ])
}

/// A destination, its configuration, and how to read what it wrote.
type Destination = (&'static str, String, Value, fn(&Lab) -> Vec<Value>);

fn destinations(lab: &Lab) -> Option<Vec<Destination>> {
    let conduit = program("CROSSDOCK_TEST_CONDUIT")?;
    Some(vec![
        (
            "airbyte",
            sdk_destination()?,
            json!({"path": lab.text("airbyte.jsonl")}),
            |lab| lab.lines("airbyte.jsonl").into_values().flatten().collect(),
        ),
        (
            "conduit",
            format!("conduit:exec:{conduit}/file"),
            json!({"path": lab.text("conduit.txt")}),
            |lab| {
                let records = written(lab, "conduit.txt");
                records
                    .into_iter()
                    .map(|mut r| r["payload"]["after"].take())
                    .collect()
            },
        ),
        (
            "dataflow",
            python("sink"),
            json!({"path": lab.text("dataflow.jsonl")}),
            |lab| payloads(&written(lab, "dataflow.jsonl")),
        ),
        (
            "native",
            "native:jsonl".to_owned(),
            json!({"path": lab.text("rows"), "metadata_columns": false}),
            |lab| lab.folders("rows").into_values().flatten().collect(),
        ),
    ])
}

/// A value with its numbers as doubles: Conduit's connectors have no others, and write long ones as text or
/// rounded. That digits are kept elsewhere is for other tests.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().into(),
        Value::String(text) if text.parse::<f64>().is_ok() => text.parse::<f64>().ok().into(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), plain(value)))
            .collect(),
        other => other.clone(),
    }
}

/// What tells the rows of a source apart.
fn key(row: &Value) -> String {
    plain(row.get("id").unwrap_or(&row["n"])).to_string()
}

#[test]
fn sixteen_pairs_resumed_in_the_middle_have_the_same_content() {
    if sources(&Lab::new()).is_none() {
        return;
    }
    for at in 0..4 {
        let mut contents: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
        for to in 0..4 {
            let lab = Lab::new();
            let (from, source, config, more) = sources(&lab).unwrap().swap_remove(at);
            let Some(mut all) = destinations(&lab) else {
                return;
            };
            let (name, destination, to_config, read) = all.swap_remove(to);
            let run = |max: Option<u64>| {
                let mut more = more.clone();
                let settings = more
                    .as_object_mut()
                    .unwrap()
                    .entry("settings")
                    .or_insert(json!({}));
                settings["commit_interval"] = json!("0s");
                if let Some(max) = max {
                    settings["max_records"] = max.into();
                }
                let file = lab.pipeline(
                    (&source, config.clone()),
                    (&destination, to_config.clone()),
                    more,
                );
                let envelope = lab.run(&["run", file.to_str().unwrap()]);
                assert_eq!(envelope["ok"], true, "{from} → {name}: {envelope:#}");
            };
            run(Some(FIRST));
            let half = read(&lab).len() as u64;
            append_lines(&lab, FIRST + 1..=COUNT);
            run(None);
            let rows = read(&lab);
            let content: BTreeMap<String, Value> =
                rows.iter().map(|row| (key(row), plain(row))).collect();
            eprintln!(
                "{from} → {name}: {half} and then {} rows, {} records",
                rows.len() as u64 - half,
                content.len()
            );
            let is_middle = half > 0 && half < COUNT;
            assert!(is_middle, "{from} → {name}: {half} rows in the first run");
            assert_eq!(content.len() as u64, COUNT, "{from} → {name}");
            contents.insert(name, content);
        }
        let first = &contents["native"];
        for (name, content) in &contents {
            for (id, row) in first {
                assert_eq!(&content[id], row, "source {at} → {name}, id {id}");
            }
        }
    }
}
