#![doc = include_str!("../README.md")]

mod grpc;
pub mod host;
pub mod wire;

pub use host::{ConduitDestination, ConduitSource};
