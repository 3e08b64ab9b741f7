#![doc = include_str!("../README.md")]

mod answer_cache;
mod call;
mod docker;
mod exec;
mod exit;
mod launcher;
mod private;
mod probe;
mod process;
mod program;
mod python;
mod sampling;
mod state_directory;

pub use answer_cache::AnswerCache;
pub use call::{Call, Launcher, Word};
pub use docker::{Archive, Docker, DockerOptions, Volume};
pub use exec::Exec;
pub use exit::{Exit, Reason};
pub use launcher::parse_launcher;
pub use private::{Kept, PrivateDir};
pub use probe::version;
pub use process::{Process, Spawn, StderrSink, StopHandle};
pub use program::Program;
pub use python::Python;
pub use sampling::sample;
pub use state_directory::state_directory;
