//! What the SQLite destination makes of modes, keys and changed schemas.

use crossdock_core::catalog::{ConfiguredStream, DestinationSyncMode, Stream};
use crossdock_core::checkpoint::Lane;
use crossdock_core::destination::Ending;
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::rig::Record::{Deleted, Value as Row};
use crate::rig::{Record, Writer, lane, open, replacing, scratch, stream};

pub(crate) fn config(folder: &tempfile::TempDir) -> Value {
    json!({"path": folder.path().join("warehouse/data.db"), "transaction_bytes": 0})
}

pub(crate) fn reader(config: &Value) -> Connection {
    Connection::open(config["path"].as_str().unwrap()).unwrap()
}

/// The result of a query, each row as its values' SQL text.
fn query(config: &Value, sql: &str) -> Vec<String> {
    let connection = reader(config);
    let mut select = connection.prepare(sql).unwrap();
    let columns = select.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let cells = (0..columns).map(|at| match row.get(at).unwrap() {
            Cell::Null => "NULL".to_owned(),
            Cell::Integer(value) => value.to_string(),
            Cell::Real(value) => format!("{value:?}"),
            Cell::Text(text) => text,
            Cell::Blob(bytes) => format!("x{bytes:?}"),
        });
        Ok(cells.collect::<Vec<_>>().join("|"))
    };
    select
        .query_map([], row)
        .unwrap()
        .map(|r| r.unwrap())
        .collect()
}

fn with_schema(name: &str, properties: Value) -> ConfiguredStream {
    ConfiguredStream::new(Stream::new(name, json!({"properties": properties})))
}

fn keyed(name: &str, properties: Value, key: &[&str], cursor: Option<&str>) -> ConfiguredStream {
    ConfiguredStream {
        destination_sync_mode: DestinationSyncMode::AppendDedup,
        primary_key: Some(key.iter().map(|k| vec![(*k).to_owned()]).collect()),
        cursor_field: cursor.map(|c| vec![c.to_owned()]),
        ..with_schema(name, properties)
    }
}

/// One run that writes these records and ends well.
async fn run(config: &Value, stream: ConfiguredStream, epoch: i64, records: &[Record]) {
    let name = stream.stream.name.clone();
    let mut writer = open("sqlite", config, vec![stream], epoch, &[])
        .await
        .unwrap();
    writer.write_records(1, &name, records).await;
    writer.checkpoint(2, &lane(&name)).await;
    finish(writer).await;
}

async fn finish(mut writer: Writer) {
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_keeps_its_values() {
    let root = scratch();
    let config = config(&root);
    let stream = with_schema(
        "Order Lines",
        json!({
            "text": {"type": "string"},
            "n": {"type": "integer"},
            "x": {"type": "number"},
            "ok": {"type": "boolean"},
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time"},
            "local": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
            "time": {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
            "bytes": {"type": "string", "contentEncoding": "base64"},
            "any": {},
            "first-name": {"type": "string"},
        }),
    );
    let values = json!({
        "text": "it's", "n": i64::MAX, "x": 0.1, "ok": true, "day": "2026-02-03",
        "at": "2026-02-03T04:05:06.5+01:00", "local": "2026-02-03T04:05:06",
        "time": "04:05:06.000007", "bytes": "AQI=", "any": {"a": [1.50, null]}, "first-name": "Ö",
        "more": 1
    });
    run(&config, stream, 1, &[Row(values), Row(json!({}))]).await;
    assert_eq!(
        query(
            &config,
            "SELECT text, n, x, ok, day, at, local, time, bytes, \"any\", first_name,
                    _airbyte_additional_properties, _airbyte_generation_id FROM Order_Lines"
        ),
        [
            "it's|9223372036854775807|0.1|1|2026-02-03|2026-02-03T03:05:06.500000Z\
             |2026-02-03T04:05:06.000000|04:05:06.000007|x[1, 2]|{\"a\":[1.5,null]}|Ö|{\"more\":1}|0",
            "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL|0",
        ]
    );
    assert_eq!(
        query(
            &config,
            "SELECT group_concat(type, ',') FROM pragma_table_info('Order_Lines')"
        ),
        [
            "TEXT,TIMESTAMPTZ,JSON TEXT,INTEGER,TEXT,INTEGER,REAL,BOOLEAN,DATE,TIMESTAMPTZ,TIMESTAMP,\
          TIME,BLOB,JSON TEXT,TEXT,JSON TEXT"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_one_row_and_the_cursor_decides() {
    let root = scratch();
    let config = config(&root);
    let users = || {
        let properties = json!({
            "id": {"type": "integer"}, "name": {"type": "string"}, "at": {"type": "integer"}
        });
        keyed("users", properties, &["id"], Some("at"))
    };
    let row = |id: Value, name: &str, at: Value| Row(json!({"id": id, "name": name, "at": at}));
    run(
        &config,
        users(),
        1,
        &[
            row(json!(1), "old", json!(1)),
            row(json!(1), "new", json!(5)),
            row(json!(1), "late", json!(3)),
            row(json!(2), "kept", json!(7)),
            row(json!(2), "without a cursor", Value::Null),
            row(json!(3), "first", json!(1)),
            row(json!(3), "equal", json!(1)),
            row(Value::Null, "nobody", json!(2)),
            row(Value::Null, "nobody later", json!(3)),
            row(Value::Null, "nobody earlier", json!(1)),
        ],
    )
    .await;
    let all = "SELECT id, name, at FROM users ORDER BY id";
    let expected = ["NULL|nobody later|3", "1|new|5", "2|kept|7", "3|equal|1"];
    assert_eq!(query(&config, all), expected);
    run(
        &config,
        users(),
        2,
        &[
            Deleted(json!({"id": 1})),
            Deleted(json!({"id": 2, "at": 6})),
            Deleted(json!({"id": null})),
            Deleted(json!({"id": 99})),
            row(json!(4), "again", json!(1)),
            Deleted(json!({"id": 4})),
            row(json!(4), "and again", json!(1)),
        ],
    )
    .await;
    assert_eq!(
        query(&config, all),
        ["2|kept|7", "3|equal|1", "4|and again|1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_date_of_change_data_capture_deletes() {
    let root = scratch();
    let config = config(&root);
    let properties = json!({
        "a": {"type": "integer"}, "b": {"type": "string"}, "_ab_cdc_deleted_at": {"type": "string"}
    });
    let stream = || keyed("s", properties.clone(), &["a", "b"], None);
    let row = |b: &str, deleted: Value| Row(json!({"a": 1, "b": b, "_ab_cdc_deleted_at": deleted}));
    let records = [
        row("x", Value::Null),
        row("y", Value::Null),
        row("x", json!("2026-01-01")),
    ];
    run(&config, stream(), 1, &records).await;
    assert_eq!(query(&config, "SELECT a, b FROM s"), ["1|y"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_becomes_keyed_and_plain_again() {
    let root = scratch();
    let config = config(&root);
    let properties = || json!({"id": {"type": "integer"}, "v": {"type": "integer"}});
    let row = |id: i64, v: i64| Row(json!({"id": id, "v": v}));
    let rows = [row(1, 1), row(1, 9), row(1, 2), row(2, 5)];
    run(&config, with_schema("s", properties()), 1, &rows).await;
    let by_key = || keyed("s", properties(), &["id"], Some("v"));
    run(&config, by_key(), 2, &[row(2, 6)]).await;
    let all = "SELECT id, v FROM s ORDER BY id, v";
    assert_eq!(query(&config, all), ["1|9", "2|6"]);
    run(&config, with_schema("s", properties()), 3, &[row(2, 6)]).await;
    assert_eq!(query(&config, all), ["1|9", "2|6", "2|6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_added_and_widened_and_nothing_is_lost() {
    let root = scratch();
    let config = config(&root);
    let properties = json!({
        "id": {"type": "integer"}, "x": {"type": "integer"}, "y": {"type": "number"},
        "ok": {"type": "boolean"}, "day": {"type": "string", "format": "date"}
    });
    let first = json!({"id": 1, "x": 5, "y": 0.25, "ok": true, "day": "2026-01-02"});
    run(&config, with_schema("s", properties), 1, &[Row(first)]).await;
    reader(&config)
        .execute_batch("CREATE INDEX by_x ON s (x); CREATE VIEW v AS SELECT x FROM s;")
        .unwrap();
    let properties = json!({
        "id": {"type": "integer"}, "x": {"type": "number"}, "y": {"type": "string"},
        "ok": {"type": "string"}, "day": {"type": "string", "format": "date-time"},
        "new": {"type": "integer"}
    });
    let second = json!({
        "id": 2, "x": 1.5, "y": "text", "ok": "maybe", "day": "2026-01-02T03:00:00Z", "new": 8
    });
    run(&config, with_schema("s", properties), 2, &[Row(second)]).await;
    let all = "SELECT id, x, y, ok, day, new FROM s ORDER BY id";
    let expected = [
        "1|5.0|0.25|true|2026-01-02T00:00:00.000000Z|NULL",
        "2|1.5|text|maybe|2026-01-02T03:00:00.000000Z|8",
    ];
    assert_eq!(query(&config, all), expected);
    // Narrower again, and a column gone: the table stays as it is.
    let properties = json!({"id": {"type": "integer"}, "y": {"type": "integer"}});
    let third = Row(json!({"id": 3, "y": 7}));
    run(&config, with_schema("s", properties), 3, &[third]).await;
    assert_eq!(query(&config, all)[2], "3|NULL|7|NULL|NULL|NULL");
    assert_eq!(query(&config, "SELECT count(*) FROM v"), ["3"]);
    let index = "SELECT count(*) FROM pragma_index_list('s') WHERE name = 'by_x'";
    assert_eq!(query(&config, index), ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_rows_stay_until_the_new_generation_is_complete() {
    let root = scratch();
    let config = config(&root);
    let ids = |config: &Value| query(config, "SELECT id FROM a ORDER BY id").join(" ");
    let mut writer = open("sqlite", &config, vec![replacing("a", 1)], 1, &[])
        .await
        .unwrap();
    writer.write(1, "a", 0..3).await;
    finish(writer).await;
    reader(&config)
        .execute_batch("CREATE INDEX by_id ON a (id)")
        .unwrap();

    // Dies in the middle: goes on from its checkpoint, without what came after.
    let mut writer = open("sqlite", &config, vec![replacing("a", 2)], 2, &[])
        .await
        .unwrap();
    writer.write(1, "a", 10..12).await;
    writer.checkpoint(2, &lane("a")).await;
    writer.acks.wait(&lane("a"), 2);
    writer.write(3, "a", 90..95).await;
    writer.checkpoint(4, &lane("other")).await;
    writer.acks.wait(&lane("other"), 4);
    writer.inner.close().await.unwrap();
    assert_eq!(ids(&config), "0 1 2");

    let mut writer = open("sqlite", &config, vec![replacing("a", 2)], 3, &[])
        .await
        .unwrap();
    writer.write(1, "a", 12..13).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    assert_eq!(ids(&config), "10 11 12");
    assert_eq!(writer.acks.up_to(&Lane::Global), 1);
    writer.inner.close().await.unwrap();
    let index = "SELECT count(*) FROM pragma_index_list('a') WHERE name = 'by_id'";
    assert_eq!(query(&config, index), ["1"]);

    // A newer generation drops what an older one left half done; an empty one empties.
    let mut writer = open("sqlite", &config, vec![replacing("a", 3)], 4, &[])
        .await
        .unwrap();
    writer.write(1, "a", 50..55).await;
    writer.inner.close().await.unwrap();
    finish(
        open("sqlite", &config, vec![replacing("a", 4)], 5, &[])
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(ids(&config), "");
    // The same generation goes on in place.
    let mut writer = open("sqlite", &config, vec![replacing("a", 4)], 6, &[])
        .await
        .unwrap();
    writer.write(1, "a", 1..2).await;
    finish(writer).await;
    assert_eq!(ids(&config), "1");
    let ours =
        "SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_crossdock\\_new%' ESCAPE '\\'";
    assert_eq!(query(&config, ours), ["0"]);
}

async fn refused(config: &Value, stream: ConfiguredStream, code: &str, says: &str) {
    let Err(error) = open("sqlite", config, vec![stream], 1, &[]).await else {
        panic!("taken, though {says}");
    };
    let text = format!("{error:?}");
    assert_eq!(error.code().name, code, "{text}");
    assert!(text.contains(says), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused() {
    let root = scratch();
    let config = config(&root);
    run(&config, stream("mine"), 1, &[Row(json!({"id": 1}))]).await;
    reader(&config)
        .execute_batch("CREATE TABLE Theirs (x); CREATE VIEW seen AS SELECT 1;")
        .unwrap();
    refused(
        &config,
        stream("theirs"),
        "database.target_foreign",
        "did not make it",
    )
    .await;
    refused(
        &config,
        stream("seen"),
        "database.target_foreign",
        "did not make it",
    )
    .await;
    reader(&config)
        .execute_batch("UPDATE _crossdock_table SET pipeline = 'another'")
        .unwrap();
    refused(
        &config,
        stream("mine"),
        "database.target_foreign",
        "another",
    )
    .await;
    let fields = json!({"a b": {"type": "string"}, "A_B": {"type": "string"}});
    refused(
        &config,
        with_schema("s", fields),
        "catalog.target_collision",
        "a b",
    )
    .await;
    let no_key = keyed("s", json!({"id": {}}), &[], None);
    refused(&config, no_key, "catalog.primary_key_missing", "key").await;
    let unknown = keyed("s", json!({"id": {}}), &["ID"], None);
    refused(&config, unknown, "catalog.unknown_field", "ID").await;
    let unknown = keyed("s", json!({"id": {}}), &["id"], Some("at"));
    refused(&config, unknown, "catalog.unknown_field", "cursor").await;
    let path = root.path().join("text");
    std::fs::write(&path, "no database").unwrap();
    let text = json!({"path": path});
    refused(
        &text,
        stream("s"),
        "database.unusable",
        "not a SQLite database",
    )
    .await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "no database");
}
