//! How fast the conversions are, as ratios to sonic-rs parsing the same lines into a tree, measured
//! in the same run on the same core. Prints, asserts nothing: `cargo bench -p crossdock-core`.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use crossdock_core::batch::{RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::convert::{RowsToColumns, columns_to_rows};
use crossdock_core::json::scan::skip_value;
use crossdock_core::schema::{DataType, Field, StreamSchema};

const ROWS: usize = 5_000;
const ROUNDS: usize = 50;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap_or(0)]
    }
}

/// What varies between the cases.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// As compact printers write.
    Compact,
    /// With a space after commas and colons, as Python's own printer writes.
    Spaced,
    /// Compact, with null members left out at random.
    Sparse,
}

fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type)
}

fn schema() -> StreamSchema {
    use DataType::{Boolean, Date, Integer, Number, String, TimestampWithTimezone};
    let fields = [
        ("id", Integer),
        ("account_id", Integer),
        ("email", String),
        ("name", String),
        ("age", Integer),
        ("is_active", Boolean),
        ("balance", Number),
        ("score", Number),
        ("created_at", TimestampWithTimezone),
        ("updated_at", TimestampWithTimezone),
        ("birthday", Date),
        ("country", String),
        ("city", String),
        ("visits", Integer),
        ("latitude", Number),
        ("verified", Boolean),
        ("note", String),
        ("referrer", String),
        ("plan", String),
        ("quantity", Integer),
    ];
    let fields = fields
        .iter()
        .map(|(name, data_type)| field(name, *data_type));
    StreamSchema {
        fields: fields.collect(),
    }
}

fn line(random: &mut Random, index: usize, form: Form) -> String {
    let stamp = |random: &mut Random| {
        format!(
            "\"20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z\"",
            random.below(26),
            1 + random.below(12),
            1 + random.below(28),
            random.below(24),
            random.below(60),
            random.below(60),
            random.below(1_000_000)
        )
    };
    let first = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Margaret"];
    let last = [
        "Lovelace", "Hopper", "Dijkstra", "Liskov", "Knuth", "Hamilton",
    ];
    let (first, last) = (random.pick(&first), random.pick(&last));
    let values = [
        index.to_string(),
        random.below(1_000_000_000).to_string(),
        format!("\"{first}.{last}{}@example.com\"", random.below(1000)),
        format!("\"{first} {last}\""),
        (18 + random.below(70)).to_string(),
        random.pick(&["true", "false"]).to_owned(),
        format!("{}.{:02}", random.below(100_000), random.below(100)),
        format!("0.{:04}", random.below(10_000)),
        stamp(random),
        stamp(random),
        format!(
            "\"19{:02}-0{}-1{}\"",
            random.below(100),
            1 + random.below(9),
            random.below(9)
        ),
        format!("\"{}\"", random.pick(&["NL", "DE", "FR", "US", "JP"])),
        format!(
            "\"{}\"",
            random.pick(&["Amsterdam", "Zürich", "Paris", "New York", "Tokyo"])
        ),
        random.below(10_000).to_string(),
        // Shortest digits of a random double, as Python prints them: 15 to 17 of them.
        format!("{}", (random.below(1 << 53) as f64) / (1u64 << 47) as f64),
        random.pick(&["true", "false", "null"]).to_owned(),
        format!(
            "\"{}\"",
            random.pick(&["", "called twice", "prefers mail, no calls please"])
        ),
        random
            .pick(&[
                "null",
                "\"https://example.com/a\"",
                "\"https://example.org/b/c\"",
            ])
            .to_owned(),
        format!("\"{}\"", random.pick(&["free", "basic", "pro"])),
        random.below(100).to_string(),
    ];
    let (comma, colon) = if form == Form::Spaced {
        (", ", ": ")
    } else {
        (",", ":")
    };
    let mut out = String::from("{");
    for (field, value) in schema().fields.iter().zip(values) {
        if form == Form::Sparse && (value == "null" || random.below(8) == 0) {
            continue;
        }
        if out.len() > 1 {
            out.push_str(comma);
        }
        let _ = write!(out, "\"{}\"{colon}{value}", field.name);
    }
    out.push('}');
    out
}

fn rows(lines: &[String]) -> Rows {
    let mut buffer = Vec::new();
    let mut builder = RowsBuilder::default();
    for line in lines {
        let start = buffer.len();
        buffer.extend_from_slice(line.as_bytes());
        let after = Span::new(start, buffer.len()).unwrap_or_default();
        builder.push(RowSpans {
            after,
            ..RowSpans::default()
        });
        buffer.push(b'\n');
    }
    builder.finish(Bytes::from(buffer), None)
}

/// The best of several rounds of all `work`, taken by turns so that all see the same weather.
fn best(work: &mut [&mut dyn FnMut()]) -> Vec<Duration> {
    let mut best = vec![Duration::MAX; work.len()];
    for _ in 0..ROUNDS {
        for (work, best) in work.iter_mut().zip(&mut best) {
            let start = Instant::now();
            work();
            *best = start.elapsed().min(*best);
        }
    }
    best
}

fn measure(name: &str, form: Form) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let lines: Vec<String> = (0..ROWS).map(|i| line(&mut random, i, form)).collect();
    let bytes: usize = lines.iter().map(String::len).sum();
    let rows = rows(&lines);
    let schema = schema();
    let mut collected = RowsToColumns::new(&schema, None);
    let mut columns = None;
    let mut tree = || parse_trees(&rows);
    let mut convert = || {
        let appended = collected.append(&rows);
        let finished = collected.finish();
        black_box(appended.is_ok() && finished.is_ok());
        columns = finished.ok();
    };
    let times = best(&mut [&mut tree, &mut convert]);
    let Some(columns) = columns else {
        return println!("{name}: the conversion failed");
    };
    let mut back = || {
        black_box(columns_to_rows(&columns, None).is_ok());
    };
    let mut skip = || {
        for index in 0..rows.len() {
            black_box(skip_value(rows.after(index), 0).is_ok());
        }
    };
    let more = best(&mut [&mut back, &mut skip]);
    let (back, skip) = (more[0], more[1]);
    let speed = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
    let ratio = |time: Duration| times[0].as_secs_f64() / time.as_secs_f64();
    println!(
        "{name:<8} {:>4} B/row  sonic-rs tree {:>5.0} MB/s  rows to columns {:>5.0} MB/s ({:.2} x)  \
         columns to rows {:>5.0} MB/s ({:.2} x)  skipping {:>5.0} MB/s",
        bytes / ROWS,
        speed(times[0]),
        speed(times[1]),
        ratio(times[1]),
        speed(back),
        ratio(back),
        speed(skip),
    );
}

/// One thing alone, again and again: for a profiler.
fn profile(what: &str) {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let lines: Vec<String> = (0..ROWS)
        .map(|i| line(&mut random, i, Form::Compact))
        .collect();
    let rows = rows(&lines);
    let mut collected = RowsToColumns::new(&schema(), None);
    let mut columns = None;
    for _ in 0..400 {
        match (what, &columns) {
            ("tree", _) => parse_trees(&rows),
            ("back", Some(columns)) => {
                black_box(columns_to_rows(columns, None).is_ok());
            }
            _ => {
                black_box(collected.append(&rows).is_ok());
                columns = collected.finish().ok();
            }
        }
    }
}

fn parse_trees(rows: &Rows) {
    for index in 0..rows.len() {
        let value: Result<sonic_rs::Value, _> = sonic_rs::from_slice(rows.after(index));
        black_box(value.is_ok());
    }
}

fn main() {
    if let Some(what) =
        std::env::args().find(|what| ["tree", "convert", "back"].contains(&what.as_str()))
    {
        return profile(&what);
    }
    measure("compact", Form::Compact);
    measure("spaced", Form::Spaced);
    measure("sparse", Form::Sparse);
}
