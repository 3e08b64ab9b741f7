//! What connectors of the contract need to be connectors of platforms that know neither catalogs nor states
//! per stream (Conduit, DataFlow). Pure.

mod catalog;
mod pending;
mod states;

pub use catalog::{to_read, to_write};
pub use pending::Pending;
pub use states::States;
