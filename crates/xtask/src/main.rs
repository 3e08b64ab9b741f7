//! `cargo xtask`: the development commands of this workspace.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::main(std::env::args().skip(1))
}
