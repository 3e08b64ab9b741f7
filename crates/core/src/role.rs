//! The side of a pipeline on which a connector stands.

use serde::Serialize;

/// What a connector is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A source.
    Source,
    /// A destination; a sink, as DataFlow calls it.
    Destination,
}

impl Role {
    /// Its name in the store, in reports and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}
