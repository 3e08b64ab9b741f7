//! The program: every platform starts this one.

use std::process::ExitCode;

fn main() -> ExitCode {
    my_api::connector().main()
}
