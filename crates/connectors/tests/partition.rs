//! Folders named after fields.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use crossdock_core::batch::{Batch, Body, Columns, Operations};
use crossdock_core::catalog::{ConfiguredStream, DestinationSyncMode, Stream};
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::destination::Ending;
use crossdock_core::error::Result;
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};

use crate::rig::{
    Record, Writer, files, ids, lane, lines, open, parquet_batches, scratch, stream, text,
};
use crate::round_trip::move_all;

fn orders() -> ConfiguredStream {
    ConfiguredStream::new(Stream::new(
        "orders",
        json!({"properties": {
            "id": {"type": "integer"},
            "country": {"type": "string"},
            "year": {"type": "integer"},
            "at": {"type": "string", "format": "date-time"},
            "tags": {"type": "array"},
        }}),
    ))
}

/// The folders of a stream, each with the ids in it.
fn folders(root: &Path, stream: &str) -> BTreeMap<String, Vec<u64>> {
    let mut folders: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for file in files(root, stream) {
        if file.extension().is_some_and(|e| e == "txt") || file.ends_with("of/x") {
            continue;
        }
        let folder = file
            .parent()
            .unwrap()
            .strip_prefix(root.join(stream))
            .unwrap();
        let folder = folder.to_str().unwrap().to_owned();
        let name = file.file_name().unwrap().to_str().unwrap();
        let of_one = scratch();
        std::fs::create_dir(of_one.path().join("one")).unwrap();
        std::fs::copy(&file, of_one.path().join("one").join(name)).unwrap();
        folders
            .entry(folder)
            .or_default()
            .extend(ids(of_one.path(), "one"));
    }
    folders
}

fn records() -> Vec<Record> {
    let records = [
        json!({"id": 1, "country": "DE", "year": 2025, "at": "2026-01-02T03:04:05Z"}),
        json!({"id": 2, "country": "FR", "year": 2025, "at": "2026-01-02T23:59:59.9Z"}),
        json!({"id": 3, "country": "DE", "year": 2026, "at": "2026-02-01T00:00:00+02:00"}),
        json!({"id": 4, "country": null, "year": 2025, "at": null}),
        json!({"id": 5, "country": "", "year": 2025}),
        json!({"id": 6, "country": "a/b=c ü%", "year": 2025}),
        json!({"id": 7, "country": "DE", "year": 2025}),
    ];
    records.into_iter().map(Record::Value).collect()
}

fn expected(folders: &[(&str, &[u64])]) -> BTreeMap<String, Vec<u64>> {
    let owned = folders
        .iter()
        .map(|(name, ids)| ((*name).to_owned(), ids.to_vec()));
    owned.collect()
}

async fn run(connector: &str, config: Value, records: &[Record]) -> Result<()> {
    let mut writer = open(connector, &config, vec![orders()], 1, &[]).await?;
    writer.write_records(1, "orders", records).await;
    writer.inner.finish(Ending::Complete).await?;
    writer.committed(&Lane::Global, 1).await;
    writer.inner.close().await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_value_has_its_folder() {
    for connector in ["jsonl", "csv", "parquet"] {
        let root = scratch();
        let config = json!({"path": root.path(), "metadata_columns": false,
            "partition_by": {"orders": ["country", "year"]}});
        run(connector, config, &records()).await.unwrap();
        let expected = expected(&[
            ("country=DE/year=2025", &[1, 7]),
            ("country=DE/year=2026", &[3]),
            ("country=FR/year=2025", &[2]),
            ("country=__HIVE_DEFAULT_PARTITION__/year=2025", &[4]),
            ("country=/year=2025", &[5]),
            ("country=a%2Fb%3Dc%20ü%25/year=2025", &[6]),
        ]);
        assert_eq!(folders(root.path(), "orders"), expected, "{connector}");
        let file = &files(&root.path().join("orders"), "country=FR")[0];
        // What the folder's name says is not said again where columns would be in each other's way.
        match connector {
            "jsonl" => assert_eq!(lines(file)[0]["country"], "FR"),
            "csv" => assert!(text(file).starts_with("id,at,tags,"), "{}", text(file)),
            _ => {
                let schema = parquet_batches(file)[0].schema();
                let names: Vec<_> = schema.fields().iter().map(|f| f.name().as_str()).collect();
                assert_eq!(
                    names,
                    ["id", "at", "tags", "_airbyte_additional_properties"]
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_dates() {
    let check = async |field: &str, expected: BTreeMap<String, Vec<u64>>| {
        let root = scratch();
        let config = json!({"path": root.path(), "partition_by": {"*": [field]}});
        run("parquet", config, &records()).await.unwrap();
        assert_eq!(folders(root.path(), "orders"), expected, "{field}");
    };
    let none = "__HIVE_DEFAULT_PARTITION__";
    let null = |unit: &str| (format!("at_{unit}={none}"), vec![4, 5, 6, 7]);
    for (unit, values) in [
        ("year", vec![("2026", vec![1, 2, 3])]),
        ("month", vec![("2026-01", vec![1, 2, 3])]),
        (
            "day",
            vec![("2026-01-02", vec![1, 2]), ("2026-01-31", vec![3])],
        ),
        (
            "hour",
            vec![
                ("2026-01-02-03", vec![1]),
                ("2026-01-02-23", vec![2]),
                ("2026-01-31-22", vec![3]),
            ],
        ),
    ] {
        let values = values.into_iter();
        let values = values.map(|(value, ids)| (format!("at_{unit}={value}"), ids));
        let field = format!("{unit}(at)");
        check(&field, values.chain([null(unit)]).collect()).await;
    }
    // When the records were extracted, whatever they hold.
    let all = vec![1, 2, 3, 4, 5, 6, 7];
    let day = BTreeMap::from([("_airbyte_extracted_at_day=2023-11-14".to_owned(), all)]);
    check("day(_airbyte_extracted_at)", day).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_parted_too() {
    let root = scratch();
    let config = json!({"path": root.path(), "partition_by": {"orders": ["country"]}});
    let mut writer = open("parquet", &config, vec![orders()], 1, &[])
        .await
        .unwrap();
    let arrays: [(&str, ArrayRef); 2] = [
        ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
        (
            "country",
            Arc::new(StringArray::from(vec![Some("DE"), None, Some("DE")])),
        ),
    ];
    let columns = Columns {
        values: RecordBatch::try_from_iter(arrays).unwrap(),
        operations: Operations::default(),
        emitted_at: vec![0; 3],
        metadata: None,
    };
    let batch = Batch {
        stream: StreamId::new("orders"),
        body: Body::Columns(columns),
    };
    writer.inner.write(Seq(1), batch).await.unwrap();
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 1).await;
    writer.inner.close().await.unwrap();
    let expected = expected(&[
        ("country=DE", &[1, 3]),
        ("country=__HIVE_DEFAULT_PARTITION__", &[2]),
    ]);
    assert_eq!(folders(root.path(), "orders"), expected);
}

/// Replaces what is there by one record, up to the last commit.
async fn replaced(config: &Value, generation: i64, record: Value) -> Writer {
    let orders = ConfiguredStream {
        destination_sync_mode: DestinationSyncMode::Overwrite,
        generation_id: Some(generation),
        minimum_generation_id: Some(generation),
        ..orders()
    };
    let opened = open("jsonl", config, vec![orders], generation, &[]).await;
    let mut writer = opened.unwrap();
    let records = [Record::Value(record)];
    writer.write_records(1, "orders", &records).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overwrite_leaves_no_folder_behind() {
    // Folders of others keep the new folder from taking the place of the old one.
    for (theirs, is_beside) in [
        ("notes.txt", true),
        ("country=DE/notes.txt", true),
        ("of/x", false),
    ] {
        let root = scratch();
        let config = json!({"path": root.path(), "partition_by": {"orders": ["country", "year"]}});
        let first = json!({"id": 1, "country": "DE", "year": 1});
        let mut writer = replaced(&config, 1, first).await;
        writer.committed(&Lane::Global, 1).await;
        writer.inner.close().await.unwrap();
        let theirs = root.path().join("orders").join(theirs);
        std::fs::create_dir_all(theirs.parent().unwrap()).unwrap();
        std::fs::write(&theirs, "x").unwrap();
        let before = std::fs::metadata(root.path().join("orders")).unwrap().ino();

        let second = json!({"id": 2, "country": "FR", "year": 1});
        let mut writer = replaced(&config, 2, second).await;
        let of_ours = || {
            let mut folders = folders(root.path(), "orders");
            folders.retain(|name, _| name.contains("year"));
            folders
        };
        let old = expected(&[("country=DE/year=1", &[1])]);
        assert_eq!(of_ours(), old, "until the new is complete");
        writer.committed(&Lane::Global, 1).await;
        writer.inner.close().await.unwrap();
        assert_eq!(of_ours(), expected(&[("country=FR/year=1", &[2])]));
        assert!(!root.path().join("orders/country=DE/year=1").exists());
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "x");
        let after = std::fs::metadata(root.path().join("orders")).unwrap().ino();
        assert_eq!(before != after, is_beside, "{}", theirs.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_folders_than_files_can_be_open() {
    let root = scratch();
    let config = json!({"path": root.path(), "partition_by": {"orders": ["id"]}});
    let mut writer = open("jsonl", &config, vec![orders()], 1, &[])
        .await
        .unwrap();
    for seq in 1..3 {
        let records: Vec<_> = (0..600)
            .map(|id| Record::Value(json!({"id": id})))
            .collect();
        writer.write_records(seq, "orders", &records).await;
    }
    writer.checkpoint(3, &lane("orders")).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 3).await;
    writer.inner.close().await.unwrap();
    let folders = folders(root.path(), "orders");
    assert_eq!(folders.len(), 600);
    assert!(
        folders
            .iter()
            .all(|(name, ids)| *name == format!("id={}", ids[0]) && ids.len() == 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_streams_than_files_can_be_open() {
    const STREAMS: u64 = 300;
    let root = scratch();
    let config = json!({"path": root.path(), "metadata_columns": false});
    let names: Vec<_> = (0..STREAMS).map(|n| format!("s{n}")).collect();
    let streams = names.iter().map(|name| stream(name)).collect();
    let mut writer = open("jsonl", &config, streams, 1, &[]).await.unwrap();
    let mut seq = 0;
    for round in 0..20 {
        for name in &names {
            seq += 1;
            writer.write(seq, name, round * 10..round * 10 + 10).await;
        }
    }
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, seq).await;
    writer.inner.close().await.unwrap();
    for name in &names {
        assert_eq!(
            ids(root.path(), name),
            (0..200).collect::<Vec<_>>(),
            "{name}"
        );
        assert_eq!(files(root.path(), name).len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_name_a_folder_is_refused() {
    let check = async |by: Value, code: &str, says: &str| {
        let root = scratch();
        let config = json!({"path": root.path(), "partition_by": by});
        let error = run("jsonl", config, &[]).await.unwrap_err();
        assert_eq!(error.code().name, code, "{error}");
        let text = format!("{error:?}");
        assert!(text.contains(says), "{text}");
    };
    check(
        json!({"orders": ["county"]}),
        "catalog.unknown_field",
        "county",
    )
    .await;
    check(
        json!({"order": ["country"]}),
        "catalog.unknown_stream",
        "`order`",
    )
    .await;
    check(json!({"orders": ["tags"]}), "config.invalid", "json").await;
    check(
        json!({"orders": ["day(country)"]}),
        "config.invalid",
        "of type string",
    )
    .await;
    check(
        json!({"orders": ["year", "year"]}),
        "config.invalid",
        "twice",
    )
    .await;
    let root = scratch();
    let config = json!({"path": root.path(), "partition_by": {"orders": ["country"]}});
    let long = [Record::Value(json!({"country": "x".repeat(300)}))];
    let error = run("jsonl", config, &long).await.unwrap_err();
    assert_eq!(error.code().name, "data.invalid", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_read_from_folders_again() {
    let records = [
        json!({"id": 1, "country": "DE", "year": 2025, "open": true, "tags": ["a"]}),
        json!({"id": 2, "country": "a/b=c ü%", "year": 2026, "open": false, "tags": []}),
        json!({"id": 3, "country": null, "year": null, "open": null, "tags": null}),
        json!({"id": 4, "country": "DE", "year": 2025, "open": true, "tags": null}),
    ];
    let lines: Vec<_> = records.iter().map(Value::to_string).collect();
    for connector in ["jsonl", "csv", "parquet"] {
        let root = scratch();
        let at = |name: &str| root.path().join(name);
        std::fs::write(at("orders.jsonl"), lines.join("\n")).unwrap();
        let source = json!({"path": at("orders.jsonl"), "types": {"tags": "json"}});
        let lake = json!({"path": at("lake"), "metadata_columns": false,
            "partition_by": {"*": ["country", "year", "open"]}});
        move_all(("jsonl", &source), (connector, &lake)).await;
        let mut source = json!({"path": at("lake/orders"), "stream": "orders"});
        if connector == "csv" {
            source["types"] = json!({"tags": "json"});
        }
        let out = json!({"path": at("out"), "metadata_columns": false});
        move_all((connector, &source), ("jsonl", &out)).await;
        let mut read: Vec<Value> = files(&at("out"), "orders")
            .iter()
            .flat_map(|file| crate::rig::lines(file))
            .collect();
        read.sort_by_key(|record| record["id"].as_u64());
        for record in &mut read {
            let record = record.as_object_mut().unwrap();
            record.remove("_airbyte_additional_properties");
            if let Some(Value::String(text)) = record.get("tags") {
                let tags = serde_json::from_str(text).unwrap();
                record.insert("tags".to_owned(), tags);
            }
        }
        assert_eq!(read, records, "{connector}");
        // Without folders, what only they tell is missing.
        if connector != "jsonl" {
            source["hive_partitions"] = json!(false);
            let out = json!({"path": at("bare"), "metadata_columns": false});
            move_all((connector, &source), ("jsonl", &out)).await;
            let file = &files(&at("bare"), "orders")[0];
            assert!(crate::rig::lines(file)[0].get("country").is_none());
        }
    }
}
