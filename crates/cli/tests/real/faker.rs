//! airbyte-source-faker: full refresh, incremental, and into files.

use serde_json::{Value, json};

use crate::lab::{Lab, exec, program, stream};

fn config(count: u64) -> Value {
    json!({"count": count, "seed": 7, "always_updated": false, "records_per_slice": 50, "parallelism": 1})
}

fn ids(records: &[Value]) -> Vec<u64> {
    records.iter().map(|r| r["id"].as_u64().unwrap()).collect()
}

#[test]
fn a_second_run_reads_only_what_is_new() {
    let Some(faker) = program("CROSSDOCK_TEST_FAKER") else {
        return;
    };
    let lab = Lab::new();
    let faker = exec(&[&faker]);
    let out = || ("native:jsonl", json!({"path": lab.text("lake")}));
    let file = lab.pipeline((&faker, config(120)), out(), json!({}));
    let file = file.to_str().unwrap();
    let first = lab.good(&["run", file]);
    assert_eq!(stream(&first, "users")["records"], 120);
    assert_eq!(
        ids(&lab.folders("lake")["users"]),
        (1..=120).collect::<Vec<_>>()
    );
    let again = lab.good(&["run", file]);
    assert_eq!(stream(&again, "users")["records"], 0);
    let state = lab.good(&["state", "export", "p"]);
    assert!(state.to_string().contains("loop_offset"), "{state}");
    let user = &lab.folders("lake")["users"][0];
    assert!(
        user["address"]["city"].is_string() && user["_airbyte_raw_id"].is_string(),
        "{user}"
    );
}

#[test]
fn a_full_refresh_replaces_what_was_there() {
    let Some(faker) = program("CROSSDOCK_TEST_FAKER") else {
        return;
    };
    let lab = Lab::new();
    let faker = exec(&[&faker]);
    let streams = json!({"streams": [
        {"name": "users", "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}]});
    let out = || ("native:jsonl", json!({"path": lab.text("lake")}));
    let file = lab.pipeline((&faker, config(40)), out(), streams.clone());
    let file = file.to_str().unwrap();
    for _ in 0..2 {
        lab.good(&["run", file]);
        assert_eq!(
            ids(&lab.folders("lake")["users"]),
            (1..=40).collect::<Vec<_>>()
        );
    }
    assert!(
        !lab.path("lake/products").exists(),
        "only the selected stream is read"
    );
}

#[test]
fn selected_fields_only() {
    let Some(faker) = program("CROSSDOCK_TEST_FAKER") else {
        return;
    };
    let lab = Lab::new();
    let streams = json!({"streams": [{"name": "users", "fields": ["id", "name", "updated_at"]}], "prefix": "raw_"});
    let out = (
        "native:jsonl",
        json!({"path": lab.text("lake"), "metadata_columns": false}),
    );
    let file = lab.pipeline((&exec(&[&faker]), config(10)), out, streams);
    lab.good(&["run", file.to_str().unwrap()]);
    let user = &lab.folders("lake")["raw_users"][0];
    let keys: Vec<_> = user
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, ["id", "updated_at", "name"]);
}

#[test]
fn a_config_that_the_spec_refuses_never_reaches_the_connector() {
    let Some(faker) = program("CROSSDOCK_TEST_FAKER") else {
        return;
    };
    let lab = Lab::new();
    let out = ("native:null", json!({}));
    let file = lab.pipeline((&exec(&[&faker]), json!({"count": "many"})), out, json!({}));
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    assert_eq!(
        envelope["error"]["code"], "config.violates_spec",
        "{envelope:#}"
    );
    assert!(
        envelope["error"].to_string().contains("count"),
        "{envelope:#}"
    );
}
