//! Settings of the SQLite destination.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::file::default;

/// Writes tables of a SQLite database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "SQLite")]
pub struct Config {
    /// The database's file. It and its folder are created if they do not exist.
    pub path: PathBuf,
    /// Add Airbyte's metadata columns to each row.
    #[serde(default = "default::yes")]
    pub metadata_columns: bool,
    /// How the database keeps its journal: `wal` lets others read while rows are written; `delete`
    /// is for file systems without shared memory, e.g. network shares.
    #[serde(default)]
    pub journal_mode: Journal,
    /// How long to wait for other programs that write the database, in milliseconds.
    #[serde(default = "busy_timeout_ms")]
    pub busy_timeout_ms: u64,
    /// A checkpoint is committed at once if the transaction holds this much.
    #[serde(default = "transaction_bytes")]
    pub transaction_bytes: u64,
    /// A checkpoint waits at most this long, in milliseconds, for the transaction to grow.
    #[serde(default = "max_checkpoint_age_ms")]
    pub max_checkpoint_age_ms: u64,
}

fn busy_timeout_ms() -> u64 {
    60_000
}

fn transaction_bytes() -> u64 {
    16 << 20
}

fn max_checkpoint_age_ms() -> u64 {
    1000
}

impl Config {
    pub(crate) fn busy_timeout(&self) -> Duration {
        // SQLite counts in 32 bits of milliseconds.
        Duration::from_millis(self.busy_timeout_ms.min(i32::MAX as u64))
    }

    pub(crate) fn max_checkpoint_age(&self) -> Duration {
        Duration::from_millis(self.max_checkpoint_age_ms)
    }
}

/// How a database keeps its journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Journal {
    /// Write-ahead log.
    #[default]
    Wal,
    /// Rollback journal.
    Delete,
}

impl Journal {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Wal => "wal",
            Self::Delete => "delete",
        }
    }
}
