//! A native-code Airbyte source that does nothing but write prepared lines: the benchmarks' yardstick.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::peer::source::main(std::env::args().skip(1))
}
