//! Records that a destination of Conduit refuses.

use serde_json::{Value, json};

use super::peer;
use crate::lab::Lab;
use crate::script::code;

/// A pipeline whose destination takes only so many records.
fn pipeline(lab: &Lab, chaos: &str, takes: Option<u64>, dead_letters: Value) -> String {
    let bad = takes.map_or(
        json!({}),
        |takes| json!({"write": "error", "records": takes}),
    );
    let mut more = json!({"settings": {
        "until_idle": "1s", "retries": {"complete_failures": 1, "partial_failures": 1}}});
    if !dead_letters.is_null() {
        more["dead_letters"] = dead_letters;
    }
    let source = (chaos, json!({"records": 10}));
    let file = lab.pipeline(source, (chaos, bad), more);
    file.to_str().unwrap().to_owned()
}

#[test]
fn they_are_kept_listed_shown_and_replayed() {
    let Some(chaos) = peer("chaos") else { return };
    let lab = Lab::new();
    let file = pipeline(&lab, &chaos, Some(5), json!({}));
    let envelope = lab.run(&["run", &file]);
    assert_eq!(code(&envelope), "ok", "{envelope:#}");
    let counts = &envelope["data"]["pipelines"][0]["streams"][0];
    let refused = counts["dead_lettered"].as_u64().unwrap();
    assert!(refused > 0, "{envelope:#}");
    assert_eq!(counts["committed"], 10, "{envelope:#}");
    assert_eq!(counts["written"], 10 - refused, "P6: {envelope:#}");

    let listed = lab.run(&["dlq", "list", &file]);
    let letters = listed["data"].as_array().unwrap();
    assert_eq!(letters.len() as u64, refused, "{listed:#}");
    let first = &letters[0];
    assert_eq!(first["connector"], chaos, "{first:#}");
    assert_eq!(
        (&first["pipeline"], &first["run"]),
        (&json!("p"), &json!(1))
    );
    let reason = first["reason"].as_str().unwrap();
    assert!(
        reason.contains("write failed as it was told to"),
        "{reason}"
    );
    assert!(first["record"]["after"].is_object(), "{first:#}");

    let number = first["number"].to_string();
    let shown = lab.run(&["dlq", "show", &file, &number]);
    assert_eq!(shown["data"], *first);

    // As long as nothing is put right, nothing is crossed out.
    let file = pipeline(&lab, &chaos, Some(0), json!({}));
    let envelope = lab.run(&["dlq", "replay", &file]);
    assert_eq!(code(&envelope), "connector.refused_record", "{envelope:#}");
    assert_eq!(lab.run(&["dlq", "list", &file])["data"], listed["data"]);

    let file = pipeline(&lab, &chaos, None, json!({}));
    let envelope = lab.run(&["dlq", "replay", &file, "--letter", &number]);
    assert_eq!(
        envelope["data"]["pipelines"][0]["replayed"], 1,
        "{envelope:#}"
    );
    let envelope = lab.run(&["dlq", "replay", &file]);
    assert_eq!(
        envelope["data"]["pipelines"][0]["replayed"],
        refused - 1,
        "{envelope:#}"
    );
    assert_eq!(lab.run(&["dlq", "list", &file])["data"], json!([]));
    let all = lab.run(&["dlq", "list", &file, "--all"]);
    assert_eq!(all["data"], listed["data"]);

    // Each replay was a run, so that no other could write meanwhile.
    let runs = lab.run(&["runs"]);
    let runs = runs["data"].as_array().unwrap().iter();
    let status: Vec<&str> = runs.map(|run| run["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["succeeded", "succeeded", "failed", "succeeded"]);
}

#[test]
fn too_many_end_the_run_and_the_file_may_be_anywhere() {
    let Some(chaos) = peer("chaos") else { return };
    let lab = Lab::new();
    let path = lab.path("letters/here.jsonl");
    let window = json!({"path": path, "window_size": 10, "window_nack_threshold": 1});
    let file = pipeline(&lab, &chaos, Some(5), window);
    let envelope = lab.run(&["run", &file]);
    assert_eq!(code(&envelope), "run.dead_letters_exceeded", "{envelope:#}");
    let listed = lab.run(&["dlq", "list", &file]);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed:#}");
    assert!(path.exists());
}
