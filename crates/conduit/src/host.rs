//! The host role: their connector runs, we are its platform. [`ConduitSource`] and
//! [`ConduitDestination`] implement the contract over a launched process.
//!
//! What is decided here is decided by plain data (`convert`, `book`, `lifecycle`); the rest moves messages between the connection and those.

mod book;
mod config;
mod connector;
mod destination;
mod lifecycle;
mod peer;
pub mod raw;
mod reader;
mod registry;
mod schema;
mod schema_service;
mod source;
mod standalone;
mod talk;
mod writer;

pub use config::flat;
pub use destination::ConduitDestination;
pub use registry::{Kept, Registry};
pub use source::ConduitSource;
pub use standalone::Standalone;
