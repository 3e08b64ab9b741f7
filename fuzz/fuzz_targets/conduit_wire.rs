//! What a connector of Conduit sends and prints (P11): never a panic, whatever the bytes are.
#![no_main]

use crossdock_avro::Schema;
use crossdock_conduit::wire::handshake::Handshake;
use crossdock_conduit::wire::log_line::LogLine;
use crossdock_conduit::wire::record::{Data, RecordView, Records};
use crossdock_conduit::wire::structured::{Lossy, write_json, write_struct};
use crossdock_core::inference::Members;
use libfuzzer_sys::fuzz_target;

fn records(message: &[u8]) {
    let mut records = Records::new(message);
    let mut view = RecordView::default();
    while let Ok(Some(place)) = records.next() {
        if view.read(message, place.record).is_err() {
            return;
        }
        for data in [&view.key, &view.before, &view.after] {
            let Data::Structured(range) = data else {
                continue;
            };
            let mut text = Vec::new();
            if write_json(message, range.clone(), &mut text, Some(&mut Members::default())).is_ok() {
                // What was read can be written again.
                write_struct(&text, &mut Vec::new(), &mut Lossy::default()).unwrap();
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    records(input);
    let text = String::from_utf8_lossy(input);
    let _ = Handshake::parse(&text);
    let _ = LogLine::parse(&text).text();
    // A schema and a value, with a zero between.
    let (schema, value) = match input.iter().position(|byte| *byte == 0) {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, &[][..]),
    };
    if let Ok(schema) = Schema::parse(schema) {
        let _ = schema.json_schema();
        let _ = schema.write_json(value, &mut Vec::new());
    }
});
