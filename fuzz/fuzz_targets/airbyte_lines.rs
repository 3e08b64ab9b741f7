//! What a connector prints (P11): never a panic, and what is read does not depend on how the bytes
//! were cut into reads.
#![no_main]

use crossdock_airbyte::wire::{Decoder, Message};
use crossdock_core::line::LineBuffer;
use libfuzzer_sys::fuzz_target;

fn read(input: &[u8], step: usize) -> usize {
    let mut lines = LineBuffer::new(1 << 16);
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    for part in input.chunks(step.max(1)) {
        lines.space().extend_from_slice(part);
        match lines.take() {
            Ok(Some(run)) => decoder.decode(&run, 0, &mut messages),
            Ok(None) => {}
            Err(_) => return usize::MAX,
        }
    }
    if let Some(rest) = lines.rest() {
        decoder.decode(&rest, 0, &mut messages);
    }
    let count = |message: &Message| match message {
        Message::Records { rows, .. } => rows.len(),
        _ => 1,
    };
    messages.iter().map(count).sum()
}

fuzz_target!(|input: &[u8]| {
    let step = input.first().copied().unwrap_or(1) as usize;
    assert_eq!(read(input, step), read(input, usize::MAX));
});
