//! How much of a pipe's speed is left when Crossdock is the pipe.
//!
//! The measure is `source | cat | sink`: two pipes and one process that touches nothing. What Crossdock does in
//! between, from its start to the last commit, is what this costs.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::json;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::meter::{self, Use};
use crate::bench::pipeline::Pipeline;
use crate::bench::program::Programs;
use crate::peer::setting::Setting;
use crate::peer::sink::Count;
use crate::peer::source;

const RECORDS: u64 = 10_000_000;
const MB: f64 = 1e6;
const MIB: f64 = (1 << 20) as f64;

/// Measures both in turns.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let setting = Setting {
        records: extent.records(RECORDS),
        ..Setting::default()
    };
    let mut rounds = Vec::new();
    for round in 0..extent.rounds {
        eprintln!(
            "  round {} of {}: {} records of {} B",
            round + 1,
            extent.rounds,
            setting.records,
            setting.line_bytes
        );
        let pipes = through_cat(programs, &setting).context("source | cat | sink")?;
        let (used, count) = Pipeline::fresh(&setting)?.run_to_sink(programs)?;
        rounds.push((
            pipes,
            Side {
                used,
                bytes: count.bytes as f64,
            },
        ));
    }
    let of = |get: fn(&(Side, Side)) -> f64| rounds.iter().map(get).collect::<Vec<f64>>();
    let cat = Figure::median("source | cat | sink", of(|(cat, _)| cat.speed()), "MB/s");
    let ours = Figure::median(
        "source | crossdock | sink",
        of(|(_, ours)| ours.speed()),
        "MB/s",
    );
    let ratio = Figure::ratio(&ours, &cat).at_least(0.6, 0.8);
    let peak = of(|(_, ours)| ours.used.peak as f64 / MIB);
    Ok(vec![
        cat,
        ours,
        ratio,
        Figure::largest("peak memory of crossdock", peak, "MiB").below(64.0),
        Figure::median(
            "processor time of cat",
            of(|(cat, _)| cat.cpu_per_gb()),
            "s/GB",
        ),
        Figure::median(
            "processor time of crossdock",
            of(|(_, ours)| ours.cpu_per_gb()),
            "s/GB",
        ),
    ])
}

/// What one side took for how much.
struct Side {
    used: Use,
    bytes: f64,
}

impl Side {
    fn speed(&self) -> f64 {
        self.bytes / MB / self.used.seconds
    }

    fn cpu_per_gb(&self) -> f64 {
        self.used.cpu / (self.bytes / 1e9)
    }
}

/// The same records through two real pipes with `cat` in the middle. The time is that of all three, since the last
/// byte must have been counted; the processor time is that of `cat`, which stands where Crossdock will.
fn through_cat(programs: &Programs, setting: &Setting) -> Result<Side> {
    let pipeline = Pipeline::fresh(setting)?;
    let (config, catalog) = (pipeline.path("config.json"), pipeline.path("catalog.json"));
    fs::write(&config, pipeline.peer_config().to_string())?;
    let configured = json!({"streams": [{
        "stream": source::stream(setting),
        "sync_mode": "full_refresh",
        "destination_sync_mode": "append",
    }]});
    fs::write(&catalog, configured.to_string())?;
    let begin = Instant::now();
    let mut source = Command::new(&programs.source)
        .args(["read", "--config"])
        .arg(&config)
        .arg("--catalog")
        .arg(&catalog)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut cat = Command::new("cat")
        .stdin(source.stdout.take().context("no pipe")?)
        .stdout(Stdio::piped())
        .spawn()?;
    let sink = Command::new(&programs.sink)
        .args(["write", "--config"])
        .arg(&config)
        .arg("--catalog")
        .arg(&catalog)
        .stdin(cat.stdout.take().context("no pipe")?)
        .stdout(Stdio::null())
        .spawn()?;
    let uses = meter::wait(begin, vec![source, cat, sink])?;
    let count: Count = pipeline.counted()?;
    let seconds = uses.iter().map(|used| used.seconds).fold(0.0, f64::max);
    Ok(Side {
        used: Use { seconds, ..uses[1] },
        bytes: count.bytes as f64,
    })
}
