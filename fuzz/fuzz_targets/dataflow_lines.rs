//! What a connector and a processor of DataFlow say (P11): never a panic, and what a message holds can be
//! written again.
#![no_main]

use crossdock_dataflow::wire::{Command, Line, Response, Written, classify, write_source_message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for line in input.split(|byte| *byte == b'\n') {
        let Line::Object(line) = classify(line) else {
            continue;
        };
        if let Ok(Command::Write(messages)) = Command::read(line) {
            for message in messages {
                let _ = message.payload(line, &mut Vec::new());
            }
        }
        let Ok(Response::Message(message)) = Response::read(line) else {
            continue;
        };
        let mut payload = Vec::new();
        if message.payload(line, &mut payload).is_err() {
            continue;
        }
        let mut again = Vec::new();
        let written = Written {
            data: &payload,
            metadata: b"",
            timestamp: message.timestamp(line).unwrap_or_default(),
        };
        write_source_message(&mut again, &written);
        let Ok(Response::Message(read)) = Response::read(again.trim_ascii_end()) else {
            panic!("what was written is no message");
        };
        let mut same = Vec::new();
        assert!(read.payload(again.trim_ascii_end(), &mut same).is_ok());
        assert_eq!(payload, same);
    }
});
