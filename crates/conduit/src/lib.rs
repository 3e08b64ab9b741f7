#![doc = include_str!("../README.md")]

mod convert;
mod grpc;
pub mod host;
mod now;
pub mod serve;
pub mod wire;

pub use host::{ConduitDestination, ConduitSource, Standalone};
