//! A native-code Airbyte destination that does nothing but count lines and echo states.

use std::process::ExitCode;

fn main() -> ExitCode {
    xtask::peer::sink::main(std::env::args().skip(1))
}
