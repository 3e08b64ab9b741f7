//! Settings of the CSV source.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::file::default;
use crate::file_source::kind::Kind;
use crate::file_source::setting::{BadLines, Compression, sample_records};

/// Reads CSV files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "CSV files")]
pub struct SourceConfig {
    /// A file, a folder, or a pattern such as `data/orders_*.csv`. All its files are one stream.
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
    /// The character between fields; `\t` is a tab.
    #[serde(default = "comma")]
    pub delimiter: String,
    /// The character around fields that hold a delimiter or a line end; empty: there is none.
    #[serde(default = "quotation_mark")]
    pub quote: String,
    /// The character before a quotation mark that belongs to a field; empty: the mark is doubled.
    #[serde(default)]
    pub escape: String,
    /// Lines that begin with this character are left out; empty: there are none.
    #[serde(default)]
    pub comment: String,
    /// The first line of each file names the columns. Otherwise they are `column_1` and so on, or
    /// as `columns` says.
    #[serde(default = "yes")]
    pub header: bool,
    /// The names of the columns of files without a header.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Fields with one of these texts are null.
    #[serde(default = "empty")]
    pub null_values: Vec<String>,
    /// How the files are compressed: `auto`, `none`, `gzip` or `zstd`.
    #[serde(default)]
    pub compression: Compression,
    /// The encoding of the text, if not UTF-8: a name such as `windows-1252` or `utf-16le`.
    #[serde(default)]
    pub encoding: Option<String>,
    /// The types of columns that a sample would tell wrongly, by name.
    #[serde(default)]
    pub types: BTreeMap<String, Kind>,
    /// How many records of a stream are looked at to tell the types of its columns.
    #[serde(default = "sample_records")]
    #[schemars(range(min = 1))]
    pub sample_records: usize,
    /// What becomes of a line with too many or too few fields, or with a value that does not fit
    /// its column's type: `fail`, `skip` or `dead_letters`.
    #[serde(default)]
    pub bad_lines: BadLines,
    /// For files that are written again as a whole: of a changed file, an incremental read takes
    /// only records whose value of this field is at least the greatest of the run before.
    #[serde(default)]
    pub cursor: Option<String>,
}

fn comma() -> String {
    ",".to_owned()
}

fn quotation_mark() -> String {
    "\"".to_owned()
}

fn yes() -> bool {
    true
}

fn empty() -> Vec<String> {
    vec![String::new()]
}
