//! What Crossdock adds to the time that a connector takes to say what it is.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Result, bail};

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::pipeline;
use crate::bench::program::Programs;

const ROUNDS: usize = 20;

/// Asks the peer directly and through Crossdock in turns.
pub(crate) fn run(programs: &Programs, extent: &Extent) -> Result<Vec<Figure>> {
    let reference = pipeline::exec(&programs.source);
    let (mut peer, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..if extent.quick { ROUNDS / 4 } else { ROUNDS } {
        peer.push(ask(&programs.source, &["spec"])?);
        ours.push(ask(&programs.crossdock, &["spec", &reference])?);
    }
    let peer = Figure::median("the peer's own spec", peer, "ms");
    let ours = Figure::median("crossdock spec", ours, "ms");
    let added = Figure::difference(&ours, &peer).below(50.0);
    Ok(vec![peer, ours, added])
}

/// The milliseconds from the start of a program to its end.
pub(crate) fn ask(program: &Path, arguments: &[&str]) -> Result<f64> {
    let begin = Instant::now();
    let answer = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    let milliseconds = begin.elapsed().as_secs_f64() * 1e3;
    if !answer.status.success() || answer.stdout.is_empty() {
        bail!(
            "{} spec: {}",
            program.display(),
            String::from_utf8_lossy(&answer.stderr)
        );
    }
    Ok(milliseconds)
}
