//! The host role: their connector runs, we are its platform. [`AirbyteSource`] and
//! [`AirbyteDestination`] implement the contract over a launched process.
//!
//! What is decided here is decided by plain data (`reading`, `echo`, `exit`); the rest moves
//! bytes between pipes and those.

mod command;
mod connector;
mod destination;
mod direct;
mod echo;
mod exit;
mod feed;
mod listen;
mod peer;
mod socket_feed;
mod sockets;
mod source;
mod source_way;
mod writer;

pub use destination::AirbyteDestination;
pub use direct::DirectChannel;
pub use source::AirbyteSource;
