//! Batches of columns longer than one run, with deletes and with values that have no form in a frame.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use crossdock_core::batch::{Columns, Operation, Operations};
use crossdock_core::convert::arrow_schema;
use crossdock_core::schema::StreamSchema;
use serde_json::json;

use super::{catalog, decode, show, stream};
use crate::wire::protobuf::{FrameWriter, Layout, Wanted};

const ROWS: usize = 200;

fn columns(properties: &serde_json::Value, deletes: &[usize]) -> Columns {
    let schema = StreamSchema::from_json_schema(&json!({"properties": properties}));
    let ids = Int64Array::from_iter_values(0..ROWS as i64);
    let numbers = (0..ROWS).map(|row| if row % 17 == 3 { f64::NAN } else { 1.5 });
    let marks = (0..ROWS).map(|row| (row == 5).then_some("earlier"));
    let all: [ArrayRef; 3] = [
        Arc::new(ids),
        Arc::new(Float64Array::from_iter_values(numbers)),
        Arc::new(StringArray::from_iter(marks)),
    ];
    let arrays = all[..schema.fields.len()].to_vec();
    let operation = |row| match deletes.contains(&row) {
        true => Operation::Delete,
        false => Operation::Create,
    };
    Columns {
        values: RecordBatch::try_new(arrow_schema(&schema, None), arrays).unwrap(),
        operations: Operations::Each((0..ROWS).map(operation).collect()),
        emitted_at: vec![1500; ROWS],
        metadata: None,
    }
}

#[test]
fn each_record_has_its_own_mark_and_changes() {
    let properties = json!({
        "id": {"type": "integer"},
        "n": {"type": "number"},
        "_ab_cdc_deleted_at": {"type": "string"},
    });
    let stream = stream(&properties);
    let deletes = [5, 63, 64, 130];
    let mut frames = Vec::new();
    let mut writer = FrameWriter::new(Layout::V2, &stream);
    writer
        .columns(&columns(&properties, &deletes), "p", &mut frames)
        .unwrap();
    let found = show(&decode(
        Layout::V2,
        &catalog(&stream),
        Wanted::Rows,
        &frames,
    ));
    let expected = (0..ROWS).map(|row| {
        let mark = match row {
            5 => "\"earlier\"",
            63 | 64 | 130 => "\"1970-01-01T00:00:01.500Z\"",
            _ => "null",
        };
        let (number, note) = match row % 17 {
            3 => (
                "null",
                r#"{"changes":[{"field":"n","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#,
            ),
            _ => ("1.5", ""),
        };
        format!("s/p 1500 {{\"_ab_cdc_deleted_at\":{mark},\"id\":{row},\"n\":{number}}} {note} ")
    });
    assert_eq!(found, expected.collect::<Vec<_>>());
}

#[test]
fn a_delete_that_cannot_be_told_leaves_nothing_behind() {
    let properties = json!({"id": {"type": "integer"}, "n": {"type": "number"}});
    let mut writer = FrameWriter::new(Layout::V2, &stream(&properties));
    let mut frames = b"before".to_vec();
    let error = writer
        .columns(&columns(&properties, &[150]), "p", &mut frames)
        .unwrap_err();
    assert_eq!(error.code().name, "data.invalid");
    assert_eq!(frames, b"before");
}
