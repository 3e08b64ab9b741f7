//! A record's data, whatever a source puts there, into columns and back (P11).
#![no_main]

use bytes::Bytes;
use crossdock_core::batch::{RowSpans, RowsBuilder, Span};
use crossdock_core::convert::{RowsToColumns, columns_to_rows};
use crossdock_core::schema::StreamSchema;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|input: &[u8]| {
    let schema = StreamSchema::from_json_schema(&json!({"properties": {
        "s": {"type": "string"}, "b": {"type": "string", "contentEncoding": "base64"},
        "t": {"type": "boolean"}, "i": {"type": "integer"}, "n": {"type": "number"},
        "d": {"type": "string", "format": "date"},
        "z": {"type": "string", "format": "date-time"},
        "l": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
        "c": {"type": "string", "format": "time", "airbyte_type": "time_without_timezone"},
        "o": {"type": "object"}}}));
    let Some(after) = Span::new(0, input.len()) else { return };
    let mut rows = RowsBuilder::default();
    rows.push(RowSpans { after, ..RowSpans::default() });
    let rows = rows.finish(Bytes::from(input.to_vec()), None);
    let mut columns = RowsToColumns::new(&schema, Some("rest"));
    if columns.append(&rows).is_ok()
        && let Ok(columns) = columns.finish()
    {
        columns_to_rows(&columns, Some("rest")).expect("what became columns becomes rows");
    }
});
