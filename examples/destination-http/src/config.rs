//! What a user of the connector sets.

use crossdock_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

// What stands in the doc comments is what users read: in Airbyte's form, in Conduit's parameters, in `--help`.

/// Where the store is, and who writes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Store")]
pub struct Config {
    /// The address of the store, e.g. `https://store.example.com`.
    #[schemars(title = "Address", regex(pattern = r"^https?://"))]
    pub url: String,
    /// An API key that may write.
    #[schemars(title = "Key")]
    pub key: Secret,
}
