//! The program: every platform starts this one.

use std::process::ExitCode;

fn main() -> ExitCode {
    destination_http::connector().main()
}
