#![doc = include_str!("../README.md")]

pub mod host;
pub mod validate;
pub mod wire;

pub use host::{AirbyteDestination, AirbyteSource};
pub use validate::{RecordSchema, validate_config};
