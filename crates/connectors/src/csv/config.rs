//! Settings of the CSV destination.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::line_file::Compression;
use crate::file::{Layout, Rolling, default};

/// Writes CSV files to a local folder.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "CSV files")]
pub struct Config {
    /// The folder that will hold one folder for each stream. Created if it does not exist.
    pub path: PathBuf,
    /// How files are compressed: `none`, `gzip` or `zstd`.
    #[serde(default)]
    pub compression: Compression,
    /// The character between fields; `\t` is a tab.
    #[serde(default = "comma")]
    pub delimiter: String,
    /// What is written for a null. A text that is the same is written in quotes.
    #[serde(default)]
    pub null_value: String,
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

fn comma() -> String {
    ",".to_owned()
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
}
