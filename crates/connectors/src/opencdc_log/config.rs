//! Settings of the log destination.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record_form::Sdk;

/// Writes records to the log.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Log")]
pub struct Config {
    /// The level at which records are logged.
    #[serde(default)]
    pub level: Level,
    /// Put before each record.
    #[serde(default)]
    pub message: String,
    /// What the layer that all of Conduit's connectors share would be told.
    #[serde(default)]
    pub sdk: Sdk,
}

/// How grave a log line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Finest detail.
    Trace,
    /// For those who look closely.
    Debug,
    /// Progress.
    #[default]
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
}
