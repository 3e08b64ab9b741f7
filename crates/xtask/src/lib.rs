#![doc = include_str!("../README.md")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "these are commands for a developer's terminal; nothing of this crate is shipped"
)]

mod arguments;
mod bench;
pub mod peer;
mod proto;
mod suite;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  tidy                             check the house rules
  proto [--check]                  write the code of the .proto files, or say whether it is current
  test [--list] [--only STEP]      install what the tests need and run all of them
  bench [NAME…] [--quick] [--records N] [--rounds N] [--no-fail] [--json] [--list]
                                   measure speed and memory against the agreed bars";

/// Runs the command named by the arguments after the program's name.
///
/// Exits with 0 when all is well, 1 when something was found or failed, 2 when the command line makes no sense.
pub fn main(arguments: impl IntoIterator<Item = String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    let result = match command.as_str() {
        "tidy" => tidy::main(rest),
        "proto" => proto::main(rest),
        "test" => suite::main(rest),
        "bench" => bench::main(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(arguments::Usage(format!("there is no command `{command}`")).into()),
    };
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("error: {error:#}");
    if error.downcast_ref::<arguments::Usage>().is_some() {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}
