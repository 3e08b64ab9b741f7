//! How fast lines become batches: megabytes per second, one thread, for several shapes of lines.
//! `cargo bench -p crossdock-airbyte --bench scan`. Ratios matter, not absolutes: `memchr` is the sweep that
//! finds the line ends and no more.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use crossdock_airbyte::wire::Decoder;

const CHUNK: usize = 256 << 10;
const ROUNDS: usize = 2_000;

fn line(stream: &str, number: usize, value: &str) -> String {
    format!(
        "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"{stream}\",\"data\":{{\"id\":{number},\"text\":{value}}},\"emitted_at\":17952894{number:05}}}}}\n"
    )
}

fn chunk(mut make: impl FnMut(usize) -> String) -> Bytes {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < CHUNK {
        text.push_str(&make(number));
        number += 1;
    }
    Bytes::from(text)
}

fn measure(name: &str, chunk: &Bytes, mut work: impl FnMut(&Bytes) -> usize) {
    let start = Instant::now();
    let mut records = 0;
    for _ in 0..ROUNDS {
        records += work(black_box(chunk));
    }
    let seconds = start.elapsed().as_secs_f64();
    let megabytes = (ROUNDS * chunk.len()) as f64 / 1e6;
    println!(
        "{name:<28} {:>8.0} MB/s {:>7.1} M lines/s",
        megabytes / seconds,
        records as f64 / 1e6 / seconds
    );
}

fn main() {
    let flat = format!("\"{}\"", "x".repeat(390));
    let many: String = (0..18)
        .map(|n| format!("\"column_{n}\":\"value {n}\","))
        .collect();
    let many = format!("0,{many}\"last\":1");
    let nested = format!("{{\"a\":[1,2,{{\"b\":\"{}\"}}]}}", "y".repeat(370));
    let escaped = format!("\"{}\"", "line\\nbreak ".repeat(32));
    let plain = chunk(|n| line("users", n, &flat));
    measure("line ends only (memchr)", &plain, |c| {
        memchr::memchr_iter(b'\n', c).count()
    });
    let cases = [
        ("one column, 470 B", plain.clone()),
        ("20 columns, 440 B", chunk(|n| line("users", n, &many))),
        ("nested, 470 B", chunk(|n| line("users", n, &nested))),
        ("escapes, 460 B", chunk(|n| line("users", n, &escaped))),
        ("short, 100 B", chunk(|n| line("users", n, "1"))),
        (
            "4 streams in turn",
            chunk(|n| line(&format!("users{}", n % 4), n, &flat)),
        ),
        (
            "full scan each (16 streams)",
            chunk(|n| line(&format!("users{}", n % 16), n, &flat)),
        ),
    ];
    for (name, chunk) in cases {
        let mut decoder = Decoder::new();
        let mut out = Vec::new();
        let lines = memchr::memchr_iter(b'\n', &chunk).count();
        measure(name, &chunk, |chunk| {
            out.clear();
            decoder.decode(chunk, 0, &mut out);
            black_box(&out);
            lines
        });
    }
}
