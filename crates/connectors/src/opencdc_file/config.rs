//! Settings of the file connector.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Follows a file: each line is a record.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "File, followed")]
pub struct SourceConfig {
    /// The file.
    pub path: PathBuf,
}

/// Adds records to a file, one on a line.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "File of records")]
pub struct DestinationConfig {
    /// The file.
    pub path: PathBuf,
    /// What the layer that all of Conduit's connectors share would be told.
    #[serde(default)]
    pub sdk: Sdk,
}

/// Settings of that layer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sdk {
    /// Settings of records.
    #[serde(default)]
    pub record: RecordSettings,
}

/// How records are written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordSettings {
    /// The form.
    #[serde(default)]
    pub format: RecordFormat,
}

/// The form of a record on a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordFormat {
    /// The whole record.
    #[default]
    #[serde(rename = "opencdc/json")]
    OpenCdcJson,
}
