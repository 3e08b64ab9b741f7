//! Settings of the Parquet destination.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use parquet::basic;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::file::{Layout, Rolling, default};

/// Writes Parquet files to a local folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Parquet files")]
pub struct Config {
    /// The folder that will hold one folder for each stream. Created if it does not exist.
    pub path: PathBuf,
    /// What becomes of objects and arrays: `typed` makes structs and lists of those whose parts the
    /// schema declares, `json` keeps all as JSON text.
    #[serde(default)]
    pub nested: NestedValues,
    /// How pages are compressed: `none`, `snappy` or `zstd`.
    #[serde(default)]
    pub compression: Compression,
    /// Level of `zstd`: 1 is fast, 22 is small.
    #[serde(default = "level")]
    #[schemars(range(min = 1, max = 22))]
    pub compression_level: u8,
    /// A row group of about this size is ended and a new one begun.
    #[serde(default = "row_group_bytes")]
    #[schemars(range(min = 1))]
    pub row_group_bytes: usize,
    /// A row group never has more records than this.
    #[serde(default = "row_group_records")]
    #[schemars(range(min = 1))]
    pub row_group_records: usize,
    /// Add Airbyte's metadata columns to each record.
    #[serde(default = "default::yes")]
    pub metadata_columns: bool,
    /// For streams whose records go to folders of their own, such as `country=DE`: the fields that
    /// those are named after. `day(created_at)` takes a part of a date: `year`, `month`, `day` or
    /// `hour`. `*` stands for all streams that are not named.
    #[serde(default)]
    pub partition_by: BTreeMap<String, Vec<String>>,
    /// A file of this size is closed and a new one begun.
    #[serde(default = "default::target_file_bytes")]
    #[schemars(range(min = 1))]
    pub target_file_bytes: u64,
    /// A checkpoint closes files only if they hold this much together; 0: always.
    #[serde(default = "default::min_file_bytes")]
    pub min_file_bytes: u64,
    /// A checkpoint waits at most this long, in milliseconds, for files to reach `min_file_bytes`.
    #[serde(default = "default::max_checkpoint_age_ms")]
    pub max_checkpoint_age_ms: u64,
}

fn level() -> u8 {
    1
}

fn row_group_bytes() -> usize {
    32 << 20
}

fn row_group_records() -> usize {
    1 << 20
}

impl Config {
    pub(crate) fn layout(&self) -> Layout {
        Layout {
            path: self.path.clone(),
            metadata_columns: self.metadata_columns,
            rolling: Rolling::new(
                self.target_file_bytes,
                self.min_file_bytes,
                self.max_checkpoint_age_ms,
            ),
        }
    }

    pub(crate) fn codec(&self) -> Result<basic::Compression> {
        Ok(match self.compression {
            Compression::None => basic::Compression::UNCOMPRESSED,
            Compression::Snappy => basic::Compression::SNAPPY,
            Compression::Zstd => {
                let level =
                    Some(i32::from(self.compression_level)).filter(|l| (1..=22).contains(l));
                let level = level.and_then(|level| basic::ZstdLevel::try_new(level).ok());
                basic::Compression::ZSTD(level.ok_or_else(|| {
                    Error::new(&code::CONFIG_INVALID, "`compression_level` is not allowed")
                        .hint("use a level from 1 to 22")
                })?)
            }
        })
    }
}

/// How pages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// Snappy.
    Snappy,
    /// Zstandard.
    #[default]
    Zstd,
}

/// What becomes of objects and arrays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NestedValues {
    /// Structs and lists, where their parts are declared.
    #[default]
    Typed,
    /// JSON text.
    Json,
}
