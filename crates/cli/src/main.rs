#![doc = include_str!("../README.md")]

mod answer;
mod args;
mod command;
mod context;
mod envelope;
mod exit;
mod http;
mod log;
mod metrics;
mod notification;
mod palette;
mod printer;
mod progress;
mod quantity;
mod report;
mod signal;
mod start;
mod summary;
mod table;
mod text;
mod trace;
mod usage;

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(start::start(&std::env::args_os().collect::<Vec<_>>()))
}
