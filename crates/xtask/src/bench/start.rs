//! How long the program takes to do nothing.

use anyhow::Result;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::program::Programs;
use crate::bench::spec::ask;

const ROUNDS: usize = 50;

/// Asks for the version again and again.
pub(crate) fn run(programs: &Programs, _: &Extent) -> Result<Vec<Figure>> {
    let times: Result<Vec<f64>> = (0..ROUNDS)
        .map(|_| ask(&programs.crossdock, &["--version"]))
        .collect();
    Ok(vec![
        Figure::median("crossdock --version", times?, "ms").below(10.0),
    ])
}
