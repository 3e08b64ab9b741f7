//! Settings of the SQLite source.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

/// Reads tables and views of a SQLite database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "SQLite")]
pub struct SourceConfig {
    /// The database's file. It is only read.
    pub path: PathBuf,
    /// The tables and views to offer; empty: all of them.
    #[serde(default)]
    pub tables: Vec<String>,
    /// How many rows of each table are looked at to tell what its columns really hold.
    #[serde(default = "sample_rows")]
    #[schemars(range(min = 1))]
    pub sample_rows: u32,
    /// How long to wait for other programs that write the database, in milliseconds.
    #[serde(default = "busy_timeout_ms")]
    pub busy_timeout_ms: u64,
}

fn sample_rows() -> u32 {
    1000
}

fn busy_timeout_ms() -> u64 {
    60_000
}
