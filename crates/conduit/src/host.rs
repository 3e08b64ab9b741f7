//! The host role: their connector runs, we are its platform. [`ConduitSource`] and
//! [`ConduitDestination`] implement the contract over a launched process.
//!
//! What is decided here is decided by plain data (`reading`, `stream`, `unacknowledged`, `book`,
//! `lifecycle`); the rest moves messages between the connection and those.

mod book;
mod config;
mod connector;
mod described;
mod destination;
mod encode;
mod lifecycle;
mod peer;
mod reader;
mod reading;
mod registry;
mod sampling;
mod schema_service;
mod source;
mod stream;
mod talk;
mod unacknowledged;
mod writer;

pub use described::{Described, Param};
pub use destination::ConduitDestination;
pub use source::ConduitSource;
