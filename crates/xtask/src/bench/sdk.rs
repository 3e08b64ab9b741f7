//! How fast a source on our SDK is: rows that the author makes as structs, as lines of Airbyte's protocol.
//!
//! The limit is the same rows and lines from a plain loop around `serde_json`, in the same program; the peer is a
//! source on Airbyte's own SDK, in Python, that repeats one prepared record.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::meter::{self, Use};
use crate::bench::program::Programs;
use crate::suite::connector;
use crate::workspace;

const ROWS: u64 = 10_000_000;
/// The peer needs as much time for these.
const ROWS_IN_PYTHON: u64 = 400_000;
const MIB: f64 = (1 << 20) as f64;

/// Measures all in turns.
pub(crate) fn run(_: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let (ours, theirs) = (numbers()?, in_python()?);
    let (rows, rows_in_python) = (extent.records(ROWS), extent.records(ROWS_IN_PYTHON));
    let (mut by_hand, mut sdk, mut python) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..extent.rounds {
        eprintln!("  round {} of {}: {rows} rows", round + 1, extent.rounds);
        let mut plain = Command::new(&ours);
        plain.args(["by-hand", &rows.to_string()]);
        by_hand.push(timed(&mut plain)?);
        let catalog = json!({"type": "object", "properties": {}});
        sdk.push(read(&ours, rows, "users", &catalog)?);
        let products = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
        python.push(read(&theirs, rows_in_python, "products", &products)?);
    }
    let speed = |name: &str, rows: u64, uses: &[Use]| {
        let rounds = uses.iter().map(|used| rows as f64 / 1e3 / used.seconds);
        Figure::median(name, rounds.collect(), "k rows/s")
    };
    let cpu = |name: &str, rows: u64, uses: &[Use]| {
        let rounds = uses.iter().map(|used| used.cpu / (rows as f64 / 1e6));
        Figure::median(name, rounds.collect(), "s/M rows")
    };
    let peak = sdk.iter().map(|used| used.peak as f64 / MIB).collect();
    let plain = speed("a plain loop around serde_json", rows, &by_hand);
    let through = speed("a source on the SDK", rows, &sdk);
    let peer = speed("a source on Airbyte's SDK", rows_in_python, &python);
    let to_limit = Figure::ratio(&through, &plain).at_least(0.5, 0.8);
    let to_peer = Figure::ratio(&through, &peer).at_least(10.0, 30.0);
    Ok(vec![
        plain,
        through,
        to_limit,
        peer,
        to_peer,
        Figure::largest("peak memory of the source on the SDK", peak, "MiB").below(64.0),
        cpu("processor time of the plain loop", rows, &by_hand),
        cpu("processor time of the source on the SDK", rows, &sdk),
        cpu(
            "processor time of the one on Airbyte's",
            rows_in_python,
            &python,
        ),
    ])
}

/// The program with our two sides.
fn numbers() -> Result<PathBuf> {
    let example = ["-p", "crossdock-sdk", "--example", "numbers"];
    let build = ["build", "--release", "--locked", "--quiet"];
    workspace::run(&mut workspace::cargo(&[&build[..], &example].concat()))?;
    Ok(workspace::target()?.join("release/examples/numbers"))
}

fn in_python() -> Result<PathBuf> {
    let programs = connector::prepare()?;
    let found = programs
        .into_iter()
        .find(|(name, _)| *name == "CROSSDOCK_TEST_HARDCODED");
    Ok(found
        .context("the source in Python is not among the tests' connectors")?
        .1)
}

/// A full read of a stream by a source that is told how many rows to make.
fn read(program: &PathBuf, rows: u64, stream: &str, schema: &Value) -> Result<Use> {
    let folder = TempDir::new()?;
    let file = |name: &str, content: Value| -> Result<PathBuf> {
        let path = folder.path().join(name);
        std::fs::write(&path, content.to_string())?;
        Ok(path)
    };
    let catalog = json!({"streams": [{
        "stream": {"name": stream, "json_schema": schema, "supported_sync_modes": ["full_refresh"]},
        "sync_mode": "full_refresh",
        "destination_sync_mode": "append",
    }]});
    let mut command = Command::new(program);
    command
        .args(["read", "--config"])
        .arg(file("config.json", json!({"count": rows}))?)
        .arg("--catalog")
        .arg(file("catalog.json", catalog)?);
    timed(&mut command)
}

fn timed(command: &mut Command) -> Result<Use> {
    let begin = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let name = workspace::name(command);
    let uses = meter::wait(begin, vec![child]).with_context(|| name)?;
    Ok(uses[0])
}
