//! What a connector of Airbyte has to keep, as a source and as a destination.

mod exchange;
mod invocation;
mod lines;
mod peer;
mod specification;
mod subject;

pub use exchange::{Exchange, Message, key};
pub use invocation::{Invocation, Until};
pub use peer::{Launched, Peer};
pub use subject::Subject;

use crate::Check;

/// What a connector is checked as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A source.
    Source,
    /// A destination.
    Destination,
}

/// The checks of a role, in their order.
pub fn checks(role: Role) -> impl Iterator<Item = &'static Check<Subject>> {
    let both = specification::CHECKS.iter();
    let _ = role;
    both
}
