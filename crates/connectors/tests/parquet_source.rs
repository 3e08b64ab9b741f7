//! Parquet files as a source: types, nested data, several files of one stream, damaged files, and
//! going on in the middle.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, StructArray, Time64MicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::file_source::{discover, read};

fn write(path: &Path, columns: &[(&str, ArrayRef)]) {
    let batch = RecordBatch::try_from_iter(columns.iter().cloned()).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(1000))
        .build();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn numbers(ids: std::ops::Range<i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(ids))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.parquet");
    let tags = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1), None]), None]);
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    let inner = (Arc::new(Field::new("s", DataType::Utf8, true)), inner);
    let decimals = Decimal128Array::from(vec![Some(12_345), None]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int32Array::from(vec![Some(-5), None]))),
        (
            "big",
            Arc::new(UInt64Array::from(vec![Some(u64::MAX), None])),
        ),
        ("x", Arc::new(Float32Array::from(vec![Some(0.5), None]))),
        (
            "money",
            Arc::new(decimals.with_precision_and_scale(20, 2).unwrap()),
        ),
        ("text", Arc::new(StringArray::from(vec![Some("Ö"), None]))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        (
            "bytes",
            Arc::new(BinaryArray::from(vec![Some(&b"foo"[..]), None])),
        ),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None]))),
        (
            "time",
            Arc::new(Time64MicrosecondArray::from(vec![Some(1), None])),
        ),
        (
            "at",
            Arc::new(TimestampMillisecondArray::from(vec![Some(5), None]).with_timezone("UTC")),
        ),
        (
            "local",
            Arc::new(TimestampNanosecondArray::from(vec![Some(5_000), None])),
        ),
        ("tags", Arc::new(tags)),
        ("record", Arc::new(StructArray::from(vec![inner]))),
    ];
    write(&path, &columns);
    let config = json!({"path": path});
    let heard = read("parquet", &config, Vec::new(), false).await;
    assert!(heard.error.is_none(), "{:?}", heard.error);
    assert_eq!(
        heard.records[0],
        json!({
            "n": -5, "big": u64::MAX, "x": 0.5, "money": 123.45, "text": "Ö", "ok": true,
            "bytes": "Zm9v", "day": "1970-01-01", "time": "00:00:00.000001",
            "at": "1970-01-01T00:00:00.005Z", "local": "1970-01-01T00:00:00.000005",
            "tags": [1, null], "record": {"s": "x"},
        })
    );
    let nulls = heard.records[1].as_object().unwrap();
    assert!(
        nulls
            .iter()
            .all(|(name, value)| value.is_null() || name == "record"),
        "{nulls:?}"
    );
    let catalog = discover("parquet", &config).await.unwrap();
    let properties = &catalog.streams[0].json_schema["properties"];
    let check = |name: &str, expected: Value| assert_eq!(properties[name], expected, "{name}");
    check("n", json!({"type": ["null", "integer"]}));
    check(
        "big",
        json!({"type": ["null", "string"], "airbyte_type": "big_integer"}),
    );
    check("money", json!({"type": ["null", "string"]}));
    check(
        "tags",
        json!({"type": ["null", "array"], "items": {"type": ["null", "integer"]}}),
    );
    check(
        "record",
        json!({"type": ["null", "object"], "properties": {"s": {"type": ["null", "string"]}}}),
    );
    // What fits is passed on as columns.
    write(&path, &columns[4..10]);
    let heard = read("parquet", &config, Vec::new(), false).await;
    assert!(heard.columns);
    assert_eq!(heard.records[0]["at"], "1970-01-01T00:00:00.005Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_one_stream_may_differ_and_new_ones_are_read_later() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    write(&at("1.parquet"), &[("id", numbers(0..2))]);
    let names: ArrayRef = Arc::new(StringArray::from(vec!["three"]));
    let small: ArrayRef = Arc::new(Float32Array::from(vec![2.5]));
    write(&at("2.parquet"), &[("name", names), ("id", small)]);
    let config = json!({"path": folder.path(), "stream": "s"});
    let first = read("parquet", &config, Vec::new(), false).await;
    // The types differ, so each file's records are as it has them.
    let expected = [
        json!({"id": 0}),
        json!({"id": 1}),
        json!({"name": "three", "id": 2.5}),
    ];
    assert_eq!(first.records, expected);
    write(&at("3.parquet"), &[("id", numbers(7..8))]);
    let second = read("parquet", &config, first.state, false).await;
    assert_eq!(second.records, [json!({"id": 7})]);
    let third = read("parquet", &config, second.state, false).await;
    assert!(third.records.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_on_in_the_middle_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("big.parquet");
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..20_000).map(|n| format!("{n} {}", "x".repeat(1000))),
    ));
    write(&path, &[("id", numbers(0..20_000)), ("text", texts)]);
    let config = json!({"path": path});
    let (mut ids, mut state, mut reads) = (Vec::new(), Vec::new(), 0);
    loop {
        let heard = read("parquet", &config, state, true).await;
        assert!(heard.error.is_none(), "{:?}", heard.error);
        if heard.records.is_empty() {
            break;
        }
        ids.extend(heard.records.iter().map(|r| r["id"].as_i64().unwrap()));
        state = heard.state;
        reads += 1;
    }
    assert!(reads > 1, "{reads}");
    assert_eq!(ids, (0..20_000).collect::<Vec<_>>());
}

/// A whole file, and what is left of it when some bytes are others.
fn damaged(change: &[(usize, u8)]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..100).map(|n| format!("text {}", n % 7)),
    ));
    write(&path, &[("id", numbers(0..100)), ("text", texts)]);
    let mut bytes = std::fs::read(&path).unwrap();
    for (at, byte) in change {
        let at = at % bytes.len();
        bytes[at] = *byte;
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_parquet_file_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let whole = damaged(&[]);
    for bytes in [
        &b""[..],
        b"PAR1",
        b"id,name\n1,x\n",
        &whole[..whole.len() - 9],
    ] {
        std::fs::write(&path, bytes).unwrap();
        let error = discover("parquet", &json!({"path": path}))
            .await
            .unwrap_err();
        assert_eq!(error.code().name, "data.invalid", "{error:?}");
        assert!(format!("{error:?}").contains("a.parquet"), "{error:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// No bytes bring the source down (P11).
    #[test]
    fn damaged_files_are_errors(
        change in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        std::fs::write(&path, damaged(&change)).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let heard = runtime.block_on(read("parquet", &json!({"path": path}), Vec::new(), false));
        if let Some(error) = heard.error {
            prop_assert_ne!(error.code().name, "internal", "{:?}", error);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_takes_what_is_new_of_a_file_that_was_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let put = |rows: &[(i64, i64)], nested: bool| {
        let ids = Int64Array::from_iter_values(rows.iter().map(|(id, _)| *id));
        let at = rows.iter().map(|(_, at)| *at);
        let at = TimestampMillisecondArray::from_iter_values(at).with_timezone("UTC");
        let mut columns: Vec<(&str, ArrayRef)> = vec![("id", Arc::new(ids)), ("at", Arc::new(at))];
        if nested {
            // Such a file is read as rows.
            let tags = rows.iter().map(|_| Some([Some(1)]));
            let tags = ListArray::from_iter_primitive::<Int32Type, _, _>(tags);
            columns.push(("tags", Arc::new(tags)));
        }
        write(&path, &columns);
    };
    for nested in [false, true] {
        let config = json!({"path": path, "cursor": "at"});
        put(&[(1, 5_000), (2, 4_000)], nested);
        let first = read("parquet", &config, Vec::new(), false).await;
        assert_eq!(ids(&first.records), [1, 2]);
        // 5.5 s is later than 5 s, whatever their letters say.
        put(
            &[(2, 4_000), (3, 5_500), (1, 5_000), (4, 4_999), (5, 6_000)],
            nested,
        );
        let second = read("parquet", &config, first.state, false).await;
        assert_eq!(ids(&second.records), [3, 1, 5]);
        put(&[(1, 5_000), (6, 5_999)], nested);
        let third = read("parquet", &config, second.state, false).await;
        assert_eq!(ids(&third.records), [0; 0]);
    }
}

fn ids(records: &[Value]) -> Vec<i64> {
    records.iter().map(|r| r["id"].as_i64().unwrap()).collect()
}
