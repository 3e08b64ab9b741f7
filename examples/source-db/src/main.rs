//! The program: every platform starts this one.

use std::process::ExitCode;

fn main() -> ExitCode {
    source_db::connector().main()
}
