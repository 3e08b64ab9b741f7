//! Mappers of a stream as they are written: in the form of Airbyte's API.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A mapper of Airbyte: changes a field of each record, or leaves records out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mapper {
    /// What it is called in messages. Without it: the stream's name and its number.
    pub(crate) id: Option<String>,
    /// Which one.
    #[serde(rename = "type")]
    pub(crate) kind: MapperKind,
    /// Its settings. `${env:NAME}` and `${file:PATH}` stand for values from outside, as in a connector's `config`.
    #[serde(rename = "mapperConfiguration")]
    #[expect(
        dead_code,
        reason = "it is read from the located tree, where its secrets are"
    )]
    config: Map<String, Value>,
}

/// The mappers of Airbyte.
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MapperKind {
    /// A field is encrypted.
    Encryption,
    /// A field is taken away.
    FieldFiltering,
    /// A field gets another name.
    FieldRenaming,
    /// A field's digest stands in its place.
    Hashing,
    /// Only rows go on for which conditions hold.
    RowFiltering,
}

impl MapperKind {
    /// The name in files.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Encryption => "encryption",
            Self::FieldFiltering => "field-filtering",
            Self::FieldRenaming => "field-renaming",
            Self::Hashing => "hashing",
            Self::RowFiltering => "row-filtering",
        }
    }
}
