//! The arguments of `crossdock state`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// State of pipelines.
#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// Show a pipeline's state and its last runs; without a name, list the pipelines
    Show(Show),
    /// Print a pipeline's state in the form that Airbyte sources take
    Export(Export),
    /// Replace a pipeline's state by one in the form that Airbyte sources take
    Import(Import),
    /// Forget a pipeline's state, so that the next run reads everything again
    Reset(Reset),
    /// List earlier states
    History(History),
    /// Go back to an earlier state
    Rollback(Rollback),
}

impl State {
    /// The command's name in envelopes.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Show(_) => "state show",
            Self::Export(_) => "state export",
            Self::Import(_) => "state import",
            Self::Reset(_) => "state reset",
            Self::History(_) => "state history",
            Self::Rollback(_) => "state rollback",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The pipeline
    pub(crate) pipeline: Option<String>,
    /// Only this stream
    #[arg(long, value_name = "NAME", requires = "pipeline")]
    pub(crate) stream: Option<String>,
    /// The stream's namespace
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The pipeline
    pub(crate) pipeline: String,
    /// Only this stream
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// The stream's namespace
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The pipeline; it need not have run yet
    pub(crate) pipeline: String,
    /// The file; `-` is standard input
    #[arg(default_value = "-")]
    pub(crate) file: PathBuf,
    /// Replace only this stream's state; the other streams keep theirs
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// The stream's namespace
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Reset {
    /// The pipeline
    pub(crate) pipeline: String,
    /// Also tell its connectors, as this pipeline file has them, that they are deleted: they remove what
    /// they keep elsewhere, such as a replication slot
    #[arg(long, value_name = "FILE", conflicts_with = "stream")]
    pub(crate) delete_connectors: Option<PathBuf>,
    /// Only this stream
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// The stream's namespace
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct History {
    /// The pipeline
    pub(crate) pipeline: String,
    /// Only this stream
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// The stream's namespace
    #[arg(long, value_name = "NAME", requires = "stream")]
    pub(crate) namespace: Option<String>,
    /// At most so many entries, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// The pipeline
    pub(crate) pipeline: String,
    /// The version, as `crossdock state history` lists it
    pub(crate) version: i64,
}
