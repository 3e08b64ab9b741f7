//! The arguments of `crossdock status`, `accept`, `refresh` and `clear`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use crossdock_control::refresh::Named;
use crossdock_core::store::RefreshMode;

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A pipeline, or a file whose pipelines are meant; otherwise all that the store knows
    #[arg(value_name = "PIPELINE|FILE")]
    pub(crate) of: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Accept {
    /// The pipeline
    pub(crate) pipeline: String,
}

#[derive(Debug, Args)]
pub(crate) struct Refresh {
    /// The pipeline
    pub(crate) pipeline: String,
    #[command(flatten)]
    pub(crate) streams: Streams,
    /// What becomes of the rows of before; otherwise as the pipeline's `refresh` says
    #[arg(long, value_name = "MODE", value_enum)]
    pub(crate) mode: Option<Mode>,
}

#[derive(Debug, Args)]
pub(crate) struct Clear {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The pipeline; has to be named where the file has several
    #[arg(long, value_name = "ID")]
    pub(crate) pipeline: Option<String>,
    #[command(flatten)]
    pub(crate) streams: Streams,
}

/// Which streams of a pipeline.
#[derive(Debug, Args)]
pub(crate) struct Streams {
    /// Only this stream; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Vec<String>,
    /// The streams' namespace
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub(crate) namespace: Option<String>,
}

impl Streams {
    pub(crate) fn named(self) -> Vec<Named> {
        let Self { stream, namespace } = self;
        let named = |name| Named {
            name,
            namespace: namespace.clone(),
        };
        stream.into_iter().map(named).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// They stay beside the new ones
    Merge,
    /// They go when the new ones are complete
    Truncate,
}

impl From<Mode> for RefreshMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Merge => Self::Merge,
            Mode::Truncate => Self::Truncate,
        }
    }
}
