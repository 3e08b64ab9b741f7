//! What a connector of Airbyte has to keep, as a source and as a destination.

mod catalog;
mod command_line;
mod connection;
mod delivery;
mod echo;
mod ending;
mod exchange;
mod invocation;
mod lines;
mod payload;
mod peer;
mod records;
mod resume;
mod specification;
mod states;
mod status;
mod stored;
mod subject;
mod writing;

pub use exchange::{Exchange, Message, key};
pub use invocation::{Invocation, Until};
pub use peer::{Launched, Peer};
pub use subject::Subject;

use crate::{Check, Role};

/// The checks of a role, in their order.
pub fn checks(role: Role) -> impl Iterator<Item = &'static Check<Subject>> {
    let both = [
        specification::CHECKS,
        command_line::CHECKS,
        connection::CHECKS,
    ];
    let own = match role {
        Role::Source => [
            catalog::CHECKS,
            records::CHECKS,
            status::CHECKS,
            states::CHECKS,
            resume::CHECKS,
            ending::CHECKS,
        ]
        .as_slice(),
        Role::Destination => &[
            // Before there are rows that a reader of the system may stumble over.
            stored::CHECKS,
            writing::CHECKS,
            echo::CHECKS,
            payload::CHECKS,
        ],
    };
    let tables = both.into_iter().chain(own.iter().copied());
    tables.flatten()
}
