//! What Crossdock writes is read by strangers, and what strangers write is read by Crossdock:
//! PyArrow, the `sqlite3` program and Python's `csv`.

use std::process::Command;

use serde_json::{Value, json};

use crate::lab::{Lab, program};

const ORDERS: &str = "id,item,price,paid,day,at\n\
    1,\"tea, green\",2.5,true,2026-01-02,2026-01-02T03:04:05.000006Z\n\
    2,\"say \"\"hi\"\"\nthere\",,false,,\n";

/// Runs a script with PyArrow at hand and returns the JSON that it prints.
fn python(lab: &Lab, script: &str) -> Option<Value> {
    let python = program("CROSSDOCK_TEST_PYARROW_PYTHON")?;
    let output = Command::new(python)
        .args(["-c", script])
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    Some(serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {errors}")))
}

fn written(lab: &Lab, connector: &str, path: &str) {
    std::fs::write(lab.path("orders.csv"), ORDERS).unwrap();
    let source = json!({"path": "orders.csv"});
    let destination = json!({"path": path, "metadata_columns": false});
    let file = lab.pipeline(("native:csv", source), (connector, destination), json!({}));
    lab.good(&["run", file.to_str().unwrap()]);
}

#[test]
fn pyarrow_reads_our_parquet() {
    let lab = Lab::new();
    written(&lab, "native:parquet", "lake");
    let script = "import glob, json, pyarrow.parquet as pq\n\
        t = pq.read_table(glob.glob('lake/orders/*.parquet')[0])\n\
        print(json.dumps({'types': [str(f.type) for f in t.schema], 'rows': t.to_pylist()}, default=str))";
    let Some(read) = python(&lab, script) else {
        return;
    };
    let types = [
        "int64",
        "string",
        "double",
        "bool",
        "date32[day]",
        "timestamp[us, tz=UTC]",
    ];
    assert_eq!(
        read["types"].as_array().unwrap()[..6],
        types.map(Value::from)
    );
    assert_eq!(
        read["rows"],
        json!([
            {"id": 1, "item": "tea, green", "price": 2.5, "paid": true, "day": "2026-01-02",
             "at": "2026-01-02 03:04:05.000006+00:00", "_airbyte_additional_properties": null},
            {"id": 2, "item": "say \"hi\"\nthere", "price": null, "paid": false, "day": null,
             "at": null, "_airbyte_additional_properties": null},
        ])
    );
}

#[test]
fn pythons_csv_reads_ours() {
    let lab = Lab::new();
    written(&lab, "native:csv", "out");
    let script = "import csv, glob, json\n\
        with open(glob.glob('out/orders/*.csv')[0], newline='') as f:\n    \
        print(json.dumps([dict(list(r.items())[:6]) for r in csv.DictReader(f)]))";
    let Some(read) = python(&lab, script) else {
        return;
    };
    assert_eq!(
        read,
        json!([
            {"id": "1", "item": "tea, green", "price": "2.5", "paid": "true", "day": "2026-01-02",
             "at": "2026-01-02T03:04:05.000006Z"},
            {"id": "2", "item": "say \"hi\"\nthere", "price": "", "paid": "false", "day": "",
             "at": ""},
        ])
    );
}

#[test]
fn the_sqlite3_program_reads_our_tables() {
    let Some(sqlite3) = program("CROSSDOCK_TEST_SQLITE3") else {
        return;
    };
    let lab = Lab::new();
    written(&lab, "native:sqlite", "shop.db");
    let output = Command::new(sqlite3)
        .args([
            "-json",
            "shop.db",
            "PRAGMA integrity_check",
            "SELECT id, item, price, paid, day, datetime(at) AS at FROM orders",
        ])
        .current_dir(lab.path(""))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (check, rows) = text.split_once("]\n").unwrap();
    assert!(check.contains("\"ok\""), "{text}");
    let rows: Value = serde_json::from_str(rows).unwrap();
    assert_eq!(
        rows,
        json!([
            {"id": 1, "item": "tea, green", "price": 2.5, "paid": 1, "day": "2026-01-02",
             "at": "2026-01-02 03:04:05"},
            {"id": 2, "item": "say \"hi\"\nthere", "price": null, "paid": 0, "day": null,
             "at": null},
        ])
    );
}

#[test]
fn pyarrows_parquet_is_read() {
    let lab = Lab::new();
    let script = "import pyarrow as pa, pyarrow.parquet as pq, datetime as d, decimal\n\
        t = pa.table({\n\
        'id': pa.array([1, 2], pa.int32()),\n\
        'kind': pa.array(['a', 'b']).dictionary_encode(),\n\
        'at': pa.array([d.datetime(2026, 1, 2, 3, 4, 5, 6), None], pa.timestamp('ns')),\n\
        'price': pa.array([decimal.Decimal('1.50'), None], pa.decimal128(10, 2)),\n\
        'tags': pa.array([['x', None], []], pa.list_(pa.string())),\n\
        'who': pa.array([{'name': 'Ann', 'ages': [1]}, None]),\n\
        'map': pa.array([[('k', 1)], None], pa.map_(pa.string(), pa.int64()))})\n\
        pq.write_table(t, 'theirs.parquet', compression='gzip')\n\
        print('1')";
    if python(&lab, script).is_none() {
        return;
    }
    let data = lab.good(&[
        "preview",
        "native:parquet",
        "--config",
        r#"{"path": "theirs.parquet"}"#,
    ]);
    assert_eq!(
        data["records"],
        json!([
            {"id": 1, "kind": "a", "at": "2026-01-02T03:04:05.000006", "price": 1.50,
             "tags": ["x", null], "who": {"ages": [1], "name": "Ann"}, "map": {"k": 1}},
            {"id": 2, "kind": "b", "at": null, "price": null, "tags": [], "who": null, "map": null},
        ])
    );
}

#[test]
fn structs_and_lists_are_pyarrows_too() {
    let lab = Lab::new();
    let lines = "{\"id\":1,\"who\":{\"name\":\"Ann\",\"tags\":[\"x\",null]},\"at\":[[1],[2,3]]}\n\
        {\"id\":2,\"who\":null,\"at\":[]}\n\
        {\"id\":3,\"who\":{},\"at\":null}\n";
    std::fs::write(lab.path("people.jsonl"), lines).unwrap();
    let source = json!({"path": "people.jsonl"});
    let destination = json!({"path": "lake", "metadata_columns": false});
    let file = lab.pipeline(
        ("native:jsonl", source),
        ("native:parquet", destination),
        json!({}),
    );
    lab.good(&["run", file.to_str().unwrap()]);
    let script = "import glob, json, pyarrow.parquet as pq\n\
        t = pq.read_table(glob.glob('lake/people/*.parquet')[0])\n\
        t = t.drop(['_airbyte_additional_properties'])\n\
        print(json.dumps({'types': [str(f.type) for f in t.schema], 'rows': t.to_pylist()}))";
    let Some(read) = python(&lab, script) else {
        return;
    };
    let records = json!([
        {"id": 1, "who": {"name": "Ann", "tags": ["x", null]}, "at": [[1], [2, 3]]},
        {"id": 2, "who": null, "at": []},
        {"id": 3, "who": {"name": null, "tags": null}, "at": null},
    ]);
    assert_eq!(read["rows"], records);
    let types = json!([
        "int64",
        "struct<name: string, tags: list<element: string>>",
        "list<element: list<element: int64>>",
    ]);
    assert_eq!(read["types"], types);
    let config = r#"{"path": "lake/people/*.parquet"}"#;
    let data = lab.good(&["preview", "native:parquet", "--config", config]);
    assert_eq!(data["records"], records);
}

#[test]
fn folders_of_partitions_are_pyarrows_too() {
    let lab = Lab::new();
    let orders = "id,country,year\n1,DE,2025\n2,FR,2026\n3,,2026\n4,a/b=c,2025\n";
    std::fs::write(lab.path("orders.csv"), orders).unwrap();
    let source = json!({"path": "orders.csv"});
    let destination = json!({"path": "lake", "metadata_columns": false,
        "partition_by": {"orders": ["country", "year"]}});
    let to = ("native:parquet", destination);
    let file = lab.pipeline(("native:csv", source), to, json!({}));
    lab.good(&["run", file.to_str().unwrap()]);
    let script = "import json, pyarrow.parquet as pq\n\
        t = pq.read_table('lake/orders').drop(['_airbyte_additional_properties'])\n\
        rows = sorted(t.to_pylist(), key=lambda r: r['id'])\n\
        pq.write_to_dataset(t, 'theirs', partition_cols=['year', 'country'])\n\
        print(json.dumps(rows))";
    let Some(read) = python(&lab, script) else {
        return;
    };
    let records = json!([
        {"id": 1, "country": "DE", "year": 2025},
        {"id": 2, "country": "FR", "year": 2026},
        {"id": 3, "country": null, "year": 2026},
        {"id": 4, "country": "a/b=c", "year": 2025},
    ]);
    assert_eq!(read, records);
    let config = r#"{"path": "theirs"}"#;
    let mut data = lab.good(&["preview", "native:parquet", "--config", config]);
    let read = data["records"].as_array_mut().unwrap();
    read.sort_by_key(|record| record["id"].as_i64());
    assert_eq!(data["records"], records);
}
