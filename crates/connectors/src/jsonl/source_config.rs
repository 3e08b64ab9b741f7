//! Settings of the JSON Lines source.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::default;
use crate::file_source::kind::Kind;
use crate::file_source::setting::{BadLines, Compression, sample_records};

/// Reads JSON Lines files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "JSON Lines files")]
pub struct SourceConfig {
    /// A file, a folder, or a pattern such as `data/orders_*.jsonl`. All its files are one stream.
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
    /// How the files are compressed: `auto`, `none`, `gzip` or `zstd`.
    #[serde(default)]
    pub compression: Compression,
    /// The encoding of the text, if not UTF-8: a name such as `windows-1252` or `utf-16le`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// The types of fields that a sample would tell wrongly, by name.
    #[serde(default)]
    pub types: BTreeMap<String, Kind>,
    /// How many records of a stream are looked at to tell the types of its fields.
    #[serde(default = "sample_records")]
    #[schemars(range(min = 1))]
    pub sample_records: usize,
    /// What becomes of a line that is not a JSON object: `fail`, `skip` or `dead_letters`.
    #[serde(default)]
    pub bad_lines: BadLines,
    /// For files that are written again as a whole: of a changed file, an incremental read takes
    /// only records whose value of this field is at least the greatest of the run before.
    #[serde(default)]
    pub cursor: Option<String>,
}
