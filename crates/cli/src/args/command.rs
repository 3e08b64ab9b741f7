//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use crossdock_core::{DestinationSyncMode, SyncMode};

use super::connector::Connector;
use super::dlq::Dlq;
use super::refresh::{Accept, Clear, Refresh, Status};
use super::side::Side;
use super::state::State;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try Crossdock: a real connector, into Parquet files, with one command
    Quickstart(Quickstart),
    /// Run the pipelines of a file, one after another
    Run(Run),
    /// Write a pipeline file to begin with
    Init(Init),
    /// Check a pipeline file without starting anything
    Validate(Validate),
    /// Say what a run would do, without moving anything
    Plan(Plan),
    /// Move data once, without a pipeline file
    Sync(Sync),
    /// Print what a connector expects in its configuration
    Spec(Spec),
    /// Ask a connector whether its configuration works
    Check(Check),
    /// Print the streams that a source offers
    Discover(Discover),
    /// Show the first records of a stream
    Preview(Preview),
    /// Read a source and print its messages, in Airbyte's form
    Read(Read),
    /// Write messages from standard input, in Airbyte's form, to a destination
    Write(Write),
    /// Say how pipelines stand, and what to do next
    Status(Status),
    /// List the runs, or show one
    Runs(Runs),
    /// Print what a run's connectors said
    Logs(Logs),
    /// Take changes of a source's schema that a run found and left alone
    Accept(Accept),
    /// Have the next run read streams anew, from the beginning
    Refresh(Refresh),
    /// Empty what a pipeline wrote to its destinations, and forget its state
    Clear(Clear),
    /// Look at records that destinations refused (dead letters), and write them after all
    #[command(subcommand)]
    Dlq(Dlq),
    /// Look at and change what pipelines remember between runs
    #[command(subcommand)]
    State(State),
    /// Learn about connectors
    #[command(subcommand)]
    Connector(Connector),
    /// Look for what this machine lacks
    Doctor,
    /// Say what error codes mean and what to do about them
    Errors(Errors),
    /// Print the JSON Schema of pipeline files
    Schema,
    /// Print a script that completes command lines
    Completions(Completions),
    /// Print the manual page
    Man(Manual),
}

impl Command {
    /// The command's name in envelopes.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Quickstart(_) => "quickstart",
            Self::Run(_) => "run",
            Self::Sync(_) => "sync",
            Self::Spec(_) => "spec",
            Self::Check(_) => "check",
            Self::Discover(_) => "discover",
            Self::Read(_) => "read",
            Self::Write(_) => "write",
            Self::State(state) => state.name(),
            Self::Connector(Connector::List) => "connector list",
            Self::Connector(Connector::New(_)) => "connector new",
            Self::Connector(Connector::Serve(_)) => "connector serve",
            Self::Connector(Connector::Package(_)) => "connector package",
            Self::Connector(Connector::Image(_)) => "connector image",
            Self::Connector(Connector::Test(_)) => "connector test",
            Self::Validate(_) => "validate",
            Self::Errors(_) => "errors",
            Self::Schema => "schema",
            Self::Init(_) => "init",
            Self::Plan(_) => "plan",
            Self::Preview(_) => "preview",
            Self::Runs(Runs { command: None, .. }) => "runs",
            Self::Runs(_) => "runs show",
            Self::Logs(_) => "logs",
            Self::Status(_) => "status",
            Self::Accept(_) => "accept",
            Self::Refresh(_) => "refresh",
            Self::Clear(_) => "clear",
            Self::Dlq(dlq) => dlq.name(),
            Self::Doctor => "doctor",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Quickstart {
    /// Where everything goes: the data, the state and the pipeline file
    #[arg(long, value_name = "DIR", default_value = "./crossdock-quickstart")]
    pub(crate) dir: PathBuf,
    /// Which source; without it, `faker` where it can be installed and `sample` elsewhere
    #[arg(long, value_enum)]
    pub(crate) source: Option<QuickstartSource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum QuickstartSource {
    /// The Airbyte connector `airbyte-source-faker` from PyPI
    Faker,
    /// Crossdock's own `native:sample`
    Sample,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Run only this pipeline of the file; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) pipeline: Vec<String>,
    /// End well once a source has sent nothing for so long, e.g. `5s`: for sources without an end
    #[arg(long, value_name = "TIME")]
    pub(crate) until_idle: Option<String>,
    /// End well once a source has sent so many records
    #[arg(long, value_name = "N")]
    pub(crate) max_records: Option<std::num::NonZeroU64>,
    /// Serve metrics for Prometheus on this port of the local address while running
    #[arg(
        long,
        value_name = "PORT",
        env = "CROSSDOCK_METRICS_PORT",
        hide_env_values = true
    )]
    pub(crate) metrics_port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The file to write
    #[arg(value_name = "FILE", default_value = "pipeline.yaml")]
    pub(crate) file: PathBuf,
    /// The source, e.g. `airbyte:python:airbyte-source-faker`; asked for if it is not given
    #[arg(long, value_name = "REF")]
    pub(crate) source: Option<String>,
    /// The destination, e.g. `native:parquet`; asked for if it is not given
    #[arg(long, value_name = "REF")]
    pub(crate) destination: Option<String>,
    /// A setting, e.g. `source.count=100` or `destination.path=./lake`; may be given several times
    #[arg(long, value_name = "SIDE.NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// The pipeline's name; otherwise it is made of the two connectors
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Plan only this pipeline of the file; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) pipeline: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// The source
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Its configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) config: Option<String>,
    /// The stream; otherwise the first that the source offers
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// How many records
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Runs {
    /// Only this pipeline's
    #[arg(long, value_name = "ID")]
    pub(crate) pipeline: Option<String>,
    /// At most so many, newest first
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    #[command(subcommand)]
    pub(crate) command: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Show one run: its streams, their counts, and how it ended
    Show {
        /// The run's number
        #[arg(value_name = "RUN")]
        run: i64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The run's number; otherwise the newest
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<i64>,
    /// The newest run of this pipeline
    #[arg(long, value_name = "ID", conflicts_with = "run")]
    pub(crate) pipeline: Option<String>,
    /// Only lines as grave as this, or graver
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t)]
    pub(crate) level: Gravity,
}

#[derive(Debug, Args)]
pub(crate) struct Manual {
    /// Print the reference page of all commands, in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

/// How grave a log line is at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Gravity {
    Trace,
    #[default]
    Debug,
    Info,
    Warn,
    Error,
}

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// The source, e.g. `airbyte:python:airbyte-source-faker`
    #[arg(long, value_name = "REF")]
    pub(crate) source: String,
    /// The source's configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) source_config: Option<String>,
    /// The destination, e.g. `native:parquet`
    #[arg(long, value_name = "REF")]
    pub(crate) destination: String,
    /// The destination's configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) destination_config: Option<String>,
    /// Move only this stream; `*` stands for any text; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Vec<String>,
    /// How the source reads; without it, incrementally where it can
    #[arg(long, value_name = "MODE", value_enum)]
    pub(crate) sync_mode: Option<SourceMode>,
    /// How the destination writes; without it, `append`
    #[arg(long, value_name = "MODE", value_enum)]
    pub(crate) destination_sync_mode: Option<Destination>,
    /// The name under which the state is kept; without it, one made of the two references
    #[arg(long, value_name = "ID")]
    pub(crate) name: Option<String>,
    /// Give up at the first failure
    #[arg(long)]
    pub(crate) no_retry: bool,
}

/// How a source reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum SourceMode {
    FullRefresh,
    Incremental,
}

impl From<SourceMode> for SyncMode {
    fn from(mode: SourceMode) -> Self {
        match mode {
            SourceMode::FullRefresh => Self::FullRefresh,
            SourceMode::Incremental => Self::Incremental,
        }
    }
}

/// How a destination writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Destination {
    Append,
    Overwrite,
    AppendDedup,
    Update,
    SoftDelete,
}

impl From<Destination> for DestinationSyncMode {
    fn from(mode: Destination) -> Self {
        match mode {
            Destination::Append => Self::Append,
            Destination::Overwrite => Self::Overwrite,
            Destination::AppendDedup => Self::AppendDedup,
            Destination::Update => Self::Update,
            Destination::SoftDelete => Self::SoftDelete,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Validate {
    /// The pipeline file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Errors {
    /// One code, e.g. `config.invalid`; otherwise all are listed
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Print the reference page of all codes, in Markdown
    #[arg(long, conflicts_with = "code")]
    pub(crate) markdown: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Spec {
    /// The connector, e.g. `native:parquet` or `airbyte:exec:./program`
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Which side of a pipeline it is meant for, if it can be both; otherwise the source
    #[arg(long = "as", value_name = "SIDE")]
    pub(crate) side: Option<Side>,
    /// Print the specification itself, as JSON
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The connector
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Which side of a pipeline it is meant for, if it can be both; otherwise the source
    #[arg(long = "as", value_name = "SIDE")]
    pub(crate) side: Option<Side>,
    /// Its configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) config: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// The source
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Its configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) config: Option<String>,
    /// Print the catalog itself, as JSON, e.g. for `crossdock write --catalog`
    #[arg(long)]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Read {
    /// The source
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Its configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) config: Option<String>,
    /// Read only this stream; `*` stands for any text; may be given several times
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Vec<String>,
    /// Where to go on: a file in the form of `crossdock state export`
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Write {
    /// The destination
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Its configuration: a YAML or JSON file, or JSON that begins with `{`
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) config: Option<String>,
    /// The catalog: a file as Airbyte's `--catalog` or as `crossdock discover --raw` prints
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: PathBuf,
}
