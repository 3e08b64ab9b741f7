//! Parsing the source peer's lines with `sonic-rs` into a tree, and throwing it away, on one core.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use serde_json::json;

use crate::peer::line::{Block, FIRST_BLOCK};
use crate::peer::request;
use crate::peer::setting::Setting;

/// Runs the parser with the arguments after the program's name; prints `{"bytes": …, "seconds": …}`.
pub fn main(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    super::finish(run(arguments))
}

fn run(arguments: impl IntoIterator<Item = String>) -> Result<()> {
    let setting = Setting::of(&request::parse(arguments)?)?;
    let mut block = Block::prepare(&setting)?;
    let mut records = 0;
    let mut bytes = 0;
    let mut number = FIRST_BLOCK;
    let mut seconds = 0.0;
    while records < setting.records {
        let count = (block.len() as u64).min(setting.records - records);
        bytes += block.numbered(number, usize::try_from(count)?).len();
        // Only the parser is timed: making the lines is the other side's work in the measurement.
        let begin = Instant::now();
        for line in block.lines().take(usize::try_from(count)?) {
            let tree: sonic_rs::Value = sonic_rs::from_slice(line)?;
            black_box(tree);
        }
        seconds += begin.elapsed().as_secs_f64();
        records += count;
        number += 1;
    }
    super::say(
        &mut std::io::stdout(),
        &json!({"bytes": bytes, "seconds": seconds}),
    )?;
    Ok(())
}
