//! How much of a pipe's speed is left when Crossdock is a processor of DataFlow.
//!
//! The measure is `source | cat | sink` with the same lines: two pipes and one process that touches nothing. The
//! protocol has one command open at a time, so source and sink also wait for Crossdock, and it for them.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::meter::{self, Use};
use crate::bench::pipeline::{Pipeline, exec};
use crate::bench::program::Programs;
use crate::peer::dataflow::Count;
use crate::peer::setting::Setting;

const MESSAGES: u64 = 6_000_000;
/// Each with its end.
const LINE: f64 = 500.0;
const MB: f64 = 1e6;
const MIB: f64 = (1 << 20) as f64;

/// Measures all in turns.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let setting = Setting {
        records: extent.records(MESSAGES),
        ..Setting::default()
    };
    let bytes = setting.records as f64 * LINE;
    let (mut cat, mut ours, mut airbyte, mut parquet) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..extent.rounds {
        eprintln!(
            "  round {} of {}: {} messages of {LINE} B",
            round + 1,
            extent.rounds,
            setting.records
        );
        cat.push(through_cat(programs, &setting).context("source | cat | sink")?);
        ours.push(to_sink(programs, &setting)?);
        airbyte.push(to_airbyte(programs, &setting)?);
        parquet.push(to_parquet(programs, &setting)?);
    }
    let speed = |name: &str, uses: &[Use]| {
        let rounds = uses.iter().map(|used| bytes / MB / used.seconds);
        Figure::median(name, rounds.collect(), "MB/s")
    };
    let peak = |name: &str, uses: &[Use]| {
        let rounds = uses.iter().map(|used| used.peak as f64 / MIB);
        Figure::largest(name, rounds.collect(), "MiB")
    };
    let cpu = |name: &str, uses: &[Use]| {
        let rounds = uses.iter().map(|used| used.cpu / (bytes / 1e9));
        Figure::median(name, rounds.collect(), "s/GB")
    };
    let pipes = speed("source | cat | sink", &cat);
    let relayed = speed("source | crossdock | sink", &ours);
    let ratio = Figure::ratio(&relayed, &pipes).at_least(0.4, 0.6);
    Ok(vec![
        pipes,
        relayed,
        ratio,
        peak("peak memory of crossdock", &ours).below(64.0),
        cpu("processor time of cat", &cat),
        cpu("processor time of crossdock", &ours),
        speed("source | crossdock | airbyte", &airbyte),
        peak("its peak memory", &airbyte),
        cpu("its processor time", &airbyte),
        speed("source | crossdock | parquet", &parquet),
        peak("its peak memory", &parquet),
        cpu("its processor time", &parquet),
    ])
}

/// The same lines through two real pipes with `cat` in the middle. The time is that of all three, since the last
/// byte must have been counted; the rest is that of `cat`, which stands where Crossdock will.
fn through_cat(programs: &Programs, setting: &Setting) -> Result<Use> {
    let pipeline = Pipeline::fresh(setting)?;
    let report = pipeline.path("report.json");
    let begin = Instant::now();
    let mut source = Command::new(&programs.dataflow)
        .args(["--plain", "source", "--records"])
        .arg(setting.records.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut cat = Command::new("cat")
        .stdin(source.stdout.take().context("no pipe")?)
        .stdout(Stdio::piped())
        .spawn()?;
    let sink = Command::new(&programs.dataflow)
        .args(["--plain", "sink", "--report"])
        .arg(&report)
        .stdin(cat.stdout.take().context("no pipe")?)
        .stdout(Stdio::null())
        .spawn()?;
    let uses = meter::wait(begin, vec![source, cat, sink])?;
    all_came(&pipeline, setting)?;
    let seconds = uses.iter().map(|used| used.seconds).fold(0.0, f64::max);
    Ok(Use { seconds, ..uses[1] })
}

fn all_came(pipeline: &Pipeline, setting: &Setting) -> Result<()> {
    let count = Count::load(&pipeline.path("report.json"))?;
    if count.messages != setting.records {
        bail!(
            "{} messages were sent, {} came",
            setting.records,
            count.messages
        );
    }
    Ok(())
}

fn peer(programs: &Programs) -> String {
    exec(&programs.dataflow).replacen("airbyte:", "dataflow:", 1)
}

fn source(programs: &Programs, setting: &Setting) -> serde_json::Value {
    json!({"connector": peer(programs), "config": {"records": setting.records}})
}

fn to_sink(programs: &Programs, setting: &Setting) -> Result<Use> {
    let pipeline = Pipeline::fresh(setting)?;
    let config = json!({"report": pipeline.path("report.json")});
    let sink = json!({"connector": peer(programs), "config": config});
    let used = pipeline.run_between(programs, &source(programs, setting), &sink)?;
    all_came(&pipeline, setting)?;
    Ok(used)
}

fn to_airbyte(programs: &Programs, setting: &Setting) -> Result<Use> {
    let pipeline = Pipeline::fresh(setting)?;
    let destination = json!({"connector": exec(&programs.sink), "config": pipeline.peer_config()});
    let used = pipeline.run_between(programs, &source(programs, setting), &destination)?;
    pipeline.counted()?;
    Ok(used)
}

fn to_parquet(programs: &Programs, setting: &Setting) -> Result<Use> {
    let pipeline = Pipeline::fresh(setting)?;
    let config = json!({"path": pipeline.path("lake"), "compression": "zstd"});
    let destination = json!({"connector": "native:parquet", "config": config});
    pipeline.run_between(programs, &source(programs, setting), &destination)
}
