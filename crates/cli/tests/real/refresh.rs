//! Streams that are read anew and streams that are emptied (Airbyte §3.9): what destinations are told, what stands
//! there afterwards, and what the next run begins with.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{Lab, program, sdk_destination};
use crate::script::{Script, code, line, source, stream};

fn steps(names: &[&str]) -> Value {
    let mut steps = vec![json!(["show", "a"])];
    for name in names {
        steps.push(json!(["records", name, 2]));
        steps.push(json!(["state", name, {"n": 2}]));
    }
    let streams: Vec<_> = names.iter().map(|name| stream(name)).collect();
    source(&streams, &Value::Array(steps))
}

/// `(generation_id, minimum_generation_id)` of a stream in the catalog of the last run.
fn copy(script: &Script, name: &str) -> (i64, i64) {
    let catalog = script.catalog();
    let streams = catalog["streams"].as_array().unwrap();
    let stream = streams
        .iter()
        .find(|s| s["stream"]["name"] == name)
        .unwrap();
    let id = |key: &str| stream[key].as_i64().unwrap();
    (id("generation_id"), id("minimum_generation_id"))
}

/// What the source of the last run was given to resume from.
fn given(script: &Script) -> Value {
    script.received_of("RECORD")[0]["data"]["state"].clone()
}

#[test]
fn a_refresh_reads_the_streams_named_anew_and_keeps_or_drops_old_rows() {
    let modes = |more: Value| {
        let mut stream =
            json!({"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"});
        stream
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"streams": [stream]})
    };
    // The flag, what the pipeline says, and what becomes of the rows of before.
    let cases: [(&[&str], Value, bool); 5] = [
        (&[], json!({}), false),
        (&["--mode", "merge"], json!({"refresh": "truncate"}), false),
        (&["--mode", "truncate"], json!({}), true),
        (&[], json!({"refresh": "truncate"}), true),
        (&["--stream", "a", "--mode", "truncate"], json!({}), true),
    ];
    for (flags, more, truncates) in cases {
        let script = Script::new();
        let more = modes(more);
        script.good(steps(&["a", "b"]), "echo", more.clone());
        let (before, other) = (copy(&script, "a").0, copy(&script, "b").0);
        let mut words = vec!["refresh", "p"];
        words.extend(flags);
        script.command(&words);
        let envelope = script.run(steps(&["a", "b"]), "die", more.clone());
        assert_eq!(envelope["ok"], false);
        // What was begun goes on in the next run, though the first failed.
        script.good(steps(&["a", "b"]), "echo", more.clone());
        let (generation, minimum) = copy(&script, "a");
        assert!(generation > before, "{flags:?}");
        assert_eq!(minimum, if truncates { generation } else { 0 }, "{flags:?}");
        let alone = flags.contains(&"--stream");
        assert_eq!(copy(&script, "b").0 == other, alone, "{flags:?}");
        script.good(steps(&["a", "b"]), "echo", more);
        assert_eq!(copy(&script, "a"), (generation, 0), "{flags:?}: only once");
    }
}

#[test]
fn the_source_of_a_refreshed_stream_is_given_no_state_of_it() {
    let script = Script::new();
    let more = json!({"streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}]});
    script.good(steps(&["a", "b"]), "echo", more.clone());
    script.command(&["refresh", "p", "--stream", "a"]);
    script.good(steps(&["a", "b"]), "echo", more);
    let given = given(&script);
    let names: Vec<_> = given
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["stream"]["stream_descriptor"]["name"])
        .collect();
    assert_eq!(names, ["b"], "{given}");
}

fn whole(state: &str) -> Value {
    let steps = json!([
        ["show", "a"],
        ["records", "a", 2],
        ["records", "b", 2],
        line(&format!(r#"{{"type":"STATE","state":{state}}}"#))
    ]);
    source(&[stream("a"), stream("b")], &steps)
}

const GLOBAL: &str = r#"{"type":"GLOBAL","global":{"shared_state":{"lsn":12345678901234567890123},"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{"n":1}},{"stream_descriptor":{"name":"b"},"stream_state":{"n":1}}]}}"#;
const LEGACY: &str = r#"{"type":"LEGACY","data":{"a":1,"b":1}}"#;

#[test]
fn a_state_of_the_whole_source_loses_parts_or_goes_or_cannot_be_divided() {
    let more = json!({"streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}]});
    for command in ["refresh", "clear"] {
        let target = |script: &Script| match command {
            "refresh" => "p".to_owned(),
            _ => script.file(),
        };
        // One stream: its part goes, and what they share stays.
        let script = Script::new();
        script.good(whole(GLOBAL), "echo", more.clone());
        let file = target(&script);
        script.command(&[command, &file, "--stream", "a"]);
        let text = script.exported_text();
        assert!(
            text.contains("12345678901234567890123"),
            "{command}: {text}"
        );
        assert!(
            text.contains(r#""name":"b""#) && !text.contains(r#""name":"a""#),
            "{text}"
        );
        // All of them: nothing is left.
        script.command(&[command, &file]);
        assert_eq!(script.exported(), json!([]), "{command}");
        script.good(whole(GLOBAL), "echo", more.clone());
        assert_eq!(given(&script), Value::Null);
        // One piece: all or nothing.
        let script = Script::new();
        script.good(whole(LEGACY), "echo", more.clone());
        let file = target(&script);
        let envelope = script.try_command(&[command, &file, "--stream", "a"]);
        assert_eq!(code(&envelope), "store.state_indivisible", "{envelope:#}");
        assert!(script.exported_text().contains(r#""LEGACY""#));
        script.command(&[command, &file]);
        assert_eq!(script.exported(), json!([]), "{command}");
    }
}

#[test]
fn a_clear_tells_the_destination_to_drop_everything_and_sends_nothing() {
    let script = Script::new();
    let more = json!({"streams": [{"name": "*", "sync_mode": "incremental", "destination_sync_mode": "append"}]});
    script.good(steps(&["a", "b"]), "echo", more.clone());
    let (a, b) = (copy(&script, "a").0, copy(&script, "b").0);
    script.command(&["clear", &script.file(), "--stream", "a"]);
    assert_eq!(copy(&script, "a"), (a + 1, a + 1));
    let catalog = script.catalog();
    assert_eq!(
        catalog["streams"].as_array().unwrap().len(),
        1,
        "{catalog:#}"
    );
    // It does not say that it keeps generations, so it is told in the old way as well.
    assert_eq!(catalog["streams"][0]["destination_sync_mode"], "overwrite");
    assert!(script.received_of("RECORD").is_empty() && script.received_of("STATE").is_empty());
    let told = script.received_of("TRACE");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["stream_status"]["status"], "COMPLETE");
    let runs = script.command(&["runs"]);
    assert_eq!(runs[0]["kind"], "clear", "{runs:#}");
    // The next run reads it from the beginning, and only that one.
    script.good(steps(&["a", "b"]), "echo", more);
    assert_eq!(copy(&script, "a"), (a + 2, 0));
    assert_eq!(copy(&script, "b"), (b, 0));
    assert_eq!(
        given(&script)[0]["stream"]["stream_descriptor"]["name"],
        "b"
    );
}

#[test]
fn what_an_unknown_pipeline_wrote_cannot_be_cleared() {
    let script = Script::new();
    script.good(steps(&["a"]), "echo", json!({}));
    let envelope = script.try_command(&["clear", &script.file(), "--stream", "aa"]);
    assert_eq!(code(&envelope), "store.unknown_stream");
    let envelope = script.try_command(&["refresh", "q"]);
    assert_eq!(code(&envelope), "store.unknown_pipeline");
}

fn rows(lab: &Lab, sql: &str) -> Option<String> {
    let sqlite = program("CROSSDOCK_TEST_SQLITE3")?;
    let asked = Command::new(sqlite)
        .arg(lab.path("out.db"))
        .arg(sql)
        .output()
        .unwrap();
    assert!(asked.status.success(), "{asked:?}");
    Some(String::from_utf8(asked.stdout).unwrap().trim().to_owned())
}

#[test]
fn native_destinations_are_emptied_and_filled_again() {
    for mode in ["append", "append_dedup"] {
        let lab = Lab::new();
        let config = json!({"count": 30, "streams": ["users", "orders"]});
        let more =
            json!({"streams": [{"name": "*", "destination_sync_mode": mode, "primary_key": "id"}]});
        let file = lab.pipeline(
            ("native:sample", config),
            ("native:sqlite", json!({"path": lab.text("out.db")})),
            more,
        );
        let file = file.to_str().unwrap();
        lab.good(&["run", file]);
        let count = |table: &str| rows(&lab, &format!("SELECT count(*) FROM {table}"));
        let Some(users) = count("users") else { return };
        assert_eq!(users, "30", "{mode}");
        lab.good(&["clear", file, "--stream", "users"]);
        assert_eq!(count("users").as_deref(), Some("0"), "{mode}");
        assert_eq!(count("orders").as_deref(), Some("30"), "{mode}");
        lab.good(&["run", file]);
        assert_eq!(count("users").as_deref(), Some("30"), "{mode}");
        // Anew, beside the rows of before or in their place; with a key it is one row each way.
        lab.good(&["refresh", "p", "--stream", "users"]);
        lab.good(&["run", file]);
        let merged = if mode == "append" { "60" } else { "30" };
        assert_eq!(count("users").as_deref(), Some(merged), "{mode}");
        lab.good(&["refresh", "p", "--mode", "truncate"]);
        lab.good(&["run", file]);
        assert_eq!(count("users").as_deref(), Some("30"), "{mode}");
        assert_eq!(count("orders").as_deref(), Some("30"), "{mode}");
        lab.good(&["clear", file]);
        assert_eq!(count("users").as_deref(), Some("0"), "{mode}");
        assert_eq!(count("orders").as_deref(), Some("0"), "{mode}");
    }
}

#[test]
fn files_are_emptied_and_filled_again() {
    let lab = Lab::new();
    let config = json!({"count": 30, "streams": ["users", "orders"]});
    let more = json!({"streams": [{"name": "*", "destination_sync_mode": "append"}]});
    let file = lab.pipeline(
        ("native:sample", config),
        ("native:jsonl", json!({"path": lab.text("out")})),
        more,
    );
    let file = file.to_str().unwrap();
    let count = |name: &str| lab.folders("out").get(name).map_or(0, Vec::len);
    lab.good(&["run", file]);
    lab.good(&["refresh", "p"]);
    lab.good(&["run", file]);
    assert_eq!((count("users"), count("orders")), (60, 60));
    lab.good(&["refresh", "p", "--mode", "truncate", "--stream", "users"]);
    lab.good(&["run", file]);
    assert_eq!((count("users"), count("orders")), (30, 60));
    lab.good(&["clear", file, "--stream", "orders"]);
    assert_eq!((count("users"), count("orders")), (30, 0));
    lab.good(&["run", file]);
    assert_eq!((count("users"), count("orders")), (30, 30));
}

/// A destination on Airbyte's own SDK, which knows `overwrite` and nothing of generations.
#[test]
fn a_clear_of_a_destination_on_the_sdk() {
    let Some(destination) = sdk_destination() else {
        return;
    };
    let lab = Lab::new();
    let notes = Path::new(&lab.text("catalogs")).to_owned();
    let config = json!({"path": lab.text("out.jsonl"), "catalogs": notes});
    let more = json!({"streams": [{"name": "users", "sync_mode": "incremental", "destination_sync_mode": "append"}]});
    let sample = json!({"count": 5, "streams": ["users"]});
    let file = lab.pipeline(("native:sample", sample), (&destination, config), more);
    let file = file.to_str().unwrap();
    lab.good(&["run", file]);
    lab.good(&["refresh", "p", "--mode", "truncate"]);
    lab.good(&["run", file]);
    lab.good(&["clear", file]);
    let noted = std::fs::read_to_string(&notes).unwrap();
    let noted: Vec<Value> = noted
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let stream = |at: usize| &noted[at]["streams"][0];
    let ids = |at: usize| {
        (
            &stream(at)["generation_id"],
            &stream(at)["minimum_generation_id"],
            &stream(at)["destination_sync_mode"],
        )
    };
    assert_eq!(ids(0), (&json!(0), &json!(0), &json!("append")));
    assert_eq!(ids(1), (&json!(1), &json!(1), &json!("append")));
    assert_eq!(ids(2), (&json!(2), &json!(2), &json!("overwrite")));
    assert_eq!(
        lab.lines("out.jsonl")["users"].len(),
        10,
        "the clear sent nothing"
    );
}
