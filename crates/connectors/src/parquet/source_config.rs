//! Settings of the Parquet source.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::default;

/// Reads Parquet files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Parquet files")]
pub struct SourceConfig {
    /// A file, a folder, or a pattern such as `lake/orders/*.parquet`. All its files are one stream.
    #[serde(default)]
    pub path: Option<String>,
    /// The name of that stream; otherwise it is named after its files.
    #[serde(default)]
    pub stream: Option<String>,
    /// Several streams: for each name a file, a folder or a pattern.
    #[serde(default)]
    pub streams: BTreeMap<String, String>,
    /// Take fields from the names of folders such as `country=DE`, unless the files have them too.
    #[serde(default = "default::yes")]
    pub hive_partitions: bool,
    /// For files that are written again as a whole: of a changed file, an incremental read takes
    /// only records whose value of this field is at least the greatest of the run before.
    #[serde(default)]
    pub cursor: Option<String>,
}
