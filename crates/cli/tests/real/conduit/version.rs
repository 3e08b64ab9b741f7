//! Connectors of version 1 and of version 2 in all pairs.

use serde_json::{Value, json};

use super::{generated, peer, position, records, until_idle};
use crate::lab::Lab;

#[test]
fn records_of_either_version_reach_either_version_as_they_were() {
    for source in ["generator", "generator-v1"] {
        for destination in ["file", "file-v1"] {
            let (Some(from), Some(to)) = (peer(source), peer(destination)) else {
                return;
            };
            let lab = Lab::new();
            let mut config = generated(300);
            // An old destination knows no schemas.
            config["sdk.schema.extract.payload.enabled"] = json!(false);
            config["sdk.schema.extract.key.enabled"] = json!(false);
            if source == "generator-v1" {
                config = json!({
                    "format.type": "structured", "format.options.id": "int",
                    "format.options.name": "string", "recordCount": 300});
            } else {
                // A time is no value of this protocol without a schema.
                config.as_object_mut().unwrap().remove("format.options.at");
            }
            let path = lab.text("out.txt");
            let file = lab.pipeline((&from, config), (&to, json!({"path": path})), until_idle());
            let data = lab.good(&["run", file.to_str().unwrap()]);
            let counts = &data["pipelines"][0]["streams"][0];
            assert_eq!(
                counts["written"], 300,
                "{source} to {destination}: {data:#}"
            );
            let positions: Vec<String> = records(&lab, "out.txt").iter().map(position).collect();
            let expected: Vec<String> = (1..=300).map(|n| n.to_string()).collect();
            assert_eq!(positions, expected, "{source} to {destination}");
        }
    }
}

#[test]
fn a_preview_of_a_source_without_an_end_shows_what_is_there() {
    let Some(source) = peer("file") else { return };
    let lab = Lab::new();
    std::fs::write(lab.path("in.txt"), "one\ntwo\n").unwrap();
    let config = json!({"path": lab.text("in.txt")}).to_string();
    let data = lab.good(&["preview", &source, "--config", &config]);
    assert_eq!(data["records"].as_array().unwrap().len(), 2, "{data}");
}

#[test]
fn a_source_resumes_where_the_last_record_was_committed() {
    let Some(source) = peer("file") else { return };
    let lab = Lab::new();
    let write = |text: &str| std::fs::write(lab.path("in.txt"), text).unwrap();
    write("one\ntwo\n");
    let (from, to) = (lab.text("in.txt"), lab.text("out"));
    let file = lab.pipeline(
        (&source, json!({"path": from})),
        (
            "native:jsonl",
            json!({"path": to, "metadata_columns": false}),
        ),
        until_idle(),
    );
    let run = || lab.good(&["run", file.to_str().unwrap()]);
    run();
    assert_eq!(
        lab.folders("out")["file"],
        [json!({"raw": "one"}), json!({"raw": "two"})]
    );
    write("one\ntwo\nthree\n");
    let data = run();
    assert_eq!(data["pipelines"][0]["streams"][0]["records"], 1, "{data:#}");
    assert_eq!(lab.folders("out")["file"].len(), 3);
    let state = lab.good(&["state", "export", "p"]);
    assert_eq!(state[0]["type"], "POSITION", "{state:#}");
    // What is handed back by hand is where it goes on.
    let nothing = run();
    assert_eq!(
        nothing["pipelines"][0]["streams"],
        Value::Array(Vec::new()),
        "{nothing:#}"
    );
}
