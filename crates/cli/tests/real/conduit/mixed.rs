//! Conduit's connectors beside connectors of other kinds.

use serde_json::{Value, json};

use super::{decoded, generated, peer, records, until_idle};
use crate::lab::{Lab, exec, program};

#[test]
fn values_with_a_schema_arrive_typed() {
    let Some(source) = peer("generator") else {
        return;
    };
    let lab = Lab::new();
    let destination = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = lab.pipeline(
        (&source, generated(50)),
        ("native:jsonl", destination),
        until_idle(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    let rows = &lab.folders("out")["generator"];
    assert_eq!(rows.len(), 50);
    // Beyond 2^53, so they did not come through a double.
    let ids: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert!(ids.iter().any(|id| *id as f64 as i64 != *id), "{ids:?}");
    for row in rows {
        let at = row["at"].as_str().unwrap();
        assert!(at.ends_with('Z') && at.len() > 20, "{row}");
    }
}

#[test]
fn one_source_feeds_a_connector_of_conduit_as_it_is_and_a_native_one() {
    let (Some(source), Some(file)) = (peer("generator"), peer("file")) else {
        return;
    };
    let lab = Lab::new();
    let mut more = until_idle();
    more["destinations"] = json!([
        {"connector": "native:jsonl", "config": {"path": lab.text("rows"), "metadata_columns": false}}]);
    let first = (file.as_str(), json!({"path": lab.text("out.txt")}));
    let path = lab.pipeline((&source, generated(100)), first, more);
    lab.good(&["run", path.to_str().unwrap()]);
    let (records, rows) = (records(&lab, "out.txt"), &lab.folders("rows")["generator"]);
    assert_eq!((records.len(), rows.len()), (100, 100));
    for (record, row) in records.iter().zip(rows) {
        // The destination's own SDK has decoded what the source's had encoded.
        assert_eq!(record["payload"]["after"]["id"], row["id"]);
        assert_eq!(record["payload"]["after"]["name"], row["name"]);
        assert_eq!(record["metadata"]["opencdc.payload.schema.version"], "1");
    }
}

#[test]
fn an_airbyte_source_feeds_a_connector_of_conduit() {
    let (Some(faker), Some(file)) = (program("CROSSDOCK_TEST_FAKER"), peer("file")) else {
        return;
    };
    let lab = Lab::new();
    let source = (exec(&[&faker]), json!({"count": 20, "seed": 1}));
    let path = lab.text("out.txt");
    let more = json!({"streams": [{"name": "users", "primary_key": "id"}]});
    let file = lab.pipeline((&source.0, source.1), (&file, json!({"path": path})), more);
    lab.good(&["run", file.to_str().unwrap()]);
    let records = records(&lab, "out.txt");
    assert_eq!(records.len(), 20);
    for (at, record) in records.iter().enumerate() {
        assert_eq!(record["operation"], "create");
        assert_eq!(record["metadata"]["opencdc.collection"], "users");
        assert_eq!(record["key"], json!({"id": at + 1}), "{record}");
        assert_eq!(record["payload"]["after"]["id"], at + 1);
    }
}

#[test]
fn a_number_that_the_protocol_cannot_hold_keeps_its_digits() {
    let Some(file) = peer("file") else { return };
    let lab = Lab::new();
    std::fs::write(
        lab.path("in.jsonl"),
        "{\"n\":9007199254740993}\n{\"n\":7}\n",
    )
    .unwrap();
    let source = ("native:jsonl", json!({"path": lab.text("in.jsonl")}));
    let path = lab.text("out.txt");
    let file = lab.pipeline(source, (&file, json!({"path": path})), json!({}));
    lab.good(&["run", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(lab.path("out.txt")).unwrap();
    assert!(text.contains(r#""n":"9007199254740993""#), "{text}");
    assert!(text.contains(r#""n":7}"#), "{text}");
}

#[test]
fn raw_bytes_arrive_as_text() {
    let Some(source) = peer("generator") else {
        return;
    };
    let lab = Lab::new();
    let mut config = generated(10);
    config["format.type"] = json!("raw");
    config["sdk.schema.extract.payload.enabled"] = json!(false);
    config.as_object_mut().unwrap().remove("format.options.at");
    let destination = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = lab.pipeline(
        (&source, config),
        ("native:jsonl", destination),
        until_idle(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    for row in &lab.folders("out")["generator"] {
        let raw: Value = serde_json::from_str(row["raw"].as_str().unwrap()).unwrap();
        assert!(raw["id"].is_number(), "{row}");
    }
    assert_eq!(decoded("aGk="), b"hi");
}

#[test]
fn streams_are_told_apart_and_learnt_on_the_way() {
    let Some(source) = peer("generator") else {
        return;
    };
    let lab = Lab::new();
    let config = json!({
        "collections.users.format.type": "structured", "collections.users.format.options.id": "int",
        "collections.users.operations": "create",
        "collections.orders.format.type": "structured", "collections.orders.format.options.total": "int",
        "collections.orders.operations": "create", "recordCount": 200, "rate": 400});
    let destination = json!({"path": lab.text("out"), "metadata_columns": false});
    let mut more = until_idle();
    more["streams"] = json!([{"name": "users"}]);
    let file = lab.pipeline((&source, config), ("native:jsonl", destination), more);
    let data = lab.good(&["run", file.to_str().unwrap()]);
    let written = lab.folders("out");
    assert_eq!(written.keys().collect::<Vec<_>>(), ["users"], "{data:#}");
    let streams = data["pipelines"][0]["streams"].as_array().unwrap();
    let count = |name: &str, what: &str| {
        let stream = streams
            .iter()
            .find(|s| s["name"] == name || s["stream"] == name);
        stream.and_then(|s| s[what].as_u64()).unwrap_or_default()
    };
    assert_eq!(
        count("users", "written"),
        written["users"].len() as u64,
        "{data:#}"
    );
    assert_eq!(
        count("users", "records") + count("orders", "dropped"),
        200,
        "{data:#}"
    );
}

#[test]
fn a_run_ends_at_a_number_of_records() {
    let Some(source) = peer("generator") else {
        return;
    };
    let lab = Lab::new();
    let destination = json!({"path": lab.text("out"), "metadata_columns": false});
    let more = json!({"settings": {"max_records": 500}});
    let mut config = generated(0);
    config["rate"] = json!(2000);
    let file = lab.pipeline((&source, config), ("native:jsonl", destination), more);
    let data = lab.good(&["run", file.to_str().unwrap()]);
    let counts = &data["pipelines"][0]["streams"][0];
    let read = counts["records"].as_u64().unwrap();
    assert!((500..3_000).contains(&read), "{data:#}");
    assert_eq!(counts["written"], read);
    assert_eq!(counts["committed"], read);
}

#[test]
fn the_log_destination_takes_records() {
    let (Some(source), Some(log)) = (peer("generator"), peer("log")) else {
        return;
    };
    let lab = Lab::new();
    let file = lab.pipeline(
        (&source, generated(20)),
        (&log, json!({"level": "info"})),
        until_idle(),
    );
    let data = lab.good(&["run", file.to_str().unwrap()]);
    assert_eq!(
        data["pipelines"][0]["streams"][0]["written"], 20,
        "{data:#}"
    );
}
