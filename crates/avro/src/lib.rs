#![doc = include_str!("../README.md")]

mod decode;
mod encode;
pub mod number;
mod schema;
pub mod varint;
mod write;

pub use encode::RowEncoder;
pub use schema::{Logical, Node, Schema, Type};
