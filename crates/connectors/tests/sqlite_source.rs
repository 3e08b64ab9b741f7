//! A SQLite database as a source: what it offers, types, reads by a cursor and in the middle.

use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, SyncMode};
use crossdock_core::checkpoint::LaneState;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::file_source::{Heard, discover, listen};
use crate::rig::scratch;

fn database(sql: &str) -> (TempDir, Connection, Value) {
    let root = scratch();
    let path = root.path().join("app.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(sql).unwrap();
    (root, connection, json!({"path": path}))
}

/// Reads one table: by a cursor, or in full.
async fn read(
    config: &Value,
    table: &str,
    cursor: Option<&str>,
    state: Vec<LaneState>,
    stop: bool,
) -> Heard {
    let mut heard = Heard {
        state: state.clone(),
        ..Heard::default()
    };
    let catalog = discover("sqlite", config).await.unwrap();
    let stream = catalog
        .streams
        .into_iter()
        .find(|s| s.name == table)
        .unwrap();
    let stream = ConfiguredStream {
        sync_mode: match cursor {
            Some(_) => SyncMode::Incremental,
            None => SyncMode::FullRefresh,
        },
        cursor_field: cursor.map(|c| vec![c.to_owned()]),
        ..ConfiguredStream::new(stream)
    };
    let catalog = ConfiguredCatalog {
        streams: vec![stream],
        ..ConfiguredCatalog::default()
    };
    if let Err(error) = listen("sqlite", config, catalog, state, stop, &mut heard).await {
        heard.error = Some(error);
    }
    heard
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_views_are_offered_with_their_types_and_keys() {
    let (_root, _connection, mut config) = database(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(20), ok BOOL, born DATE,
             seen DATETIME, score DECIMAL(5,2), data JSON, raw BLOB, odd INTEGER);
         INSERT INTO users VALUES (1, 'Ann', 1, '1990-01-02', 1700000000, 1.5, '{\"a\":1}', x'01', 'x');
         CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE VIEW names AS SELECT name FROM users;
         CREATE TABLE _crossdock_version (version);",
    );
    let catalog = discover("sqlite", &config).await.unwrap();
    let names: Vec<_> = catalog.streams.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["names", "pairs", "users"]);
    let [view, pairs, users] = catalog.streams.as_slice() else {
        unreachable!()
    };
    assert_eq!(view.is_resumable, Some(false));
    let key = |names: &[&str]| Some(names.iter().map(|n| vec![(*n).to_owned()]).collect());
    assert_eq!(pairs.source_defined_primary_key, key(&["a", "b"]));
    assert_eq!(users.source_defined_primary_key, key(&["id"]));
    let check = |name: &str, expected: Value| {
        assert_eq!(users.json_schema["properties"][name], expected, "{name}");
    };
    check("ok", json!({"type": ["null", "boolean"]}));
    check(
        "born",
        json!({"type": ["null", "string"], "format": "date"}),
    );
    // What a column holds counts more than what it declares.
    check("seen", json!({"type": ["null", "integer"]}));
    check("odd", json!({"type": ["null", "string"]}));
    check("score", json!({"type": ["null", "number"]}));
    check("data", json!({"type": ["null", "object", "array"]}));
    let heard = read(&config, "users", None, vec![], false).await;
    assert_eq!(
        heard.records,
        [json!({
            "id": 1, "name": "Ann", "ok": true, "born": "1990-01-02", "seen": 1_700_000_000,
            "score": 1.5, "data": {"a": 1}, "raw": "AQ==", "odd": "x"
        })]
    );
    let heard = read(&config, "names", None, vec![], false).await;
    assert_eq!(heard.records, [json!({"name": "Ann"})]);
    assert!(heard.state.is_empty(), "a view has no place to go on from");

    config["tables"] = json!(["users"]);
    assert_eq!(discover("sqlite", &config).await.unwrap().streams.len(), 1);
    config["tables"] = json!(["user"]);
    let error = discover("sqlite", &config).await.unwrap_err();
    assert_eq!(error.code().name, "config.invalid");
    let error = discover("sqlite", &json!({"path": "/nowhere/x.db"}))
        .await
        .unwrap_err();
    assert_eq!(error.code().name, "database.unusable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_brings_what_is_new_and_every_row_once() {
    let (_root, connection, config) = database(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, at TEXT);
         INSERT INTO events VALUES (5, '2026-01-01'), (1, '2026-01-02'), (2, NULL);",
    );
    let ids = |heard: &Heard| -> Vec<i64> {
        assert!(heard.error.is_none(), "{:?}", heard.error);
        heard
            .records
            .iter()
            .map(|r| r["id"].as_i64().unwrap())
            .collect()
    };
    let first = read(&config, "events", Some("at"), vec![], false).await;
    assert_eq!(ids(&first), [2, 5, 1]);
    // The same cursor again: told apart by the row's number.
    connection
        .execute_batch("INSERT INTO events VALUES (9, '2026-01-02'), (3, '2026-01-03')")
        .unwrap();
    let second = read(&config, "events", Some("at"), first.state, false).await;
    assert_eq!(ids(&second), [9, 3]);
    let third = read(&config, "events", Some("at"), second.state.clone(), false).await;
    assert_eq!(ids(&third), [0; 0]);
    assert_eq!(third.state, second.state);
    let other = read(&config, "events", Some("id"), third.state, false).await;
    assert_eq!(other.error.unwrap().code().name, "protocol.state_invalid");
    let wrong = read(&config, "events", Some("nothing"), vec![], false).await;
    assert_eq!(wrong.error.unwrap().code().name, "catalog.unknown_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_on_in_the_middle_of_a_table() {
    let (_root, connection, config) = database(
        "CREATE TABLE t (n INTEGER, text TEXT);
         CREATE TABLE k (a TEXT, n INTEGER, text TEXT, PRIMARY KEY (a, n)) WITHOUT ROWID;",
    );
    connection
        .execute_batch(
            "WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 9999)
             INSERT INTO t SELECT n, hex(zeroblob(500)) FROM c;
             INSERT INTO k SELECT n % 3, n, text FROM t;",
        )
        .unwrap();
    for (table, cursor) in [("t", None), ("k", None), ("t", Some("n"))] {
        let (mut numbers, mut state, mut reads) = (Vec::new(), Vec::new(), 0);
        loop {
            let heard = read(&config, table, cursor, state, true).await;
            assert!(heard.error.is_none(), "{:?}", heard.error);
            if heard.records.is_empty() {
                break;
            }
            numbers.extend(heard.records.iter().map(|r| r["n"].as_i64().unwrap()));
            state = heard.state;
            reads += 1;
        }
        assert!(reads > 1, "{table} {reads}");
        numbers.sort_unstable();
        assert_eq!(numbers, (0..10_000).collect::<Vec<_>>(), "{table}");
    }
}
