//! What a user of the connector sets.

use crossdock_sdk::Secret;
use schemars::JsonSchema;
use serde::Deserialize;

/// Which shop, and who asks.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Shop")]
pub struct Config {
    /// The address of the shop's API, e.g. `https://shop.example.com/api`.
    #[schemars(title = "Address", regex(pattern = r"^https?://"))]
    pub url: String,
    /// A key of the API.
    #[schemars(title = "Key")]
    pub key: Secret,
}
