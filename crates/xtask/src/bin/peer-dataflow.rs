//! A native-code DataFlow connector that only writes and counts prepared messages: the benchmarks' yardstick.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::peer::dataflow::main(std::env::args().skip(1))
}
