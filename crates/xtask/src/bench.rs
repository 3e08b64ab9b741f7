//! `cargo xtask bench`: speed and memory as ratios against a limit or a peer measured in the same run.
//!
//! Absolute figures belong to a machine and an hour, so no bar is one, except for memory and for a start-up of tens of
//! milliseconds. The two sides of a ratio are measured in turns, A B A B, and medians are quoted, so that a neighbour's
//! load falls on both.

mod big_record;
mod conduit;
mod dataflow;
mod figure;
mod files;
mod frames;
mod meter;
mod parquet;
mod pipeline;
mod program;
mod relay;
mod rival;
mod scale;
mod sdk;
mod sockets;
mod spec;
mod start;

use anyhow::{Result, bail};
use serde_json::json;

use crate::arguments::{Arguments, Usage};
use crate::bench::figure::Figure;
use crate::bench::program::Programs;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Records to move, instead of the benchmark's own number.
    records: Option<u64>,
    /// A tenth of everything, for a first impression.
    quick: bool,
    /// How often each side is measured.
    rounds: usize,
}

impl Extent {
    /// The number of records to move, where a full measurement moves `full`.
    fn records(&self, full: u64) -> u64 {
        self.records
            .unwrap_or(if self.quick { full / 10 } else { full })
    }
}

/// A benchmark.
struct Bench {
    name: &'static str,
    what: &'static str,
    run: fn(&Programs, &Extent) -> Result<Vec<Figure>>,
}

const BENCHES: [Bench; 12] = [
    Bench {
        name: "relay",
        what: "Airbyte to Airbyte, against `source | cat | sink`",
        run: relay::run,
    },
    Bench {
        name: "parquet",
        what: "Airbyte to Parquet, against parsing the same lines",
        run: parquet::run,
    },
    Bench {
        name: "big-record",
        what: "one record of 200 MB",
        run: big_record::run,
    },
    Bench {
        name: "spec",
        what: "what `crossdock spec` adds to the connector's own time",
        run: spec::run,
    },
    Bench {
        name: "start",
        what: "the time of `crossdock --version`",
        run: start::run,
    },
    Bench {
        name: "files",
        what: "CSV to JSON Lines and Parquet beside other programs, JSON Lines to SQLite beside SQLite's import",
        run: files::run,
    },
    Bench {
        name: "conduit",
        what: "connectors of Conduit under Conduit and under Crossdock; takes half an hour",
        run: conduit::run,
    },
    Bench {
        name: "dataflow",
        what: "DataFlow to DataFlow, against `source | cat | sink`; to Airbyte and to Parquet",
        run: dataflow::run,
    },
    Bench {
        name: "frames",
        what: "the codec of Airbyte's data channel, one core, against a copy of the same bytes",
        run: frames::run,
    },
    Bench {
        name: "sockets",
        what: "two connectors of Airbyte over sockets, against the same over stdin and stdout",
        run: sockets::run,
    },
    Bench {
        name: "scale",
        what: "50,000 streams in a catalog, 1,000 in a run",
        run: scale::run,
    },
    Bench {
        name: "sdk",
        what: "a source on our SDK, against a plain loop and against one on Airbyte's",
        run: sdk::run,
    },
];

/// Measures, prints, and fails if a bar is missed.
pub(crate) fn main(arguments: Vec<String>) -> Result<()> {
    let arguments = Arguments::parse(
        arguments,
        &["quick", "no-fail", "json", "list"],
        &["records", "rounds"],
    )?;
    if arguments.has("list") {
        for bench in &BENCHES {
            println!("{:<12}{}", bench.name, bench.what);
        }
        return Ok(());
    }
    if let Some(word) = arguments
        .words
        .iter()
        .find(|word| !BENCHES.iter().any(|bench| bench.name == *word))
    {
        return Err(Usage(format!("there is no benchmark `{word}`; see `--list`")).into());
    }
    let extent = Extent {
        records: arguments.number("records")?,
        quick: arguments.has("quick"),
        rounds: arguments.number("rounds")?.unwrap_or(3),
    };
    if extent.rounds == 0 || extent.records == Some(0) {
        return Err(Usage("`--rounds` and `--records` are at least 1".to_owned()).into());
    }
    let programs = Programs::build()?;
    let machine = machine();
    eprintln!("{machine}");
    let mut results = Vec::new();
    let mut missed = Vec::new();
    for bench in &BENCHES {
        if !arguments.words.is_empty() && !arguments.words.iter().any(|word| word == bench.name) {
            continue;
        }
        eprintln!("{}: {}", bench.name, bench.what);
        let figures = (bench.run)(&programs, &extent)?;
        for figure in &figures {
            if !arguments.has("json") {
                println!("  {figure}");
            }
            if figure.is_missed() {
                missed.push(format!("{} {}", bench.name, figure.name));
            }
        }
        results.push(json!({
            "bench": bench.name,
            "figures": figures.iter().map(Figure::to_json).collect::<Vec<_>>(),
        }));
    }
    if arguments.has("json") {
        println!(
            "{:#}",
            json!({"machine": machine, "rounds": extent.rounds, "results": results})
        );
    }
    if !missed.is_empty() && !arguments.has("no-fail") {
        bail!("below the bar: {}", missed.join(", "));
    }
    Ok(())
}

/// One line on the machine, so that a quoted figure can be understood later.
fn machine() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    format!(
        "{cores} cores of {}, load {load}",
        model.trim_start_matches([' ', '\t', ':'])
    )
}
