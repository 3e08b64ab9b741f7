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
mod stored;
mod subject;
mod talk;
mod whole;
mod write;

pub use launched::Launched;
pub use peer::{Channel, Heard, Peer};
pub use subject::Subject;

use crate::{Check, Role};

/// The name of a role on the wire.
fn word(role: Role) -> &'static str {
    match role {
        Role::Source => "source",
        Role::Destination => "sink",
    }
}

/// The checks of a role, in their order.
pub fn checks(role: Role) -> impl Iterator<Item = &'static Check<Subject>> {
    let own: [&'static [Check<Subject>]; 3] = match role {
        Role::Source => [message::CHECKS, read::CHECKS, checkpoint::CHECKS],
        Role::Destination => [stored::CHECKS, write::CHECKS, payload::CHECKS],
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
