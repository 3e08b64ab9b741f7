//! The words of `crossdock connector`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::command::Side;

/// Connectors.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Connector {
    /// List the connectors that are built in
    List,
    /// Be a connector of another platform: for that platform to start, not for people
    Serve(Serve),
    /// Write the program by which another platform starts a connector
    Package(Package),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Serve {
    /// The protocol of the platform
    #[arg(long, value_enum)]
    pub(crate) protocol: Platform,
    /// The connector, e.g. `native:sample`
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// Which half of a connector that is both (Airbyte); without it: whatever is asked for
    #[arg(long = "as", value_name = "ROLE", value_enum)]
    pub(crate) role: Option<Side>,
    /// What the platform says: `spec`, `check --config FILE`, `read …` (Airbyte)
    #[arg(
        value_name = "WORD",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<OsString>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Package {
    /// The protocol of the platform
    #[arg(long, value_enum)]
    pub(crate) protocol: Platform,
    /// The connector, e.g. `native:sample`
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The folder in which the platform looks for connectors
    #[arg(long, value_name = "DIR", default_value = "./connectors")]
    pub(crate) to: PathBuf,
    /// Which half of a connector that is both (Airbyte); without it: whatever is asked for
    #[arg(long = "as", value_name = "ROLE", value_enum)]
    pub(crate) role: Option<Side>,
}

/// A platform that runs connectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Platform {
    /// Airbyte, PyAirbyte, or whoever speaks its command line
    Airbyte,
    /// Conduit
    Conduit,
    /// DataFlow
    #[value(name = "dataflow")]
    DataFlow,
}
