//! How fast frames of the data channel become batches, and batches frames: one thread, 16 columns of
//! mixed types, beside a copy of the same bytes in turns. `cargo bench -p crossdock-airbyte --bench frames`;
//! with `-- --json` for `cargo xtask bench frames`, which quotes it. Prints, asserts nothing.
#![expect(clippy::print_stdout, reason = "the figures are the output")]
#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use crossdock_airbyte::wire::protobuf::{
    FrameBuffer, FrameDecoder, FrameWriter, Framed, Layout, Wanted,
};
use crossdock_core::batch::{Body, Columns, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::schema::{DataType, json_schema};
use serde_json::json;

/// What one read brings.
const CHUNK: usize = 256 << 10;

/// Each side works on so many bytes in a turn.
const TURN: usize = 32 << 20;

const TURNS: usize = 5;

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

const WIDE: [(&str, DataType); 16] = [
    ("id", DataType::Integer),
    ("account", DataType::Integer),
    ("email", DataType::String),
    ("name", DataType::String),
    ("age", DataType::Integer),
    ("active", DataType::Boolean),
    ("balance", DataType::Number),
    ("score", DataType::Number),
    ("created_at", DataType::TimestampWithTimezone),
    ("seen_at", DataType::TimestampWithTimezone),
    ("local", DataType::TimestampWithoutTimezone),
    ("birthday", DataType::Date),
    ("country", DataType::String),
    ("note", DataType::String),
    ("tags", DataType::Json),
    ("opens", DataType::TimeWithoutTimezone),
];

fn wide_row(random: &mut Random, id: usize) -> String {
    let mut stamp = |end: &str| {
        format!(
            "\"20{:02}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}{end}\"",
            random.below(26),
            1 + random.below(12),
            1 + random.below(28),
            random.below(24),
            random.below(60),
            random.below(60),
            random.below(1_000_000)
        )
    };
    let (created, seen, local) = (stamp("Z"), stamp("Z"), stamp(""));
    let words = [
        "ordinary",
        "of no further interest",
        "asked twice",
        "pays late",
        "",
    ];
    let note = words[usize::try_from(random.below(5)).unwrap()];
    let score = match random.below(10) {
        0 => "null".to_owned(),
        _ => format!("0.{:04}", random.below(10_000)),
    };
    format!(
        "{{\"id\":{id},\"account\":{},\"email\":\"person.{}@example.com\",\"name\":\"Ada Lovelace {}\",\
         \"age\":{},\"active\":{},\"balance\":{}.{:02},\"score\":{score},\"created_at\":{created},\
         \"seen_at\":{seen},\"local\":{local},\"birthday\":\"19{:02}-0{}-1{}\",\"country\":\"NL\",\
         \"note\":\"{note}\",\"tags\":[\"a\",{}],\"opens\":\"0{}:30:00\"}}",
        random.below(1_000_000_000),
        random.below(100_000),
        random.below(1_000),
        18 + random.below(70),
        random.below(2) == 0,
        random.below(100_000),
        random.below(100),
        random.below(100),
        1 + random.below(9),
        random.below(9),
        random.below(100),
        random.below(10),
    )
}

fn stream(columns: &[(&str, DataType)]) -> ConfiguredStream {
    let properties: serde_json::Map<_, _> = columns
        .iter()
        .map(|(name, data_type)| ((*name).to_owned(), json_schema(*data_type)))
        .collect();
    let mut stream = Stream::new("people", json!({"properties": properties}));
    stream.namespace = Some("public".into());
    ConfiguredStream::new(stream)
}

/// Something to measure, and its name.
type Work<'a> = (&'static str, Box<dyn FnMut() + 'a>);

/// Records of a stream in all forms.
struct Case {
    catalog: ConfiguredCatalog,
    stream: ConfiguredStream,
    layout: Layout,
    frames: Bytes,
    columns: Columns,
    rows: Rows,
}

impl Case {
    fn new(
        layout: Layout,
        columns: &[(&str, DataType)],
        mut row: impl FnMut(usize) -> String,
    ) -> Self {
        let stream = stream(columns);
        let mut writer = FrameWriter::new(layout, &stream);
        let (mut text, mut spans, mut frames) = (String::new(), RowsBuilder::default(), Vec::new());
        while frames.len() < CHUNK {
            let line = row(spans.len());
            let after = Span::new(text.len(), text.len() + line.len()).unwrap();
            text.push_str(&line);
            let record = RowSpans {
                after,
                emitted_at: 1_795_289_451_713,
                ..RowSpans::default()
            };
            spans.push(record);
            let mut one = RowsBuilder::default();
            one.push(RowSpans {
                after: Span::new(0, line.len()).unwrap(),
                ..record
            });
            writer
                .rows(
                    &one.finish(Bytes::from(line), None),
                    "k3jx81mq",
                    &mut frames,
                )
                .unwrap();
        }
        let catalog = ConfiguredCatalog {
            streams: vec![stream.clone()],
            ..ConfiguredCatalog::default()
        };
        let frames = Bytes::from(frames);
        let mut out = Vec::new();
        let mut decoder = FrameDecoder::new(layout, &catalog, Wanted::Columns);
        decoder.decode(&frames, 0, &mut out).unwrap();
        let Some(Framed::Records {
            body: Body::Columns(columns),
            ..
        }) = out.pop()
        else {
            panic!("no columns");
        };
        let rows = spans.finish(Bytes::from(text), None);
        Self {
            catalog,
            stream,
            layout,
            frames,
            columns,
            rows,
        }
    }

    fn decoding(&self, wanted: Wanted) -> impl FnMut() + '_ {
        let mut decoder = FrameDecoder::new(self.layout, &self.catalog, wanted);
        let mut out = Vec::new();
        move || {
            decoder
                .decode(black_box(&self.frames), 0, &mut out)
                .unwrap();
            black_box(&out);
            out.clear();
        }
    }

    /// Bytes a second of each kind of work, in turns; the median of them.
    fn measure(&self, work: &mut [Work<'_>]) -> Vec<f64> {
        let repeats = TURN / self.frames.len();
        let mut found = vec![Vec::new(); work.len()];
        for _ in 0..TURNS {
            for ((_, work), found) in work.iter_mut().zip(&mut found) {
                let begin = Instant::now();
                for _ in 0..repeats {
                    work();
                }
                let bytes = (repeats * self.frames.len()) as f64;
                found.push(bytes / 1e6 / begin.elapsed().as_secs_f64());
            }
        }
        let median = |mut values: Vec<f64>| {
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        found.into_iter().map(median).collect()
    }
}

fn main() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let narrow = [("id", DataType::Integer), ("name", DataType::String)];
    let cases = [
        (
            "wide",
            Case::new(Layout::V2, &WIDE, |id| wide_row(&mut random, id)),
        ),
        (
            "wide 0.0.1",
            Case::new(Layout::V1, &WIDE, |id| {
                wide_row(&mut Random(id as u64 + 1), id)
            }),
        ),
        (
            "narrow",
            Case::new(Layout::V2, &narrow, |id| {
                format!("{{\"id\":{id},\"name\":\"n {id}\"}}")
            }),
        ),
    ];
    let as_json = std::env::args().any(|argument| argument == "--json");
    let only = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with("--"));
    let mut figures = serde_json::Map::new();
    for (name, case) in &cases {
        let mut copy = Vec::with_capacity(case.frames.len());
        let mut writer = FrameWriter::new(case.layout, &case.stream);
        let mut from_rows = FrameWriter::new(case.layout, &case.stream);
        let (mut out, mut more) = (Vec::new(), Vec::new());
        let mut buffer = FrameBuffer::new(usize::MAX);
        let mut work: Vec<Work<'_>> = vec![
            (
                "copy",
                Box::new(|| {
                    copy.clear();
                    copy.extend_from_slice(black_box(&case.frames));
                    black_box(&copy);
                }),
            ),
            (
                "cut into frames",
                Box::new(|| {
                    buffer.space().extend_from_slice(black_box(&case.frames));
                    black_box(buffer.take().unwrap());
                }),
            ),
            (
                "frames to columns",
                Box::new(case.decoding(Wanted::Columns)),
            ),
            ("frames to rows", Box::new(case.decoding(Wanted::Rows))),
            ("frames passed on", Box::new(case.decoding(Wanted::Nothing))),
            (
                "columns to frames",
                Box::new(|| {
                    out.clear();
                    writer
                        .columns(black_box(&case.columns), "k3jx81mq", &mut out)
                        .unwrap();
                    black_box(&out);
                }),
            ),
            (
                "rows to frames",
                Box::new(|| {
                    more.clear();
                    from_rows
                        .rows(black_box(&case.rows), "k3jx81mq", &mut more)
                        .unwrap();
                    black_box(&more);
                }),
            ),
        ];
        if let Some(only) = &only {
            work.retain(|(what, _)| format!("{name}, {what}").contains(only.as_str()));
        }
        let speeds = case.measure(&mut work);
        let size = case.frames.len() as f64 / case.columns.len() as f64;
        if !as_json {
            println!("{name}: frames of {size:.0} bytes");
        }
        for ((what, _), speed) in work.iter().zip(&speeds) {
            if !as_json {
                println!(
                    "  {what:<20} {speed:>8.0} MB/s {:>7.2} M frames/s",
                    speed / size
                );
            }
            figures.insert(
                format!("{name}, {what}"),
                json!({"mb_per_s": speed, "frame_bytes": size}),
            );
        }
    }
    if as_json {
        println!("{}", serde_json::Value::Object(figures));
    }
}
