//! What a connector of Conduit has to keep, as a source and as a destination, in both versions of the protocol.

mod acks;
mod configuration;
mod destination;
mod exchange;
mod handshake;
mod launched;
mod life;
mod logs;
mod message;
mod peer;
mod record;
mod resume;
mod sample;
mod script;
mod source;
mod specification;
mod stored;
mod subject;

use crossdock_conduit::wire::side::Side;

pub use launched::Launched;
pub use peer::{Answer, Config, Down, Hello, Peer, Process, Question, Up};
pub use subject::{Patience, Subject};

use crate::{Check, Role};

/// The side of a role in the protocol.
fn side(role: Role) -> Side {
    match role {
        Role::Source => Side::Source,
        Role::Destination => Side::Destination,
    }
}

/// The checks of a role, in their order.
pub fn checks(role: Role) -> impl Iterator<Item = &'static Check<Subject>> {
    let own: [&[Check<Subject>]; 3] = match role {
        Role::Source => [record::CHECKS, source::CHECKS, resume::CHECKS],
        Role::Destination => [stored::CHECKS, acks::CHECKS, destination::CHECKS],
    };
    let both = [
        handshake::CHECKS,
        logs::CHECKS,
        specification::CHECKS,
        configuration::CHECKS,
        life::CHECKS,
    ];
    both.into_iter().chain(own).flatten()
}
