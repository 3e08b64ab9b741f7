#![doc = include_str!("parquet/README.md")]

mod config;
mod destination;
mod property;
mod shape;

pub use config::{Compression, Config};
pub use destination::Parquet;

/// The column for properties of a record that the stream's schema does not have. Always there, so
/// that all files of a stream have the same columns whatever the records hold.
pub(crate) const ADDITIONAL: &str = "_airbyte_additional_properties";
