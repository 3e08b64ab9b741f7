//! Parses the source peer's lines into trees and throws them away: the limit the typed way is measured against.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::peer::parse::main(std::env::args().skip(1))
}
