//! airbyte-source-file on a local file.

use serde_json::json;

use crate::lab::{Lab, exec, program};

#[test]
fn a_local_csv_file_arrives() {
    let Some(source) = program("CROSSDOCK_TEST_FILE") else {
        return;
    };
    let lab = Lab::new();
    let rows: String = (0..500)
        .map(|i| format!("{i},name {i},{}.5\n", i * 2))
        .collect();
    std::fs::write(lab.path("people.csv"), format!("id,name,score\n{rows}")).unwrap();
    let config = json!({
        "dataset_name": "people",
        "format": "csv",
        "url": lab.text("people.csv"),
        "provider": {"storage": "local"},
    });
    let out = ("native:jsonl", json!({"path": lab.text("lake")}));
    let file = lab.pipeline((&exec(&[&source]), config), out, json!({}));
    lab.good(&["run", file.to_str().unwrap()]);
    let people = &lab.folders("lake")["people"];
    assert_eq!(people.len(), 500);
    assert_eq!(
        (&people[499]["name"], &people[499]["score"]),
        (&json!("name 499"), &json!(998.5))
    );
}
