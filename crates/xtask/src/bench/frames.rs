//! How fast the codec of Airbyte's data channel is on one core: frames to Arrow columns and back, and frames passed on.
//!
//! The measure is a copy of the same bytes, and the bar is in megabytes a second: a codec has no peer here that could
//! be measured beside it. All of it is in one program, a benchmark of the crate, which counts processor time.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::program::Programs;
use crate::workspace;

/// What of the program's figures is quoted: its name there, and here.
const QUOTED: [(&str, &str); 6] = [
    ("wide, copy", "a copy of the same bytes"),
    ("wide, frames to columns", "frames to columns, 0.0.2"),
    ("wide 0.0.1, frames to columns", "frames to columns, 0.0.1"),
    ("wide, columns to frames", "columns to frames, 0.0.2"),
    ("wide, frames to rows", "frames to rows of JSON, 0.0.2"),
    ("wide, rows to frames", "rows of JSON to frames, 0.0.2"),
];

/// Measures all of it in turns.
pub(crate) fn run(_: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let mut rounds = Vec::new();
    for round in 0..extent.rounds {
        eprintln!("  round {} of {}", round + 1, extent.rounds);
        rounds.push(measure()?);
    }
    let mut figures = Vec::new();
    for (theirs, ours) in QUOTED {
        let figure = Figure::median(ours, all(&rounds, theirs, |speed, _| speed)?, "MB/s");
        figures.push(match theirs {
            "wide, frames to columns" => figure.at_least(400.0, 800.0),
            _ => figure,
        });
    }
    // Millions of frames a second.
    let passed = all(&rounds, "narrow, frames passed on", |speed, size| {
        speed / size
    })?;
    figures.push(Figure::median("small frames passed on", passed, "M/s").at_least(10.0, 30.0));
    Ok(figures)
}

fn measure() -> Result<Value> {
    let mut command = workspace::cargo(&[
        "bench",
        "--locked",
        "--quiet",
        "-p",
        "crossdock-airbyte",
        "--bench",
        "frames",
        "--",
        "--json",
    ]);
    let printed = workspace::output(&mut command)?;
    serde_json::from_str(&printed).context("the benchmark's answer is not JSON")
}

fn all(rounds: &[Value], name: &str, of: impl Fn(f64, f64) -> f64) -> Result<Vec<f64>> {
    let number = |round: &Value, what: &str| {
        let found = round[name][what].as_f64();
        found.with_context(|| format!("the benchmark said nothing of `{name}`"))
    };
    let figure = |round| {
        Ok(of(
            number(round, "mb_per_s")?,
            number(round, "frame_bytes")?,
        ))
    };
    rounds.iter().map(figure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_benchmark_says_is_found() {
        let round = json!({"narrow, frames passed on": {"mb_per_s": 900.0, "frame_bytes": 45.0}});
        let name = "narrow, frames passed on";
        assert_eq!(
            all(std::slice::from_ref(&round), name, |speed, size| speed
                / size)
            .unwrap(),
            [20.0]
        );
        assert!(all(&[round], "another", |speed, _| speed).is_err());
    }
}
