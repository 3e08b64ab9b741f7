//! Settings of the null destination: none.

use schemars::JsonSchema;
use serde::Deserialize;

/// Takes everything and keeps nothing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Nothing")]
pub struct Config {}
