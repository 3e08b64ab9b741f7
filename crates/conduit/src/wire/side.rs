//! The two sides that a connector can have.

/// A side of a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It sends records.
    Source,
    /// It takes records.
    Destination,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Source, Self::Destination];

    /// The name for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }

    /// The name of its service (§2.1).
    #[must_use]
    pub fn service(self) -> &'static str {
        match self {
            Self::Source => "SourcePlugin",
            Self::Destination => "DestinationPlugin",
        }
    }
}
