//! The program: every platform starts this one.

use std::process::ExitCode;

fn main() -> ExitCode {
    source_http::connector().main()
}
