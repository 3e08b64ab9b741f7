//! What one huge record costs in memory: the promise is a small multiple of its size, however large it is.

use anyhow::Result;

use crate::bench::Extent;
use crate::bench::figure::Figure;
use crate::bench::pipeline::Pipeline;
use crate::bench::program::Programs;
use crate::peer::setting::Setting;

const RECORD_BYTES: usize = 200_000_000;
const MB: f64 = 1e6;

/// Sends one record of 200 MB through to the sink peer.
pub(crate) fn run(programs: &Programs, _: &Extent) -> Result<Vec<Figure>> {
    let setting = Setting {
        records: 1,
        line_bytes: RECORD_BYTES,
        ..Setting::default()
    };
    let (used, _) = Pipeline::fresh(&setting)?.run_to_sink(programs)?;
    let limit = 3.0 * RECORD_BYTES as f64 / MB;
    Ok(vec![
        Figure::largest(
            "peak memory of crossdock",
            vec![used.peak as f64 / MB],
            "MB",
        )
        .below(limit),
        Figure::median("time for the whole run", vec![used.seconds], "s"),
    ])
}
