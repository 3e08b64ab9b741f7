//! Avro's binary form, in which connectors with schema extraction send structured data: bare, with
//! the schema kept in a registry (§4.4, §4.5).

mod decode;
mod encode;
mod schema;

pub use encode::RowEncoder;
pub use schema::{Logical, Node, Schema, Type};
