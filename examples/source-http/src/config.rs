//! What a user of the connector sets.

use crossdock_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

// What stands in the doc comments is what users read: in Airbyte's form, in Conduit's parameters, in `--help`.

/// Where the tracker is, and who asks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Issue tracker")]
pub struct Config {
    /// The address of the API, e.g. `https://tracker.example.com/api`.
    #[schemars(title = "Address", regex(pattern = r"^https?://"))]
    pub url: String,
    /// An API token, made in the tracker's settings.
    #[schemars(title = "Token")]
    pub token: Secret,
    /// The tracker's limit, if it has one.
    #[schemars(title = "Requests per second", range(min = 1))]
    pub requests_per_second: Option<u32>,
}
