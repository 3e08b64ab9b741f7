//! Strangers run by Crossdock.

use serde_json::{Value, json};

use super::{go, ids, once, own, payloads, python, written};
use crate::lab::{Lab, stream};

fn all(count: u64) -> Vec<u64> {
    (1..=count).collect()
}

#[test]
fn messages_arrive_as_they_were_sent_and_each_once() {
    for checkpoint in ["before", "after", "each", "none"] {
        let lab = Lab::new();
        let file = lab.pipeline(
            (
                &python("source"),
                json!({"count": 2345, "checkpoint": checkpoint, "log": true, "payload_bytes": 300}),
            ),
            (&python("sink"), json!({"path": lab.text("out")})),
            once(),
        );
        let data = lab.good(&["run", file.to_str().unwrap()]);
        let messages = written(&lab, "out");
        let rows = payloads(&messages);
        assert_eq!(ids(&rows), all(2345), "{checkpoint}");
        let text = messages[2344]["data"].as_str().unwrap();
        // Beyond 2^53: digit by digit.
        let amount = 2345_u128 * 12_345_678_901_234_567;
        assert!(text.contains(&format!("\"amount\":{amount},")), "{text}");
        assert_eq!(
            messages[0]["metadata"],
            json!({"table": "rows", "operation": "insert", "id": 1})
        );
        assert_eq!(messages[0]["timestamp"], "2024-01-15T10:30:01Z");
        let counts = stream(&data, "source");
        assert_eq!(counts["committed"], 2345, "{data:#}");
        // What has a checkpoint goes on after it; what has none begins anew.
        lab.good(&["run", file.to_str().unwrap()]);
        let again = match checkpoint {
            "none" => 2 * 2345,
            _ => 2345,
        };
        assert_eq!(written(&lab, "out").len(), again, "{checkpoint}");
    }
}

#[test]
fn tables_become_streams_with_columns() {
    let lab = Lab::new();
    let destination = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = lab.pipeline(
        (&python("source"), json!({"count": 50, "table": "orders"})),
        ("native:jsonl", destination),
        once(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    let rows = &lab.folders("out")["orders"];
    assert_eq!(ids(rows), all(50));
    let listed = lab.good(&["discover", &python("source"), "--config", r#"{"count": 5}"#]);
    let schema = listed["streams"][0]["json_schema"]["properties"].clone();
    assert_eq!(
        schema["id"]["type"],
        json!(["null", "integer"]),
        "{listed:#}"
    );
}

#[test]
fn the_smallest_source_there_can_be() {
    let lab = Lab::new();
    let source = format!("dataflow:exec:{}", own("stranger/source.sh"));
    let file = lab.pipeline(
        (&source, json!({})),
        (&python("sink"), json!({"path": lab.text("out")})),
        once(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    let messages = written(&lab, "out");
    assert_eq!(ids(&payloads(&messages)), all(20));
    // What the page has and the source left out.
    assert_eq!(messages[0]["metadata"], json!({}));
    assert!(messages[0]["timestamp"].as_str().unwrap().ends_with('Z'));
    // It neither hangs nor reads on where nothing is committed.
    let preview = lab.good(&["preview", &source]);
    assert_eq!(
        preview["records"].as_array().unwrap().len(),
        7,
        "{preview:#}"
    );
}

#[test]
fn a_sink_with_the_default_scanner_of_go_gets_lines_that_it_can_read() {
    let Some(go) = go() else { return };
    let lab = Lab::new();
    let file = lab.pipeline(
        (
            &python("source"),
            json!({"count": 1500, "payload_bytes": 700, "checkpoint": "before"}),
        ),
        (&go, json!({"path": lab.text("out")})),
        once(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    let text = std::fs::read_to_string(lab.path("out")).unwrap();
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ids(&rows), all(1500));
    // One message that is too long for it cannot be helped, and the error is the sink's own.
    let lab = Lab::new();
    let file = lab.pipeline(
        (
            &python("source"),
            json!({"count": 1, "payload_bytes": 70_000}),
        ),
        (&go, json!({"path": lab.text("long")})),
        once(),
    );
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    let error = envelope["error"].to_string();
    assert!(error.contains("token too long"), "{envelope:#}");
}

#[test]
fn a_source_in_go_resumes_from_its_own_kind_of_checkpoint() {
    let Some(go) = go() else { return };
    let lab = Lab::new();
    let mut more = once();
    let run = |more: &Value| {
        let file = lab.pipeline(
            (
                &go,
                json!({"count": 900, "batch": 50, "topic": "t", "prefix": "é\n\"x"}),
            ),
            (&python("sink"), json!({"path": lab.text("out")})),
            more.clone(),
        );
        lab.good(&["run", file.to_str().unwrap()])
    };
    more["settings"]["max_records"] = json!(300);
    run(&more);
    let first = written(&lab, "out").len();
    assert!((300..900).contains(&first), "{first}");
    more["settings"]
        .as_object_mut()
        .unwrap()
        .remove("max_records");
    run(&more);
    let messages = written(&lab, "out");
    let rows = payloads(&messages);
    assert_eq!(ids(&rows).len(), 900);
    let mut unique = ids(&rows);
    unique.dedup();
    assert_eq!(unique.len(), 900);
    assert_eq!(rows[0]["text"], format!("é\n\"x{}", rows[0]["id"]));
    assert_eq!(messages[0]["metadata"]["topic"], "t");
}

#[test]
fn a_batch_that_is_refused_is_halved_until_the_bad_messages_are_found() {
    let lab = Lab::new();
    let mut more = once();
    more["dead_letters"] = json!({"path": lab.text("letters.jsonl"), "window_size": 0});
    let refuse = json!(["\"id\":17,", "\"id\":400,", "\"id\":999,"]);
    let file = lab.pipeline(
        (
            &python("source"),
            json!({"count": 1000, "checkpoint": "each"}),
        ),
        (
            &python("sink"),
            json!({"path": lab.text("out"), "refuse": refuse}),
        ),
        more,
    );
    let data = lab.good(&["run", file.to_str().unwrap()]);
    let good: Vec<u64> = all(1000)
        .into_iter()
        .filter(|id| ![17, 400, 999].contains(id))
        .collect();
    assert_eq!(ids(&payloads(&written(&lab, "out"))), good, "{data:#}");
    let letters = std::fs::read_to_string(lab.path("letters.jsonl")).unwrap();
    assert_eq!(letters.lines().count(), 3, "{letters}");
    for (line, id) in letters.lines().zip([17, 400, 999]) {
        assert!(line.contains(&format!("\"id\":{id},")), "{line}");
        assert!(line.contains("data contains"), "{line}");
    }
    // Nobody keeps them: the first refusal ends the run, in the sink's own words.
    let lab = Lab::new();
    let file = lab.pipeline(
        (&python("source"), json!({"count": 100})),
        (
            &python("sink"),
            json!({"path": lab.text("out"), "refuse": refuse}),
        ),
        once(),
    );
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    assert!(
        envelope.to_string().contains("data contains"),
        "{envelope:#}"
    );
}

#[test]
fn a_write_that_may_work_later_is_tried_again() {
    let lab = Lab::new();
    let file = lab.pipeline(
        (&python("source"), json!({"count": 100})),
        (
            &python("sink"),
            json!({"path": lab.text("out"), "fail_writes": 2}),
        ),
        once(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    assert_eq!(ids(&payloads(&written(&lab, "out"))), all(100));
}

#[test]
fn what_crashes_is_started_again_from_the_last_durable_checkpoint() {
    for (source, sink) in [
        (json!({"crash_after": 137}), json!({})),
        (json!({}), json!({"crash_after": 41})),
    ] {
        for checkpoint in ["before", "after", "each"] {
            let lab = Lab::new();
            let mut config = json!({"count": 400, "checkpoint": checkpoint, "batch": 50,
                "crash_once_file": lab.text("crashed")});
            config
                .as_object_mut()
                .unwrap()
                .extend(source.as_object().unwrap().clone());
            let mut to = json!({"path": lab.text("out"), "crash_once_file": lab.text("crashed")});
            to.as_object_mut()
                .unwrap()
                .extend(sink.as_object().unwrap().clone());
            let file = lab.pipeline(
                (&python("source"), config),
                (&python("sink"), to),
                json!({"settings": {"retries": {"backoff": "0s"}, "commit_interval": "0s"}}),
            );
            lab.good(&["run", file.to_str().unwrap()]);
            assert!(lab.path("crashed").exists(), "nothing crashed");
            let mut seen = ids(&payloads(&written(&lab, "out")));
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, all(400), "{checkpoint}");
        }
    }
}

#[test]
fn a_run_that_streams_goes_on_asking_until_it_is_told_to_end() {
    let lab = Lab::new();
    let checkpoint = json!({"type": "checkpoint", "data": "here"});
    let message = json!({"type": "message", "data": "{\"id\":1}"});
    let read = json!([message, checkpoint, {"type": "done"}]);
    let config = json!({"log": lab.text("commands"), "pollInterval": 0.01,
        "answers": {"read": [read, [{"type": "done"}]]}});
    let source = format!("dataflow:exec:python3 {}", own("scripted.py"));
    let file = lab.pipeline(
        (&source, config),
        (&python("sink"), json!({"path": lab.text("out")})),
        json!({"settings": {"mode": "stream"}}),
    );
    let mut engine = lab.spawn(&["run", file.to_str().unwrap()]);
    let began = std::time::Instant::now();
    let reads = || {
        written(&lab, "commands")
            .iter()
            .filter(|c| c["cmd"] == "read")
            .count()
    };
    // A sync would have ended with the first empty one.
    while reads() < 20 || written(&lab, "out").is_empty() {
        assert!(began.elapsed().as_secs() < 30, "it does not go on");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let pid = engine.id().to_string();
    let status = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(status.unwrap().success());
    // It was asked to end, and says so.
    assert_eq!(engine.wait().unwrap().code(), Some(130));
    let state = lab.good(&["state", "show", "p"]);
    assert!(state.to_string().contains("here"), "{state:#}");
    assert_eq!(written(&lab, "commands").last().unwrap()["cmd"], "close");
}

#[test]
fn types_are_found_in_the_documented_order() {
    let lab = Lab::new();
    let program = |folder: &str, rows: &str| {
        let folder = lab.path(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("dataflow-connector-tiny");
        let script = format!(
            "#!/bin/sh\nROWS={rows} exec {}\n",
            own("stranger/source.sh")
        );
        std::fs::write(&path, script).unwrap();
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("connectors", "3");
    let destination = json!({"path": lab.text("out"), "metadata_columns": false});
    let file = lab.pipeline(
        ("dataflow:tiny", json!({})),
        ("native:jsonl", destination),
        once(),
    );
    let run = |folders: &str| {
        let mut command = lab.command(&["run", file.to_str().unwrap()]);
        let output = command
            .env("DATAFLOW_CONNECTOR_PATH", folders)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        lab.folders("out")["tiny"].len()
    };
    assert_eq!(run(""), 3);
    // It sends no checkpoints, so it begins anew.
    program("first", "5");
    assert_eq!(run(&lab.text("first")), 3 + 5);
    let file = lab.pipeline(
        ("dataflow:absent", json!({})),
        ("native:null", json!({})),
        once(),
    );
    let envelope = lab.run(&["run", file.to_str().unwrap()]);
    let error = envelope["error"].to_string();
    assert!(
        error.contains("/usr/local/lib/dataflow/connectors"),
        "{error}"
    );
    // Of a type that has no program the native connector is taken.
    let file = lab.pipeline(
        ("dataflow:sample", json!({"count": 3})),
        ("native:null", json!({})),
        once(),
    );
    lab.good(&["run", file.to_str().unwrap()]);
}
