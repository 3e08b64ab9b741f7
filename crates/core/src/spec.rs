//! A connector's description of itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::capability::{DestinationCapabilities, SourceCapabilities};
use crate::catalog::DestinationSyncMode;
use crate::config_schema::config_schema;
use crate::error::Result;

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

impl Spec {
    /// That of a source with this configuration.
    #[must_use]
    pub fn of_source<C: JsonSchema>(capabilities: SourceCapabilities) -> Self {
        Self {
            connection_specification: config_schema::<C>(),
            source: capabilities,
            ..Self::default()
        }
    }

    /// That of a destination with this configuration.
    #[must_use]
    pub fn of_destination<C: JsonSchema>(capabilities: DestinationCapabilities) -> Self {
        Self {
            connection_specification: config_schema::<C>(),
            supported_destination_sync_modes: Some(capabilities.sync_modes.clone()),
            destination: capabilities,
            ..Self::default()
        }
    }
}

/// The answer to `check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The configuration works.
    Succeeded,
    /// It does not, and the connector says why.
    Failed(String),
}

impl Checked {
    /// From an attempt to find out.
    pub fn of<T>(attempt: Result<T>) -> Self {
        match attempt {
            Ok(_) => Self::Succeeded,
            Err(error) => {
                let mut says = error.message().to_owned();
                for (key, value) in error.context() {
                    says.push_str(&format!("; {key}: {value}"));
                }
                for cause in error.causes() {
                    says.push_str(&format!("; {cause}"));
                }
                Self::Failed(says)
            }
        }
    }
}
