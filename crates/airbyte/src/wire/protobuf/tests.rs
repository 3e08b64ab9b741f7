//! Golden bytes, computed by hand from the tables of §4.4, and what is decoded of odd ones.

mod batch;
mod odd;
mod pieces;
mod property;

use bytes::Bytes;
use crossdock_core::batch::{Body, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::convert::columns_to_rows;
use crossdock_core::schema::{self, DataType};
use serde_json::{Value, json};

use super::{FrameDecoder, FrameWriter, Framed, Layout, Wanted};
use crate::wire::Message;

pub(super) const NOW: i64 = 42;

pub(super) fn stream(properties: &Value) -> ConfiguredStream {
    ConfiguredStream::new(Stream::new("s", json!({"properties": properties})))
}

pub(super) fn catalog(stream: &ConfiguredStream) -> ConfiguredCatalog {
    ConfiguredCatalog {
        streams: vec![stream.clone()],
        ..ConfiguredCatalog::default()
    }
}

/// Rows of these values, all emitted at 7.
pub(super) fn rows(values: &[&str]) -> Rows {
    let mut buffer = String::new();
    let mut rows = RowsBuilder::default();
    for value in values {
        let start = buffer.len();
        buffer.push_str(value);
        rows.push(RowSpans {
            after: Span::new(start, buffer.len()).unwrap(),
            emitted_at: 7,
            ..RowSpans::default()
        });
    }
    rows.finish(Bytes::from(buffer), None)
}

pub(super) fn decode(
    layout: Layout,
    catalog: &ConfiguredCatalog,
    wanted: Wanted,
    frames: &[u8],
) -> Vec<Framed> {
    let mut decoder = FrameDecoder::new(layout, catalog, wanted);
    let mut out = Vec::new();
    decoder
        .decode(&Bytes::copy_from_slice(frames), NOW, &mut out)
        .unwrap();
    out
}

/// What was decoded as text, records one by one, with the lines that were kept.
pub(super) fn show(framed: &[Framed]) -> Vec<String> {
    let mut shown = Vec::new();
    for framed in framed {
        match framed {
            Framed::Records {
                stream,
                partition,
                body,
            } => {
                let rows = match body {
                    Body::Rows(rows) => rows.clone(),
                    Body::Columns(columns) => columns_to_rows(columns, None).unwrap(),
                };
                for row in 0..rows.len() {
                    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
                    shown.push(format!(
                        "{stream}/{partition} {} {} {} {}",
                        rows.emitted_at(row),
                        text(rows.after(row)),
                        rows.metadata(row).map(text).unwrap_or_default(),
                        rows.line(row).unwrap_or_default().escape_ascii(),
                    ));
                }
            }
            Framed::Message(Message::State(state)) => shown.push(format!("state {:?}", state.id)),
            Framed::Message(Message::Trace(trace)) => shown.push(format!("trace {}", trace.kind)),
            Framed::Message(Message::Unreadable { reason, .. }) => {
                shown.push(format!("bad: {reason}"))
            }
            Framed::Message(message) => shown.push(format!("{message:?}")),
            Framed::Probe => shown.push("probe".into()),
        }
    }
    shown
}

/// `68 65 6c` as bytes.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits = text.split_whitespace();
    digits.map(|d| u8::from_str_radix(d, 16).unwrap()).collect()
}

/// One value of a property: its bytes in both layouts, and that it comes back in each shape.
fn check(data_type: DataType, value: &str, new: &str, old: &str) {
    let stream = stream(&json!({"a": schema::json_schema(data_type)}));
    for (layout, bytes) in [(Layout::V2, hex(new)), (Layout::V1, hex(old))] {
        let mut writer = FrameWriter::new(layout, &stream);
        let mut frames = Vec::new();
        let row = format!(r#"{{"a":{value}}}"#);
        writer.rows(&rows(&[&row]), "p", &mut frames).unwrap();
        let head = hex("12 01 73 18 07 22 01 70 2a");
        let record = [&head[..], &[bytes.len() as u8], &bytes].concat();
        let frame = [
            &[record.len() as u8 + 2, 0x0a, record.len() as u8],
            &record[..],
        ]
        .concat();
        let shown = format!("{layout:?} {data_type:?} {value}");
        assert_eq!(
            frames.escape_ascii().to_string(),
            frame.escape_ascii().to_string(),
            "{shown}"
        );
        for wanted in [Wanted::Rows, Wanted::Columns] {
            let found = show(&decode(layout, &catalog(&stream), wanted, &frame));
            assert_eq!(found, [format!("s/p 7 {row}  ")], "{shown}");
        }
        let Some(Framed::Records {
            body: Body::Columns(columns),
            ..
        }) = decode(layout, &catalog(&stream), Wanted::Columns, &frame).pop()
        else {
            panic!("no columns");
        };
        let mut again = Vec::new();
        writer.columns(&columns, "p", &mut again).unwrap();
        assert_eq!(again, frame, "{shown}: columns");
    }
}

#[test]
fn every_case_of_a_value_in_both_layouts() {
    use DataType::{
        Binary, Boolean, Date, Integer, Json, Number, String, TimeWithTimezone,
        TimeWithoutTimezone, TimestampWithTimezone, TimestampWithoutTimezone,
    };
    let same = |data_type, value, bytes| check(data_type, value, bytes, bytes);
    same(Boolean, "true", "08 01");
    same(Boolean, "false", "08 00");
    same(String, r#""hé""#, "12 03 68 c3 a9");
    same(String, r#""""#, "12 00");
    check(Integer, "0", "18 00", "18 00");
    check(Integer, "150", "18 ac 02", "18 96 01");
    check(Integer, "-1", "18 01", "18 ff ff ff ff ff ff ff ff ff 01");
    check(
        Integer,
        "9223372036854775807",
        "18 fe ff ff ff ff ff ff ff ff 01",
        "18 ff ff ff ff ff ff ff ff 7f",
    );
    same(Number, "1.5", "29 00 00 00 00 00 00 f8 3f");
    check(
        Date,
        r#""1970-01-02""#,
        "38 02",
        "3a 0a 31 39 37 30 2d 30 31 2d 30 32",
    );
    check(
        Date,
        r#""1969-12-31""#,
        "38 01",
        "3a 0a 31 39 36 39 2d 31 32 2d 33 31",
    );
    check(
        TimeWithTimezone,
        r#""00:00:01+01:00""#,
        "42 09 08 80 94 eb dc 03 10 a0 38",
        "42 0e 30 30 3a 30 30 3a 30 31 2b 30 31 3a 30 30",
    );
    check(
        TimeWithTimezone,
        r#""00:00:00Z""#,
        "42 00",
        "42 09 30 30 3a 30 30 3a 30 30 5a",
    );
    check(
        TimeWithoutTimezone,
        r#""00:00:00.000001""#,
        "48 e8 07",
        "4a 0f 30 30 3a 30 30 3a 30 30 2e 30 30 30 30 30 31",
    );
    check(
        TimestampWithTimezone,
        r#""1970-01-01T00:00:01.000002Z""#,
        "52 05 08 02 10 d0 0f",
        "52 1b 31 39 37 30 2d 30 31 2d 30 31 54 30 30 3a 30 30 3a 30 31 2e 30 30 30 30 30 32 5a",
    );
    check(
        TimestampWithTimezone,
        r#""1969-12-31T23:59:59Z""#,
        "52 02 08 01",
        "52 14 31 39 36 39 2d 31 32 2d 33 31 54 32 33 3a 35 39 3a 35 39 5a",
    );
    check(
        TimestampWithoutTimezone,
        r#""1970-01-02T00:00:00.000001""#,
        "5a 05 08 02 10 e8 07",
        "5a 1a 31 39 37 30 2d 30 31 2d 30 32 54 30 30 3a 30 30 3a 30 30 2e 30 30 30 30 30 31",
    );
    same(
        Json,
        r#"{"b":[1,null]}"#,
        "62 0e 7b 22 62 22 3a 5b 31 2c 6e 75 6c 6c 5d 7d",
    );
    same(Binary, r#""AAE=""#, "62 06 22 41 41 45 3d 22");
    for data_type in [
        Boolean,
        String,
        Integer,
        Number,
        Date,
        TimestampWithTimezone,
        Json,
        Binary,
    ] {
        same(data_type, "null", "68 01");
    }
}
