#![doc = include_str!("../README.md")]

pub mod host;
pub mod pipe;
mod reading;
mod route;
pub mod serve;
mod talk;
mod trace_error;
pub mod validate;
pub mod wire;

pub use host::{AirbyteDestination, AirbyteSource};
pub use validate::validate_config;
