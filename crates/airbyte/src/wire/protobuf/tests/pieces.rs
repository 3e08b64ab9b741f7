//! Columns written in pieces: values of every kind and length, and nulls among them.

use crossdock_core::batch::{Body, Columns};
use serde_json::json;

use super::{DataType, catalog, decode, rows, schema, stream};
use crate::wire::protobuf::{FrameWriter, Framed, Layout, Wanted};

/// Texts and JSON texts of 0 to 200 bytes with other values between them and nulls here and there, and their
/// frames.
fn case(layout: Layout) -> (FrameWriter, Columns, Vec<u8>) {
    let types = [
        DataType::String,
        DataType::Json,
        DataType::Integer,
        DataType::Number,
        DataType::Boolean,
        DataType::Date,
        DataType::TimeWithoutTimezone,
        DataType::TimestampWithTimezone,
        DataType::TimestampWithoutTimezone,
    ];
    let properties = types.iter().enumerate();
    let properties: serde_json::Map<_, _> = properties
        .map(|(at, data_type)| (format!("p{at}"), schema::json_schema(*data_type)))
        .collect();
    let stream = stream(&json!(properties));
    let line = |row: usize| {
        let text: String = ('a'..='z').cycle().take(row).collect();
        let (clock, day) = (format!("00:00:{:02}", row % 60), "1970-01-01");
        let values = [
            json!(text),
            json!({"in": text}),
            json!(1_i64.wrapping_shl(row as u32 % 64)),
            json!(row as f64 / 8.0),
            json!(row.is_multiple_of(2)),
            json!(day),
            json!(clock),
            json!(format!("{day}T{clock}Z")),
            json!(format!("{day}T{clock}")),
        ];
        let values = values.into_iter().enumerate();
        let values = values.map(|(at, value)| {
            let is_null = row.is_multiple_of(at + 5);
            (format!("p{at}"), if is_null { json!(null) } else { value })
        });
        serde_json::Value::Object(values.collect()).to_string()
    };
    let lines: Vec<String> = (0..=200).map(line).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let mut writer = FrameWriter::new(layout, &stream);
    let mut frames = Vec::new();
    writer.rows(&rows(&lines), "p", &mut frames).unwrap();
    let found = decode(layout, &catalog(&stream), Wanted::Columns, &frames).pop();
    let Some(Framed::Records {
        body: Body::Columns(columns),
        ..
    }) = found
    else {
        panic!("no columns");
    };
    (writer, columns, frames)
}

#[test]
fn columns_of_every_kind_are_as_their_rows() {
    for layout in [Layout::V1, Layout::V2] {
        let (mut writer, columns, frames) = case(layout);
        let mut out = Vec::new();
        writer.columns(&columns, "p", &mut out).unwrap();
        assert!(out == frames, "{layout:?}");
    }
}

#[test]
fn pieces_are_the_whole() {
    let (mut writer, columns, frames) = case(Layout::V2);
    for step in [1, 7, 63, 64, 65, 200, 201, 300] {
        let mut out = Vec::new();
        for first in (0..columns.len()).step_by(step) {
            let range = first..first + step;
            writer
                .columns_range(&columns, range, "p", &mut out)
                .unwrap();
        }
        assert!(out == frames, "{step}");
    }
}
