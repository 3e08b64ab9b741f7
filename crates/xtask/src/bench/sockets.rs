//! Our `sample` and our `null` as two connectors of Airbyte, in processes of their own: over sockets in frames of
//! protobuf, against the same pair over stdin and stdout in the same run.
//!
//! Each side has its records in the form that is best for it: JSON text over stdio, columns in frames. Crossdock is in
//! the middle of both. Beside it the same source into a native Parquet destination, which reads the sockets itself.

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
    Sockets,
}

impl Way {
    fn channel(self) -> Value {
        match self {
            Self::Stdio => json!({"transport": "stdio"}),
            Self::Sockets => json!({"transport": "sockets", "format": "protobuf"}),
        }
    }

    fn shape(self) -> &'static str {
        match self {
            Self::Stdio => "rows",
            Self::Sockets => "columns",
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
        let [null, parquet] = ["null", "parquet"].map(|destination| {
            [Way::Stdio, Way::Sockets].map(|way| measure(programs, records, way, destination))
        });
        let ([stdio, sockets], [stdio_files, socket_files]) = (null, parquet);
        rounds.push([stdio?, sockets?, stdio_files?, socket_files?]);
    }
    let speed = |at: usize| {
        let speeds = rounds
            .iter()
            .map(|round| records as f64 / round[at].seconds / 1e6);
        speeds.collect::<Vec<f64>>()
    };
    let figure = |name: &str, at: usize| Figure::median(name, speed(at), "M records/s");
    let (stdio, sockets) = (
        figure("stdio, JSON lines", 0),
        figure("sockets, protobuf", 1),
    );
    let ratio = Figure::ratio(&sockets, &stdio).at_least(4.0, 10.0);
    let per = |at: usize| {
        let used = rounds
            .iter()
            .map(|round| round[at].cpu / records as f64 * 1e6);
        used.collect::<Vec<f64>>()
    };
    let peak = rounds
        .iter()
        .map(|round| round[1].peak as f64 / MIB)
        .collect();
    Ok(vec![
        stdio,
        sockets,
        ratio,
        figure("stdio into Parquet", 2),
        figure("sockets into Parquet", 3),
        Figure::median(
            "processor time of crossdock, stdio",
            per(0),
            "s per million",
        ),
        Figure::median(
            "processor time of crossdock, sockets",
            per(1),
            "s per million",
        ),
        Figure::largest("peak memory of crossdock, sockets", peak, "MiB").below(64.0),
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
    pipeline.run_between(programs, &source, &destination)
}
