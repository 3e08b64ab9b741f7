//! The words of `crossdock dlq`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum Dlq {
    /// List the records that destinations refused
    List {
        #[command(flatten)]
        pipelines: DlqPipelines,
        /// Also those that were replayed
        #[arg(long)]
        all: bool,
    },
    /// Show one of them whole
    Show {
        /// The pipeline file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The dead letter's number
        #[arg(value_name = "LETTER")]
        letter: u64,
        /// The pipeline; may be left out where the file has one only
        #[arg(long, value_name = "ID")]
        pipeline: Option<String>,
    },
    /// Write them to the destination that refused them
    Replay {
        #[command(flatten)]
        pipelines: DlqPipelines,
        /// Only this one; may be given several times
        #[arg(long, value_name = "LETTER")]
        letter: Vec<u64>,
    },
}

impl Dlq {
    /// The command's name in envelopes.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::List { .. } => "dlq list",
            Self::Show { .. } => "dlq show",
            Self::Replay { .. } => "dlq replay",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DlqPipelines {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this pipeline; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) pipeline: Vec<String>,
}
