//! Sockets through the engine: it connects to the source's, and the destination connects to those of the engine.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::sockets::overtaking;
use super::{over, served};
use crate::lab::{Lab, WORK, exec, program};
use crate::rounds::strike;

pub(super) fn stranger() -> Option<String> {
    let python = program("CROSSDOCK_TEST_PROTOBUF_PYTHON")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/airbyte/stranger.py");
    Some(exec(&[&python, script.to_str().unwrap()]))
}

/// A pipeline whose ends have these channels, and `more`.
pub(super) fn pipeline(
    lab: &Lab,
    (source, config, channel): (&str, Value, Value),
    (destination, to, other): (&str, Value, Value),
    more: &Value,
) -> String {
    let mut file = json!({"version": 1, "pipelines": [{
        "id": "p",
        "source": {"connector": source, "config": config},
        "destination": {"connector": destination, "config": to},
        "streams": [{"name": "*", "sync_mode": "full_refresh", "destination_sync_mode": "append"}],
    }]});
    for (name, value) in more.as_object().into_iter().flatten() {
        file["pipelines"][0][name] = value.clone();
    }
    for (side, channel) in [("source", channel), ("destination", other)] {
        if !channel.is_null() {
            file["pipelines"][0][side]["data_channel"] = channel;
        }
    }
    std::fs::write(lab.path("p.yaml"), file.to_string()).unwrap();
    lab.text("p.yaml")
}

/// Also where records could go straight.
fn through() -> Value {
    json!({"settings": {"route": "through"}})
}

pub(super) fn ids(rows: &[Value]) -> Vec<u64> {
    let mut ids: Vec<u64> = rows.iter().map(|row| row["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    ids
}

pub(super) fn committed(data: &Value) -> u64 {
    let streams = data["pipelines"][0]["streams"].as_array().unwrap();
    streams
        .iter()
        .map(|stream| stream["committed"].as_u64().unwrap())
        .sum()
}

pub(super) fn sample(count: u64) -> Value {
    json!({"count": count, "streams": 2, "checkpoint_every": 100, "batch_records": 50, "columns": 5})
}

/// A connector works in a folder of its own, which goes with it, but not what a destination wrote there.
#[test]
fn what_a_destination_writes_where_it_stands_is_kept() {
    // In the state directory, which outlives the machine's restart (P4); with the temporary files only where there is none.
    for (route, state, place) in [
        ("through", "state", WORK),
        ("direct", "/dev/null", "temporary"),
    ] {
        let lab = Lab::new();
        std::fs::create_dir(lab.path("temporary")).unwrap();
        let file = pipeline(
            &lab,
            (&served("native:sample"), sample(100), Value::Null),
            (
                &served("native:jsonl"),
                json!({"path": "lake"}),
                Value::Null,
            ),
            &json!({"settings": {"route": route}}),
        );
        let mut command = lab.command(&["run", &file]);
        command.env("XDG_STATE_HOME", lab.path(state));
        command.env("TMPDIR", lab.path("temporary"));
        let run = command.output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{said}");
        assert!(said.contains("into its working directory"), "{said}");
        let left: Vec<String> = std::fs::read_dir(lab.path(place))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let [kept] = &left[..] else {
            panic!("{left:?}");
        };
        assert!(said.contains(kept), "{said}");
        let rows = lab.folders(&format!("{place}/{kept}/lake"));
        assert_eq!(rows.values().map(Vec::len).collect::<Vec<_>>(), [100, 100]);
    }
}

#[test]
fn each_end_has_the_channel_that_it_knows() {
    let to = |lab: &Lab| json!({"path": lab.text("out"), "metadata_columns": false});
    let sockets = |format: &str, version: &str| json!({"transport": "sockets", "format": format, "version": version, "sockets": 2});
    let stdio = json!({"transport": "stdio"});
    let (sample_served, jsonl_served) = (served("native:sample"), served("native:jsonl"));
    let mut seen: Option<BTreeMap<String, Vec<Value>>> = None;
    for (source, from, destination, way) in [
        (
            sample_served.as_str(),
            stdio.clone(),
            jsonl_served.as_str(),
            stdio.clone(),
        ),
        // As they announce it themselves.
        (&sample_served, Value::Null, &jsonl_served, Value::Null),
        // Frames as they are, and in another layout.
        (
            &sample_served,
            sockets("protobuf", "0.0.1"),
            &jsonl_served,
            sockets("protobuf", "0.0.1"),
        ),
        (
            &sample_served,
            sockets("protobuf", "0.0.1"),
            &jsonl_served,
            sockets("protobuf", "0.0.2"),
        ),
        (
            &sample_served,
            sockets("protobuf", "0.0.1"),
            &jsonl_served,
            sockets("jsonl", "0.0.2"),
        ),
        (
            &sample_served,
            sockets("jsonl", "0.0.2"),
            "native:jsonl",
            Value::Null,
        ),
        (
            &sample_served,
            sockets("protobuf", "0.0.2"),
            "native:jsonl",
            Value::Null,
        ),
        (
            "native:sample",
            Value::Null,
            &jsonl_served,
            sockets("protobuf", "0.0.2"),
        ),
        (
            &sample_served,
            sockets("protobuf", "0.0.2"),
            &jsonl_served,
            stdio.clone(),
        ),
    ] {
        let lab = Lab::new();
        let file = pipeline(
            &lab,
            (source, sample(500), from),
            (destination, to(&lab), way),
            &through(),
        );
        let data = lab.good(&["run", &file]);
        assert_eq!(committed(&data), 1000, "{data:#}");
        let rows = lab.folders("out");
        match &seen {
            None => seen = Some(rows),
            Some(seen) => {
                for (stream, expected) in seen {
                    assert_eq!(rows[stream].len(), expected.len());
                    for (row, expected) in rows[stream].iter().zip(expected) {
                        assert_eq!(row, expected, "{file}");
                    }
                }
            }
        }
    }
}

/// Frames go through as they are where nothing wants to see values: under another name, too. Where fields are
/// selected, or a dead letter would have to show its record, they are read.
#[test]
fn what_the_pipeline_says_of_streams_holds_over_sockets() {
    for more in [
        json!({"prefix": "p_", "settings": {"route": "through"}}),
        json!({"prefix": "p_"}),
        json!({"prefix": "p_", "streams": [{"name": "*", "fields": ["name", "id"]}]}),
        json!({"dead_letters": {"path": "letters"}}),
        json!({"processors": [{"processor": "field.exclude", "settings": {"fields": ".Payload.After.email"}}]}),
    ] {
        let rows = ["stdio", "sockets"].map(|transport| {
            let lab = Lab::new();
            let file = lab.pipeline(
                (&served("native:sample"), sample(300)),
                (
                    &served("native:jsonl"),
                    json!({"path": lab.text("out"), "metadata_columns": false}),
                ),
                more.clone(),
            );
            let file = over(file, transport);
            let data = lab.good(&["run", file.to_str().unwrap()]);
            assert_eq!(committed(&data), 600, "{data:#}");
            lab.folders("out")
        });
        assert_eq!(rows[0].len(), 2, "{more}");
        assert_eq!(rows[0], rows[1], "{more}");
    }
}

/// A source that fails is told of in its own words, and what its last state covers is there (§4.9).
#[test]
fn a_source_that_fails_over_sockets_says_why() {
    let lab = Lab::new();
    let mut config = sample(500);
    config["fail_after"] = json!({"records": 250, "how": "error"});
    let file = lab.pipeline(
        (&served("native:sample"), config),
        (
            &served("native:jsonl"),
            json!({"path": lab.text("out"), "metadata_columns": false}),
        ),
        json!({
            "streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}],
            "settings": {"route": "through", "retries": {"complete_failures": 1, "partial_failures": 1}},
        }),
    );
    let run = lab.run(&["run", file.to_str().unwrap()]);
    assert_eq!(run["ok"], false, "{run:#}");
    assert!(run.to_string().contains("fail_after"), "{run:#}");
    let rows = lab.folders("out");
    let mut found = ids(&rows["sample_1"]);
    found.truncate(200);
    assert_eq!(found, (0..200).collect::<Vec<_>>());
    let state = lab.printed(&["state", "show", "p"]);
    assert!(state.contains("200"), "{state}");
}

#[test]
fn a_stranger_on_each_side() {
    let Some(stranger) = stranger() else { return };
    for (format, version) in [
        ("jsonl", "0.0.2"),
        ("protobuf", "0.0.1"),
        ("protobuf", "0.0.2"),
    ] {
        let lab = Lab::new();
        overtaking(&lab, true);
        let channel =
            json!({"transport": "sockets", "format": format, "version": version, "sockets": 2});
        let config = json!({"messages": lab.text("messages.jsonl"), "catalog": lab.text("catalog.json"), "version": version});
        let to = json!({"out": lab.text("came.jsonl"), "version": version});
        let file = pipeline(
            &lab,
            (&stranger, config, channel.clone()),
            (&stranger, to, channel),
            &through(),
        );
        let data = lab.good(&["run", &file]);
        assert_eq!(committed(&data), 4, "{data:#}");
        let came = std::fs::read_to_string(lab.path("came.jsonl")).unwrap();
        let records = came
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|message| message["type"] == "RECORD")
            .filter(|message| message["record"]["stream"] == "a")
            .map(|message| message["record"]["data"].clone());
        assert_eq!(
            ids(&records.collect::<Vec<_>>()),
            [1, 2, 3],
            "{format} {version}"
        );
        // Its states are kept as it sent them.
        let state = lab.printed(&["state", "show", "p"]);
        assert!(
            state.contains(r#""odd""#)
                || state.contains(r#""id": 2"#)
                || state.contains(r#""id":2"#),
            "{state}"
        );
    }
}

#[test]
fn nothing_is_lost_when_any_side_is_killed() {
    nothing_is_lost("through");
}

/// Kills source, destination and engine at random moments, while records go this way.
pub(super) fn nothing_is_lost(route: &str) {
    const ROWS: u64 = 200_000;
    let lab = Lab::new();
    let file = |_: usize| {
        lab.pipeline(
            (
                &served("native:sample"),
                json!({"count": ROWS, "checkpoint_every": 1000, "columns": 3, "rate": 50_000}),
            ),
            (
                &served("native:jsonl"),
                json!({"path": lab.text("out"), "metadata_columns": false, "max_checkpoint_age_ms": 100}),
            ),
            json!({
                "streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}],
                "settings": {"route": route, "grace": "1s", "commit_interval": "10ms",
                    "retries": {"backoff": "0s", "complete_failures": 50, "complete_failures_total": 1000,
                        "partial_failures": 50, "partial_failures_total": 1000}},
            }),
        )
    };
    let victims = ["native:sample", "native:jsonl", "engine"];
    let kills = strike(&lab, 24, &lab.path("out"), &victims, file);
    assert!(kills >= 20, "{kills}");
    lab.good(&["run", file(0).to_str().unwrap()]);
    let mut found = ids(&lab.folders("out")["sample"]);
    let all = found.len() as u64;
    found.dedup();
    assert_eq!(found, (0..ROWS).collect::<Vec<_>>());
    eprintln!("{} rows came twice", all - ROWS);
}
