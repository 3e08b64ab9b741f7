//! What is in the files.

use std::collections::HashSet;
use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredStream, Stream};
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::convert::RowsToColumns;
use crossdock_core::destination::Ending;
use crossdock_core::error::Result;
use crossdock_core::schema::StreamSchema;
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};

use crate::rig::{files, ids, lines, open, parquet_batches, scratch, stream};

fn texts(items: &[(&str, Option<&str>, Operation)]) -> Batch {
    let mut buffer = Vec::new();
    let mut rows = RowsBuilder::default();
    let mut put = |text: &str| {
        let start = buffer.len();
        buffer.extend_from_slice(text.as_bytes());
        Span::new(start, buffer.len()).unwrap()
    };
    for (after, metadata, operation) in items {
        rows.push(RowSpans {
            after: put(after),
            metadata: metadata.map_or(Span::NONE, &mut put),
            emitted_at: 1_795_289_451_713,
            operation: *operation,
            ..RowSpans::default()
        });
    }
    let rows = rows.finish(Bytes::from(buffer), None);
    Batch {
        stream: StreamId::new("a"),
        body: Body::Rows(rows),
    }
}

async fn run(
    connector: &str,
    config: &Value,
    stream: ConfiguredStream,
    batches: Vec<Batch>,
) -> Result<()> {
    let mut writer = open(connector, config, vec![stream], 1, &[]).await?;
    let last = batches.len() as u64;
    for (at, batch) in batches.into_iter().enumerate() {
        writer.inner.write(Seq(at as u64 + 1), batch).await?;
    }
    writer.inner.finish(Ending::Complete).await?;
    writer.committed(&Lane::Global, last).await;
    writer.inner.close().await
}

fn typed() -> ConfiguredStream {
    let mut stream = ConfiguredStream::new(Stream::new(
        "a",
        json!({"properties": {
            "id": {"type": "integer"},
            "ok": {"type": "boolean"},
            "at": {"type": "string", "format": "date-time"},
            "tags": {"type": "array"},
        }}),
    ));
    (stream.generation_id, stream.sync_id) = (Some(6), Some(41));
    stream
}

fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> &'a A {
    let column: &ArrayRef = batch
        .column_by_name(name)
        .unwrap_or_else(|| panic!("{name}"));
    column.as_any().downcast_ref().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_columns_are_typed() {
    let root = scratch();
    let batch = texts(&[
        (
            r#"{"id":1,"ok":true,"at":"2024-05-06T07:08:09Z","tags":[1,"x"]}"#,
            None,
            Operation::Create,
        ),
        (
            r#"{"id":2,"ok":null,"extra":{"n":1.10}}"#,
            Some(r#"{"changes":[{"field":"ok"}]}"#),
            Operation::Create,
        ),
        (r#"{"id":3}"#, None, Operation::Delete),
    ]);
    run(
        "parquet",
        &json!({"path": root.path()}),
        typed(),
        vec![batch],
    )
    .await
    .unwrap();
    let batches = parquet_batches(&files(root.path(), "a")[0]);
    let batch = &batches[0];
    let names: Vec<_> = batch
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    assert_eq!(
        names,
        [
            "_airbyte_raw_id",
            "_airbyte_extracted_at",
            "_airbyte_meta",
            "_airbyte_generation_id",
            "id",
            "ok",
            "at",
            "tags",
            "_airbyte_additional_properties",
        ]
    );
    assert_eq!(column::<Int64Array>(batch, "id").values(), &[1, 2, 3]);
    assert!(column::<BooleanArray>(batch, "ok").value(0));
    assert!(column::<BooleanArray>(batch, "ok").is_null(1));
    let at = column::<TimestampMicrosecondArray>(batch, "at");
    assert_eq!(at.value(0), 1_714_979_289_000_000);
    assert_eq!(column::<StringArray>(batch, "tags").value(0), r#"[1,"x"]"#);
    let additional = column::<StringArray>(batch, "_airbyte_additional_properties");
    assert!(additional.is_null(0));
    assert_eq!(additional.value(1), r#"{"extra":{"n":1.10}}"#);
    let extracted = column::<TimestampMicrosecondArray>(batch, "_airbyte_extracted_at");
    assert_eq!(extracted.value(0), 1_795_289_451_713_000);
    assert_eq!(extracted.timezone(), Some("UTC"));
    assert_eq!(
        column::<Int64Array>(batch, "_airbyte_generation_id").values(),
        &[6, 6, 6]
    );
    let meta = column::<StringArray>(batch, "_airbyte_meta");
    let metas: Vec<Value> = (0..3)
        .map(|at| serde_json::from_str(meta.value(at)).unwrap())
        .collect();
    assert_eq!(metas[0], json!({"sync_id": 41, "changes": []}));
    assert_eq!(
        metas[1],
        json!({"sync_id": 41, "changes": [{"field": "ok"}]})
    );
    assert_eq!(
        metas[2],
        json!({"sync_id": 41, "changes": [], "operation": "delete"})
    );
    let raw = column::<StringArray>(batch, "_airbyte_raw_id");
    assert_eq!(raw.iter().flatten().collect::<HashSet<_>>().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_compressions_and_columns_as_they_come() {
    for compression in ["none", "snappy", "zstd"] {
        let root = scratch();
        let config = json!({"path": root.path(), "compression": compression,
            "compression_level": 3, "metadata_columns": false, "row_group_records": 4});
        let rows = texts(&[(r#"{"id":1,"tags":{}}"#, None, Operation::Create)]);
        let Body::Rows(source) = &rows.body else {
            panic!()
        };
        let schema = StreamSchema::from_json_schema(&typed().stream.json_schema);
        let mut columns = RowsToColumns::new(&schema, None);
        columns.append(source).unwrap();
        let columns = Batch {
            stream: StreamId::new("a"),
            body: Body::Columns(columns.finish().unwrap()),
        };
        run("parquet", &config, typed(), vec![rows, columns])
            .await
            .unwrap();
        let batches = parquet_batches(&files(root.path(), "a")[0]);
        let batch = &batches[0];
        assert_eq!(batch.num_columns(), 5);
        assert_eq!(column::<Int64Array>(batch, "id").values(), &[1, 1]);
        assert_eq!(column::<StringArray>(batch, "tags").value(1), "{}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_has_structs_and_lists() {
    let root = scratch();
    let config = json!({"path": root.path(), "metadata_columns": false});
    let schema = json!({"properties": {
        "who": {"type": "object", "properties": {"name": {"type": "string"}}},
        "n": {"type": "array", "items": {"type": "integer"}},
    }});
    let configured = || ConfiguredStream::new(Stream::new("a", schema.clone()));
    let rows = texts(&[
        (
            r#"{"who":{"name":"Ann"},"n":[1,2]}"#,
            None,
            Operation::Create,
        ),
        (
            r#"{"who":{"name":"Bo","age":7},"n":null}"#,
            None,
            Operation::Create,
        ),
    ]);
    let Body::Rows(source) = &rows.body else {
        panic!()
    };
    // Columns come with JSON text, as every source has it.
    let flat = StreamSchema::from_json_schema(&schema);
    let mut columns = RowsToColumns::new(&flat, None);
    columns.append(source).unwrap();
    let columns = Batch {
        stream: StreamId::new("a"),
        body: Body::Columns(columns.finish().unwrap()),
    };
    run(
        "parquet",
        &config,
        configured(),
        vec![rows.clone(), columns],
    )
    .await
    .unwrap();
    for batch in parquet_batches(&files(root.path(), "a")[0]) {
        let who = column::<StructArray>(&batch, "who");
        let names = who.column_by_name("name").unwrap().as_string::<i32>();
        let n = column::<ListArray>(&batch, "n");
        let additional = column::<StringArray>(&batch, "_airbyte_additional_properties");
        for row in 0..batch.num_rows() {
            match names.value(row) {
                "Ann" => {
                    assert_eq!(n.value(row).as_primitive::<Int64Type>().values(), &[1, 2]);
                    assert!(additional.is_null(row));
                }
                "Bo" => {
                    assert!(n.is_null(row));
                    assert_eq!(additional.value(row), r#"{"who":{"name":"Bo","age":7}}"#);
                }
                other => panic!("{other}"),
            }
        }
    }
    let root = scratch();
    let config = json!({"path": root.path(), "nested": "json"});
    run("parquet", &config, configured(), vec![rows])
        .await
        .unwrap();
    let batch = &parquet_batches(&files(root.path(), "a")[0])[0];
    assert_eq!(column::<StringArray>(batch, "n").value(0), "[1,2]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_fields_has_its_records_all_the_same() {
    for connector in ["parquet", "jsonl"] {
        for metadata in [true, false] {
            let root = scratch();
            let config = json!({"path": root.path(), "metadata_columns": metadata});
            let bare = ConfiguredStream::new(Stream::new("a", json!({})));
            let batch = texts(&[
                ("{}", None, Operation::Create),
                (r#"{"x":1}"#, None, Operation::Create),
            ]);
            run(connector, &config, bare, vec![batch]).await.unwrap();
            let file = &files(root.path(), "a")[0];
            if connector == "jsonl" {
                assert_eq!(lines(file).len(), 2);
            } else {
                let batches = parquet_batches(file);
                let additional =
                    column::<StringArray>(&batches[0], "_airbyte_additional_properties");
                assert_eq!(additional.value(1), r#"{"x":1}"#);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jsonl_in_every_compression() {
    for (compression, extension) in [
        ("none", "jsonl"),
        ("gzip", "jsonl.gz"),
        ("zstd", "jsonl.zst"),
    ] {
        let root = scratch();
        let config = json!({"path": root.path(), "compression": compression});
        run(
            "jsonl",
            &config,
            stream("a"),
            vec![crate::rig::batch("a", 0..1000)],
        )
        .await
        .unwrap();
        let files = files(root.path(), "a");
        let name = files[0].file_name().unwrap().to_str().unwrap();
        assert_eq!(name.split_once('.').unwrap().1, extension);
        assert_eq!(ids(root.path(), "a"), (0..1000).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn digits_survive_in_jsonl() {
    let root = scratch();
    let config = json!({"path": root.path(), "metadata_columns": false});
    let text = r#"{"id":123456789012345678901234567890,"x":1.10,"y":1E400}"#;
    run(
        "jsonl",
        &config,
        stream("a"),
        vec![texts(&[(text, None, Operation::Create)])],
    )
    .await
    .unwrap();
    let content = std::fs::read_to_string(&files(root.path(), "a")[0]).unwrap();
    assert_eq!(content, format!("{text}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_names_its_stream() {
    for connector in ["jsonl", "parquet"] {
        let root = scratch();
        let config = json!({"path": root.path()});
        let bad = texts(&[("[1]", None, Operation::Create)]);
        let error = run(connector, &config, stream("a"), vec![bad])
            .await
            .unwrap_err();
        let text = format!("{error:?}");
        assert!(text.contains("stream: a"), "{text}");
        assert_eq!(error.kind().as_str(), "data", "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_go_to_folders_with_safe_names() {
    let root = scratch();
    let config = json!({"path": root.path()});
    let mut odd = stream("../ä/b");
    odd.stream.namespace = Some("pub.lic".to_owned());
    let mut writer = open("jsonl", &config, vec![odd], 1, &[]).await.unwrap();
    let mut batch = crate::rig::batch("x", 0..2);
    batch.stream = StreamId::with_namespace("pub.lic", "../ä/b");
    writer.inner.write(Seq(1), batch).await.unwrap();
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 1).await;
    writer.inner.close().await.unwrap();
    assert_eq!(ids(root.path(), "pub.lic/%2E.%2Fä%2Fb"), [0, 1]);
    let outside: &Path = root.path().parent().unwrap();
    assert!(!outside.join("ä").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_a_header_and_quotes_what_must_be() {
    let root = scratch();
    let config = json!({
        "path": root.path(), "metadata_columns": false, "delimiter": ";", "null_value": "NULL"
    });
    let records = [
        r#"{"id":1,"ok":true,"at":"2026-02-03T04:05:06.5+01:00","tags":["a;b",1.50]}"#,
        r#"{"id":null,"tags":[],"more":"x"}"#,
    ];
    let batch = texts(&records.map(|r| (r, None, Operation::Create)));
    run("csv", &config, typed(), vec![batch]).await.unwrap();
    let text = crate::rig::text(&files(root.path(), "a")[0]);
    assert_eq!(
        text,
        "id;ok;at;tags;_airbyte_additional_properties\n\
         1;true;2026-02-03T03:05:06.500Z;\"[\"\"a;b\"\",1.50]\";NULL\n\
         NULL;NULL;NULL;[];\"{\"\"more\"\":\"\"x\"\"}\"\n"
    );
}
