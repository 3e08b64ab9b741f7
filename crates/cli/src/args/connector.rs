//! The words of `crossdock connector`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::side::Side;

/// Connectors.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Connector {
    /// List the connectors that are built in
    List,
    /// Write a connector of your own to begin with, in Rust, on Crossdock's SDK
    New(New),
    /// Be a connector of another platform: for that platform to start, not for people
    Serve(Serve),
    /// Write the program by which another platform starts a connector
    Package(Package),
    /// Make a Docker image of a connector, for Airbyte's platform
    Image(Image),
    /// Test whether a connector keeps the rules of its protocol
    Test(Test),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct New {
    /// Its name, which is the crate's and the program's: small letters, digits and `-`
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What it is like at first
    #[arg(long, value_enum)]
    pub(crate) template: Template,
    /// The folder for it; without it, its name
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// A checkout of Crossdock to take the SDK from, instead of the one that this program was built in, or the released
    /// version
    #[arg(long, value_name = "DIR")]
    pub(crate) sdk: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Template {
    /// A source over HTTP: paging, a state, retries
    SourceHttp,
    /// A source of a database: all rows as they are, then what happens to them
    SourceDb,
    /// A destination that takes rows in batches, by their key
    Destination,
    /// A source and a destination in one program
    Both,
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

#[derive(Clone, Debug, Args)]
pub(crate) struct Image {
    /// The connector, e.g. `native:parquet`
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// The image's name, e.g. `my/destination-parquet:1`
    #[arg(long, value_name = "NAME[:TAG]")]
    pub(crate) tag: String,
    /// The folder for the Dockerfile and what it copies; without it, `image-` and the connector's name
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Which half of a connector that is both; without it: whatever is asked for
    #[arg(long = "as", value_name = "ROLE", value_enum)]
    pub(crate) role: Option<Side>,
    /// This program for another kind of processor, so that the image can be built for it as well, e.g.
    /// `arm64=./crossdock-arm64`; may be given several times
    #[arg(long, value_name = "PROCESSOR=FILE")]
    pub(crate) program: Vec<String>,
    /// Write the folder only, even where Docker runs
    #[arg(long)]
    pub(crate) no_build: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Test {
    /// The connector, e.g. `airbyte:exec:./my-source`
    #[arg(value_name = "REF")]
    pub(crate) reference: String,
    /// A configuration that works: a YAML or JSON file, or JSON that begins with `{`; without it, what needs one is
    /// skipped. A destination is written to
    #[arg(long, value_name = "FILE|JSON")]
    pub(crate) config: Option<String>,
    /// What it is tested as, if it can be both
    #[arg(long = "as", value_name = "ROLE", value_enum)]
    pub(crate) role: Option<Side>,
    /// The protocol, for a connector that is built in
    #[arg(long, value_enum)]
    pub(crate) protocol: Option<Platform>,
    /// Interrupt it at each message and go on from each checkpoint, not at a few: as many starts of the connector
    #[arg(long)]
    pub(crate) every: bool,
    /// A source of the system that the destination writes to, e.g. `native:sqlite`: what was written is read back
    #[arg(long, value_name = "REF")]
    pub(crate) verify: Option<String>,
    /// The configuration of that source
    #[arg(long, value_name = "FILE|JSON", requires = "verify")]
    pub(crate) verify_config: Option<String>,
    /// Test only the rules whose names contain this; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
    /// Write the results as JUnit XML, too
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
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
