//! A connector's description of itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::capability::{DestinationCapabilities, SourceCapabilities};
use crate::catalog::DestinationSyncMode;

/// What a connector says of itself. Serialises as Airbyte's ConnectorSpecification (§1.7), unknown
/// properties included; the capabilities stay on our side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// JSON Schema (draft-07) of the configuration, with Airbyte's annotations such as
    /// `airbyte_secret` (§1.8).
    #[serde(rename = "connectionSpecification", default)]
    pub connection_specification: Value,
    /// Where the documentation is.
    #[serde(
        rename = "documentationUrl",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub documentation_url: Option<String>,
    /// Where the change log is.
    #[serde(
        rename = "changelogUrl",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub changelog_url: Option<String>,
    /// Protocol version; "0.2.0" when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// The modes of a destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported_destination_sync_modes: Option<Vec<DestinationSyncMode>>,
    /// Unknown properties.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
    /// What it can do as a source.
    #[serde(skip)]
    pub source: SourceCapabilities,
    /// What it can do as a destination.
    #[serde(skip)]
    pub destination: DestinationCapabilities,
}

/// The answer to `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The configuration works.
    Succeeded,
    /// It does not, and the connector says why.
    Failed(String),
}
