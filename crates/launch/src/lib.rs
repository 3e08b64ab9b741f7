#![doc = include_str!("../README.md")]

mod exec;
mod exit;
mod launcher;
mod private;
mod process;
mod python;

pub use exec::Exec;
pub use exit::Exit;
pub use launcher::{Launcher, Program, parse_launcher};
pub use private::PrivateDir;
pub use process::{Process, Spawn, StderrSink, StopHandle};
pub use python::Python;
