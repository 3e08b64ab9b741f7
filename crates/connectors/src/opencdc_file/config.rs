//! Settings of the file connector.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::record_form::Sdk;

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
