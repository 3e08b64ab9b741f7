#![doc = include_str!("../README.md")]

mod convert;
mod host;
pub mod serve;
pub mod wire;

pub use host::{DataFlowDestination, DataFlowSource, Found, type_of};
