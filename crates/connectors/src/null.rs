#![doc = include_str!("null/README.md")]

mod config;
mod destination;

pub use config::Config;
pub use destination::Null;
