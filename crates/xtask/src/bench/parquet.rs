//! How much of a parser's speed is left when the values must end in columns of a file.
//!
//! The measure is `sonic-rs` making a tree of every line and throwing it away, on one core, without any input or
//! output: about the least that a program which wants the values can do.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::pipeline::Pipeline;
use crate::bench::program::Programs;
use crate::peer::setting::{Setting, Shape};
use crate::workspace;

const RECORDS: u64 = 2_000_000;
const MIB: f64 = (1 << 20) as f64;

/// Measures both in turns.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let setting = Setting {
        records: extent.records(RECORDS),
        shape: Shape::Columns,
        ..Setting::default()
    };
    let (mut parsing, mut ours, mut peak, mut cpu) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut size = 0;
    for round in 0..extent.rounds {
        eprintln!(
            "  round {} of {}: {} records of 20 columns",
            round + 1,
            extent.rounds,
            setting.records
        );
        let (bytes, seconds) = parse(programs, &setting)?;
        parsing.push(bytes / 1e6 / seconds);
        let pipeline = Pipeline::fresh(&setting)?;
        let lake = pipeline.path("lake");
        let config = json!({"path": lake, "compression": "zstd"});
        let used = pipeline.run(
            programs,
            &json!({"connector": "native:parquet", "config": config}),
        )?;
        size = written(&lake)?;
        ours.push(bytes / 1e6 / used.seconds);
        peak.push(used.peak as f64 / MIB);
        cpu.push(used.cpu / (bytes / 1e9));
    }
    let parsing = Figure::median("parse with sonic-rs", parsing, "MB/s");
    let ours = Figure::median("source | crossdock | parquet", ours, "MB/s");
    let ratio = Figure::ratio(&ours, &parsing).at_least(0.3, 0.5);
    Ok(vec![
        parsing,
        ours,
        ratio,
        Figure::largest("peak memory of crossdock", peak, "MiB"),
        Figure::median("processor time of crossdock", cpu, "s/GB"),
        Figure::median("size of the files", vec![size as f64 / 1e6], "MB"),
    ])
}

/// How many bytes the parser read, and in how many seconds.
fn parse(programs: &Programs, setting: &Setting) -> Result<(f64, f64)> {
    let mut command = Command::new(&programs.parse);
    command.args([
        "--records",
        &setting.records.to_string(),
        "--shape",
        setting.shape.word(),
    ]);
    let answer: Value = serde_json::from_str(&workspace::output(&mut command)?)?;
    let number = |name: &str| {
        answer[name]
            .as_f64()
            .with_context(|| format!("no `{name}` in the parser's answer"))
    };
    Ok((number("bytes")?, number("seconds")?))
}

/// The bytes of the Parquet files below a folder, which must begin and end as such files do.
fn written(folder: &Path) -> Result<u64> {
    const MAGIC: &[u8] = b"PAR1";
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in
            fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?
        {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "parquet")
            {
                let text = fs::read(&path)?;
                if !(text.starts_with(MAGIC) && text.ends_with(MAGIC)) {
                    bail!("{} is not a whole Parquet file", path.display());
                }
                bytes += text.len() as u64;
            }
        }
    }
    if bytes == 0 {
        bail!("no Parquet file was written");
    }
    Ok(bytes)
}
