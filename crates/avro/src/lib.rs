#![doc = include_str!("../README.md")]

mod decode;
mod encode;
mod fault;
pub mod number;
mod schema;
pub mod varint;
mod write;

pub use encode::RowEncoder;
pub use fault::Fault;
pub use schema::{Logical, Node, Schema, Type};
