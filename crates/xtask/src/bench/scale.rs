//! Many streams: how long it takes to look at 50,000 of them, and what 1,000 of them cost in memory as the data grows.

use anyhow::Result;
use serde_json::json;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::pipeline::{self, Pipeline};
use crate::bench::program::Programs;
use crate::bench::spec::ask;
use crate::peer::setting::Setting;

const CATALOG: u64 = 50_000;
const STREAMS: u64 = 1_000;
const RECORDS: u64 = 1_000_000;
/// By how much the longer run is longer.
const GROWTH: u64 = 8;
const MIB: f64 = (1 << 20) as f64;

/// Discovers the large catalog, then moves a little and much through many streams.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let mut figures = catalog(programs, extent)?;
    let (mut little, mut much) = (Vec::new(), Vec::new());
    for _ in 0..extent.rounds {
        little.push(peak(programs, extent.records(RECORDS) / GROWTH)?);
        much.push(peak(programs, extent.records(RECORDS))?);
    }
    let little = Figure::largest("peak memory of 1,000 streams", little, "MiB");
    let much = Figure::largest("the same with 8 times the records", much, "MiB");
    let ratio = Figure::ratio(&much, &little).below(1.25);
    figures.extend([little, much, ratio]);
    Ok(figures)
}

/// A plan of 50,000 streams, beside what the peer alone needs to list them, and a whole run over them without a record.
fn catalog(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let setting = Setting {
        records: 0,
        streams: CATALOG,
        ..Setting::default()
    };
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("config.json");
    std::fs::write(
        &config,
        json!({"streams": CATALOG, "records": 0}).to_string(),
    )?;
    let config = config.display().to_string();
    let (mut peer, mut plans, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..extent.rounds {
        peer.push(ask(&programs.source, &["discover", "--config", &config])? / 1e3);
        let pipeline = Pipeline::fresh(&setting)?;
        let destination =
            json!({"connector": pipeline::exec(&programs.sink), "config": pipeline.peer_config()});
        let file = pipeline.file(programs, &destination)?.display().to_string();
        plans.push(ask(&programs.crossdock, &["plan", &file])? / 1e3);
        runs.push(pipeline.run(programs, &destination)?.seconds);
    }
    let peer = Figure::median("the peer's own discover of 50,000 streams", peer, "s");
    let plan = Figure::median("crossdock plan of 50,000 streams", plans, "s").below(2.0);
    let run = Figure::median("a whole run over 50,000 empty streams", runs, "s");
    Ok(vec![peer, plan, run])
}

fn peak(programs: &Programs, records: u64) -> Result<f64> {
    let setting = Setting {
        records,
        streams: STREAMS,
        ..Setting::default()
    };
    let (used, _) = Pipeline::fresh(&setting)?.run_to_sink(programs)?;
    Ok(used.peak as f64 / MIB)
}
