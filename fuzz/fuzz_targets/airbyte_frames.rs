//! What comes over a data channel (P11): never a panic, what is read does not depend on how the bytes were
//! cut into reads, and what was read can be written again.
#![no_main]

use crossdock_airbyte::wire::protobuf::{
    FrameBuffer, FrameDecoder, FrameWriter, Framed, Layout, Wanted,
};
use crossdock_core::batch::Body;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::schema::{DataType, json_schema};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fn catalog() -> ConfiguredCatalog {
    let types = [
        DataType::String,
        DataType::Binary,
        DataType::Boolean,
        DataType::Integer,
        DataType::Number,
        DataType::Date,
        DataType::TimestampWithTimezone,
        DataType::TimestampWithoutTimezone,
        DataType::TimeWithTimezone,
        DataType::TimeWithoutTimezone,
        DataType::Json,
    ];
    let properties: serde_json::Map<_, _> = types
        .iter()
        .map(|data_type| (data_type.as_str().to_owned(), json_schema(*data_type)))
        .collect();
    let stream = Stream::new("s", json!({"properties": properties}));
    ConfiguredCatalog {
        streams: vec![ConfiguredStream::new(stream)],
        ..ConfiguredCatalog::default()
    }
}

/// How many records, and whether the frames came to an end.
fn read(input: &[u8], step: usize, layout: Layout, wanted: Wanted) -> Option<usize> {
    let catalog = catalog();
    let mut buffer = FrameBuffer::new(1 << 16);
    let mut decoder = FrameDecoder::new(layout, &catalog, wanted);
    let mut writer = FrameWriter::new(layout, &catalog.streams[0]);
    let mut framed = Vec::new();
    for part in input.chunks(step.max(1)) {
        buffer.space().extend_from_slice(part);
        if let Some(frames) = buffer.take().ok()? {
            decoder.decode(&frames, 0, &mut framed).ok()?;
        }
    }
    let mut records = 0;
    for framed in framed {
        let Framed::Records { body, .. } = framed else {
            continue;
        };
        records += body.len();
        let mut out = Vec::new();
        let again = match &body {
            Body::Columns(columns) => writer.columns(columns, "p", &mut out),
            Body::Rows(rows) if wanted == Wanted::Rows && !rows.after(0).is_empty() => {
                writer.rows(rows, "p", &mut out)
            }
            Body::Rows(_) => continue,
        };
        again.expect("what was read can be written");
    }
    Some(records)
}

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else {
        return;
    };
    let layout = if first & 1 == 0 { Layout::V1 } else { Layout::V2 };
    for wanted in [Wanted::Nothing, Wanted::Rows, Wanted::Columns] {
        let pieces = read(input, usize::from(first >> 1), layout, wanted);
        assert_eq!(pieces, read(input, usize::MAX, layout, wanted));
    }
});
