//! What a connector of DataFlow has to keep, as a source and as a sink.
//!
//! DataFlow publishes one page. What it says binds; where it leaves a point open, Crossdock's profile of the protocol
//! advises.

mod checkpoint;
mod command;
mod ending;
mod init;
mod launched;
mod lines;
mod message;
mod payload;
mod peer;
mod ping;
mod read;
mod subject;
mod talk;
mod whole;
mod write;

pub use launched::Launched;
pub use peer::{Channel, Heard, Peer};
pub use subject::Subject;

use crate::Check;

/// What a connector is checked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A source.
    Source,
    /// A sink.
    Sink,
}

impl Role {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Sink => "sink",
        }
    }
}

/// The checks of a role, in their order.
pub fn checks(role: Role) -> impl Iterator<Item = &'static Check<Subject>> {
    let own: [&'static [Check<Subject>]; 3] = match role {
        Role::Source => [message::CHECKS, read::CHECKS, checkpoint::CHECKS],
        Role::Sink => [write::CHECKS, payload::CHECKS, &[]],
    };
    let both = [
        init::CHECKS,
        lines::CHECKS,
        command::CHECKS,
        ping::CHECKS,
        ending::CHECKS,
    ];
    both.into_iter().chain(own).flatten()
}
