//! What a user of the connector sets.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

// What stands in the doc comments is what users read: in Airbyte's form, in Conduit's parameters, in `--help`.

/// Which database, and how closely it is followed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Database")]
pub struct Config {
    /// The file of the database.
    #[schemars(title = "File")]
    pub path: PathBuf,
    /// How long to wait, in milliseconds, before the log is looked at again when it had nothing new.
    #[serde(default = "poll_ms")]
    #[schemars(title = "Pause", range(min = 1))]
    pub poll_ms: u64,
}

fn poll_ms() -> u64 {
    1000
}
