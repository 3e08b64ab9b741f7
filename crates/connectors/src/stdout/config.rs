//! Settings of the stdout destination.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Prints records as JSON lines.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Standard output")]
pub struct Config {
    /// What a line is: `record` names the stream beside the data; `data` is the record alone.
    #[serde(default)]
    pub format: LineFormat,
}

/// What a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LineFormat {
    /// `{"stream":…,"namespace":…,"data":…,"emitted_at":…}`.
    #[default]
    Record,
    /// The data alone.
    Data,
}
