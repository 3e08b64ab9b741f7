//! CSV → Parquet → SQLite → JSON Lines → CSV brings every value back. What is not the same in
//! letters is documented: a number is written in its shortest form, and an empty text reads as a
//! null in CSV.

use std::path::Path;

use crossdock_core::batch::BodyShape;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode};
use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::destination::{DestinationOpening, Ending, Mark};
use crossdock_core::event::Event;
use crossdock_core::session::Session;
use crossdock_core::source::SourceOpening;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{Acks, files, registry, scratch};

/// Moves everything that a source has into a destination, as a full refresh.
pub(crate) async fn move_all(source: (&str, &Value), destination: (&str, &Value)) {
    let registry = registry();
    let from = registry.get(source.0).unwrap().source.clone().unwrap();
    let to = registry
        .get(destination.0)
        .unwrap()
        .destination
        .clone()
        .unwrap();
    let catalog = from
        .discover(source.1.clone(), &Session::default())
        .await
        .unwrap();
    let streams = catalog.streams.into_iter().map(|stream| ConfiguredStream {
        destination_sync_mode: DestinationSyncMode::Overwrite,
        generation_id: Some(1),
        minimum_generation_id: Some(1),
        ..ConfiguredStream::new(stream)
    });
    let catalog = ConfiguredCatalog {
        streams: streams.collect(),
        ..ConfiguredCatalog::default()
    };
    let opening = SourceOpening {
        bounded: true,
        connector: String::new(),
        pipeline: "p".to_owned(),
        catalog: catalog.clone(),
        state: Vec::new(),
        shape: BodyShape::Columns,

        verbatim: None,
        values: true,
        session: Session::default(),
    };
    let mut reader = from.open(source.1.clone(), opening).await.unwrap();
    let acks = std::sync::Arc::new(Acks::default());
    let opening = DestinationOpening {
        whole_states: false,
        keeps_refused: false,
        connector: String::new(),
        catalog,
        pipeline: "round trip".to_owned(),
        epoch: 1,
        marks: Vec::new(),
        marks_decide: false,
        keeps_marks: false,
        acks,
        session: Session::default(),
    };
    let mut writer = to.open(destination.1.clone(), opening).await.unwrap();
    let mut seq = 0;
    loop {
        match reader.next().await.unwrap() {
            Event::Batch(batch) => {
                seq += 1;
                writer.write(Seq(seq), batch).await.unwrap();
            }
            Event::Checkpoint(checkpoint) => {
                seq += 1;
                let checkpoint = std::sync::Arc::new(checkpoint);
                writer.checkpoint(Seq(seq), checkpoint).await.unwrap();
            }
            Event::End => break,
            _ => {}
        }
    }
    reader.close().await.unwrap();
    writer.finish(Ending::Complete).await.unwrap();
    let mark = Mark {
        epoch: 1,
        lane: Lane::Global,
        seq: Seq(seq),
    };
    writer.committed(&mark).await.unwrap();
    writer.close().await.unwrap();
}

/// A value of the table.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Null,
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Text(String),
}

/// A column: its name, its type in the CSV source's settings, and its values.
type Column = (String, &'static str, Vec<Cell>);

fn cells(rows: usize) -> impl Strategy<Value = (&'static str, Vec<Cell>)> {
    let of = move |kind: &'static str, cell: BoxedStrategy<Cell>| {
        let cell = prop_oneof![1 => Just(Cell::Null), 5 => cell];
        proptest::collection::vec(cell, rows)
            .prop_map(move |cells| (kind, cells))
            .boxed()
    };
    // Not the empty text, which reads as a null; not CR, which SQLite and JSON keep and CSV readers
    // may not.
    let text = "[^\\r]{1,12}".prop_filter("only white space", |t| !t.trim().is_empty());
    prop_oneof![
        of("integer", any::<i64>().prop_map(Cell::Integer).boxed()),
        of(
            "number",
            any::<f64>()
                .prop_filter("JSON", |n| n.is_finite())
                .prop_map(Cell::Number)
                .boxed()
        ),
        of("boolean", any::<bool>().prop_map(Cell::Boolean).boxed()),
        of("string", text.prop_map(Cell::Text).boxed()),
        of(
            "date",
            (1i64..9999, 1u8..=12, 1u8..=28)
                .prop_map(|(y, m, d)| Cell::Text(format!("{y:04}-{m:02}-{d:02}")))
                .boxed()
        ),
        of(
            "timestamp",
            (1900i64..2200, 0u8..24, 0u32..1_000_000)
                .prop_map(|(y, h, f)| {
                    let fraction = match f {
                        0 => String::new(),
                        f if f % 1000 == 0 => format!(".{:03}", f / 1000),
                        f => format!(".{f:06}"),
                    };
                    Cell::Text(format!("{y}-02-03T{h:02}:05:06{fraction}Z"))
                })
                .boxed()
        ),
    ]
}

fn table() -> impl Strategy<Value = Vec<Column>> {
    (1..40usize).prop_flat_map(|rows| {
        proptest::collection::vec(cells(rows), 1..6).prop_map(|columns| {
            let name = |(at, (kind, cells))| (format!("c{at}"), kind, cells);
            columns.into_iter().enumerate().map(name).collect()
        })
    })
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Integer(value) => value.to_string(),
        Cell::Number(value) => format!("{value:?}"),
        Cell::Boolean(value) => value.to_string(),
        Cell::Text(text) => text.clone(),
    }
}

fn read(text: &str, kind: &str) -> Cell {
    match kind {
        _ if text.is_empty() => Cell::Null,
        "integer" => Cell::Integer(text.parse().unwrap()),
        "number" => Cell::Number(text.parse().unwrap()),
        "boolean" => Cell::Boolean(text.parse().unwrap()),
        _ => Cell::Text(text.to_owned()),
    }
}

async fn round_trip(root: &Path, table: &[Column]) -> Vec<Vec<Cell>> {
    let at = |name: &str| root.join(name);
    let mut writer = csv::Writer::from_path(at("t.csv")).unwrap();
    // A column of nulls alone would be a line without anything.
    let mut names = vec!["row".to_owned()];
    names.extend(table.iter().map(|(name, ..)| name.clone()));
    writer.write_record(&names).unwrap();
    for row in 0..table[0].2.len() {
        let mut fields = vec![row.to_string()];
        fields.extend(table.iter().map(|(.., cells)| written(&cells[row])));
        writer.write_record(fields).unwrap();
    }
    writer.flush().unwrap();
    let types: serde_json::Map<String, Value> = table
        .iter()
        .map(|(name, kind, _)| (name.clone(), json!(kind)))
        .collect();
    let plain = |name: &str| json!({"path": at(name), "metadata_columns": false});
    let csv = json!({"path": at("t.csv"), "stream": "t", "types": types});
    move_all(("csv", &csv), ("parquet", &plain("parquet"))).await;
    let parquet = json!({"path": at("parquet/t"), "stream": "t"});
    move_all(("parquet", &parquet), ("sqlite", &plain("t.db"))).await;
    let sqlite = json!({"path": at("t.db")});
    move_all(("sqlite", &sqlite), ("jsonl", &plain("jsonl"))).await;
    let jsonl = json!({"path": at("jsonl/t"), "stream": "t", "types": types});
    move_all(("jsonl", &jsonl), ("csv", &plain("csv"))).await;
    let mut rows: Vec<(i64, Vec<Cell>)> = Vec::new();
    for file in files(&at("csv"), "t") {
        let mut reader = csv::Reader::from_path(file).unwrap();
        let headers = reader.headers().unwrap().clone();
        let place = |name: &str| headers.iter().position(|h| h == name);
        for record in reader.records() {
            let record = record.unwrap();
            let cells = table.iter().map(|(name, kind, _)| {
                // A column of nulls alone is not in JSON Lines' sample.
                place(name).map_or(Cell::Null, |at| read(&record[at], kind))
            });
            let row = record[place("row").unwrap()].parse().unwrap();
            rows.push((row, cells.collect()));
        }
    }
    rows.sort_by_key(|(row, _)| *row);
    rows.into_iter().map(|(_, cells)| cells).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn csv_parquet_sqlite_jsonl_csv_is_the_identity(table in table()) {
        let root = scratch();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let back = runtime.block_on(round_trip(root.path(), &table));
        let rows = table[0].2.len();
        let expected: Vec<Vec<Cell>> = (0..rows)
            .map(|row| table.iter().map(|(.., cells)| cells[row].clone()).collect())
            .collect();
        prop_assert_eq!(back, expected);
    }
}

/// What nests comes back from Parquet as it was, typed or not.
#[tokio::test(flavor = "multi_thread")]
async fn nested_values_survive_parquet() {
    for nested in ["typed", "json"] {
        let root = scratch();
        let at = |name: &str| root.path().join(name);
        let records = [
            json!({"id": 1, "who": {"name": "Ann", "tags": ["a", "b"]}, "any": {"x": [1, {"y": 2}]}}),
            json!({"id": 2, "who": {"name": "Bo", "tags": []}, "any": ["text", 1.5]}),
            json!({"id": 3, "who": null, "any": "text"}),
        ];
        let lines: Vec<_> = records.iter().map(Value::to_string).collect();
        std::fs::write(at("in.jsonl"), lines.join("\n")).unwrap();
        let source = json!({"path": at("in.jsonl")});
        let lake = json!({"path": at("lake"), "metadata_columns": false, "nested": nested});
        move_all(("jsonl", &source), ("parquet", &lake)).await;
        let source = json!({"path": at("lake/in"), "stream": "in"});
        let out = json!({"path": at("out"), "metadata_columns": false});
        move_all(("parquet", &source), ("jsonl", &out)).await;
        let read: Vec<Value> = files(&at("out"), "in")
            .iter()
            .flat_map(|file| crate::rig::lines(file))
            .collect();
        assert_eq!(read, records, "{nested}");
    }
}
