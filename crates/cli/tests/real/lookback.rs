//! Rows that come late are read again by `lookback`, and nothing is there twice.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{Lab, exec, program};

/// What `sqlite3` says to a statement.
fn sqlite(program: &str, database: &str, statement: &str) -> String {
    let output = Command::new(program)
        .args([database, statement])
        .output()
        .unwrap();
    assert!(output.status.success(), "{statement}: {output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .trim()
        .replace('\n', " ")
}

/// Runs a pipeline into SQLite, with a window or without, and returns the keys that are there and the records
/// that were read.
fn moved(
    lab: &Lab,
    sqlite3: &str,
    source: (&str, Value),
    lookback: Option<Value>,
) -> (String, u64) {
    let mut stream = json!({"name": "rows", "sync_mode": "incremental", "cursor_field": "at",
        "destination_sync_mode": "append_dedup", "primary_key": "id"});
    if let Some(lookback) = lookback {
        stream["lookback"] = lookback;
    }
    let out = lab.text("out.db");
    let destination = ("native:sqlite", json!({"path": out}));
    let file = lab.pipeline(source, destination, json!({"streams": [stream]}));
    let data = lab.good(&["run", file.to_str().unwrap()]);
    let records = crate::lab::stream(&data, "rows")["records"]
        .as_u64()
        .unwrap();
    let ids = sqlite(sqlite3, &out, "SELECT id FROM rows ORDER BY id, rowid");
    (ids, records)
}

#[test]
fn rows_that_come_late_in_a_table_are_read() {
    let Some(sqlite3) = program("CROSSDOCK_TEST_SQLITE3") else {
        return;
    };
    let day = "1d";
    for (values, late, window) in [
        (
            ["'2024-01-01 10:00:00'", "'2024-01-03 10:00:00'"],
            "'2024-01-02 10:00:00'",
            json!(day),
        ),
        // The very begin of the window belongs to it.
        (["'2024-01-01'", "'2024-01-03'"], "'2024-01-02'", json!(day)),
        (["100", "300"], "201", json!(100)),
        (["100", "300"], "200", json!(100)),
    ] {
        let lab = Lab::new();
        let database = lab.text("in.db");
        let [first, last] = values;
        let of = |statement: &str| sqlite(&sqlite3, &database, statement);
        of(&format!(
            "CREATE TABLE rows (id INTEGER PRIMARY KEY, at); INSERT INTO rows VALUES (1, {first}), (5, {last})"
        ));
        let source = || {
            (
                "native:sqlite",
                json!({"path": database, "tables": ["rows"]}),
            )
        };
        let run = |window: Option<Value>| moved(&lab, &sqlite3, source(), window);
        assert_eq!(run(Some(window.clone())), ("1 5".into(), 2), "{late}");
        of(&format!("INSERT INTO rows VALUES (3, {late})"));
        let state = lab.good(&["state", "export", "p"]);
        assert_eq!(run(None).0, "1 5", "{late}");
        let (ids, records) = run(Some(window));
        assert_eq!(ids, "1 3 5", "{late}");
        assert_eq!(records, 2, "{late}: the late one, and the last one again");
        // What the source said last is what is kept.
        assert_eq!(lab.good(&["state", "export", "p"]), state);
    }
}

#[test]
fn a_window_ends_at_the_begin() {
    let Some(sqlite3) = program("CROSSDOCK_TEST_SQLITE3") else {
        return;
    };
    let lab = Lab::new();
    let run = |count: u32, lookback: u32| {
        let stream = json!({"name": "sample", "lookback": lookback});
        let file = lab.pipeline(
            ("native:sample", json!({"count": count, "columns": 1})),
            ("native:sqlite", json!({"path": lab.text("out.db")})),
            json!({"streams": [stream]}),
        );
        let data = lab.good(&["run", file.to_str().unwrap()]);
        let records = crate::lab::stream(&data, "sample")["records"].clone();
        let rows = sqlite(&sqlite3, &lab.text("out.db"), "SELECT count(*) FROM sample");
        (records.as_u64().unwrap(), rows)
    };
    assert_eq!(run(10, 3), (10, "10".into()));
    assert_eq!(run(10, 3), (3, "10".into()));
    assert_eq!(run(12, 3), (5, "12".into()));
    assert_eq!(run(12, 50), (12, "12".into()));
}

#[test]
fn rows_that_come_late_from_a_source_on_airbytes_sdk_are_read() {
    let Some(python) = program("CROSSDOCK_TEST_CDK_PYTHON") else {
        return;
    };
    let Some(sqlite3) = program("CROSSDOCK_TEST_SQLITE3") else {
        return;
    };
    let lab = Lab::new();
    let rows = |rows: &[(u32, &str)]| {
        let line = |(id, at): &(u32, &str)| format!("{}\n", json!({"id": id, "at": at}));
        let text: String = rows.iter().map(line).collect();
        std::fs::write(lab.path("rows.jsonl"), text).unwrap();
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/late.py");
    let connector = exec(&[&python, script.to_str().unwrap()]);
    let source = || (connector.as_str(), json!({"path": lab.text("rows.jsonl")}));
    let early = (1, "2024-01-01T00:00:00.000000+00:00");
    let last = (5, "2024-01-03T00:00:00.000000+00:00");
    rows(&[early, last]);
    let window = || Some(json!("36h"));
    let (ids, _) = moved(&lab, &sqlite3, source(), window());
    assert_eq!(ids, "1 5");
    // One within the window, one before it.
    let late = [
        (2, "2024-01-01T11:00:00.000000+00:00"),
        (3, "2024-01-02T00:00:00.000000+00:00"),
    ];
    rows(&[early, last, late[0], late[1]]);
    let (ids, records) = moved(&lab, &sqlite3, source(), None);
    assert_eq!((ids.as_str(), records), ("1 5", 0));
    let (ids, records) = moved(&lab, &sqlite3, source(), window());
    assert_eq!((ids.as_str(), records), ("1 3 5", 2));
    let state = lab.good(&["state", "export", "p"]);
    assert_eq!(state[0]["stream"]["stream_state"], json!({"at": last.1}));
}
