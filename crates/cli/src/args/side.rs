//! Which half of a connector is meant.

use clap::ValueEnum;
use crossdock_control::ui::Role;

/// A side of a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    /// Where records come from
    Source,
    /// Where records go
    Destination,
}

impl Side {
    /// The role that it stands for.
    pub(crate) fn role(self) -> Role {
        match self {
            Self::Source => Role::Source,
            Self::Destination => Role::Destination,
        }
    }
}
