//! Our `sample` and our `null` as two connectors of Airbyte, in processes of their own: over sockets in frames of
//! protobuf, against the same pair over stdin and stdout in the same run.
//!
//! Each side has its records in the form that is best for it: JSON text over stdio, columns in frames. Over stdio
//! Crossdock is in the middle, over sockets as well, or beside, where it keeps the books of what goes straight. Beside
//! it the same source into a native Parquet destination, which reads the sockets itself.

use anyhow::Result;
use serde_json::{Value, json};

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::meter::Use;
use crate::bench::pipeline::{Pipeline, exec};
use crate::bench::program::Programs;
use crate::peer::setting::Setting;

const RECORDS: u64 = 10_000_000;
const COLUMNS: u64 = 16;
const MIB: f64 = (1 << 20) as f64;

/// How records go between the processes.
#[derive(Clone, Copy)]
enum Way {
    Stdio,
    Through,
    Direct,
}

impl Way {
    fn channel(self) -> Value {
        match self {
            Self::Stdio => json!({"transport": "stdio"}),
            Self::Through | Self::Direct => json!({"transport": "sockets", "format": "protobuf"}),
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Self::Stdio => "rows",
            Self::Through | Self::Direct => "columns",
        }
    }

    fn route(self) -> &'static str {
        match self {
            Self::Stdio | Self::Through => "through",
            Self::Direct => "direct",
        }
    }
}

/// Measures all in turns.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let records = extent.records(RECORDS);
    let mut rounds = Vec::new();
    for round in 0..extent.rounds {
        eprintln!(
            "  round {} of {}: {records} records of {COLUMNS} columns",
            round + 1,
            extent.rounds
        );
        let null = [Way::Stdio, Way::Through, Way::Direct]
            .map(|way| measure(programs, records, way, "null"));
        let parquet =
            [Way::Stdio, Way::Through].map(|way| measure(programs, records, way, "parquet"));
        let ([stdio, through, direct], [stdio_files, socket_files]) = (null, parquet);
        rounds.push([stdio?, through?, direct?, stdio_files?, socket_files?]);
    }
    let speed = |at: usize| {
        let speeds = rounds
            .iter()
            .map(|round| records as f64 / round[at].seconds / 1e6);
        speeds.collect::<Vec<f64>>()
    };
    let figure = |name: &str, at: usize| Figure::median(name, speed(at), "M records/s");
    let (stdio, through, direct) = (
        figure("stdio, JSON lines", 0),
        figure("sockets through Crossdock, protobuf", 1),
        figure("sockets direct, protobuf", 2),
    );
    let through_ratio = Figure::ratio(&through, &stdio);
    let direct_ratio = Figure::ratio(&direct, &stdio).at_least(4.0, 10.0);
    let of = |name: &str, at: usize, unit: &'static str, figure: &dyn Fn(&Use) -> f64| {
        let used = rounds.iter().map(|round| figure(&round[at]));
        Figure::median(name, used.collect(), unit)
    };
    let per_million = |used: &Use| used.cpu / records as f64 * 1e6;
    let of_a_core = |used: &Use| used.cpu / used.seconds * 100.0;
    let peak = rounds
        .iter()
        .map(|round| round[1].peak.max(round[2].peak) as f64 / MIB)
        .collect();
    Ok(vec![
        stdio,
        through,
        direct,
        through_ratio,
        direct_ratio,
        figure("stdio into Parquet", 3),
        figure("sockets into Parquet", 4),
        of("Crossdock's time, stdio", 0, "s per million", &per_million),
        of(
            "Crossdock's time, through",
            1,
            "s per million",
            &per_million,
        ),
        of("Crossdock's time, direct", 2, "% of a core", &of_a_core).below(2.0),
        Figure::largest("Crossdock's peak memory, sockets", peak, "MiB").below(64.0),
    ])
}

fn measure(programs: &Programs, records: u64, way: Way, destination: &str) -> Result<Use> {
    let pipeline = Pipeline::fresh(&Setting {
        records,
        ..Setting::default()
    })?;
    let served = |reference: &str| {
        let program = exec(&programs.crossdock);
        format!("{program} connector serve --protocol airbyte {reference}")
    };
    let source = json!({
        "connector": served("native:sample"),
        "config": {
            "count": records, "columns": COLUMNS, "shape": way.shape(), "batch_records": 8192,
            "checkpoint_every": 100_000,
        },
        "data_channel": way.channel(),
    });
    let destination = match destination {
        "null" => json!({
            "connector": served("native:null"), "config": {}, "data_channel": way.channel(),
        }),
        name => json!({
            "connector": format!("native:{name}"), "config": {"path": pipeline.path("out")},
        }),
    };
    let settings = json!({"route": way.route()});
    pipeline.run_with(programs, &source, &destination, &settings)
}
