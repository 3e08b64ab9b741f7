#![doc = include_str!("parquet/README.md")]

mod config;
mod destination;
mod encode;
mod shape;

pub use config::{Compression, Config};
pub use destination::Parquet;
pub(crate) use encode::split;

/// Extension of Parquet files.
pub(crate) const EXTENSION: &str = "parquet";

/// The column for properties of a record that the stream's schema does not have. Always there, so
/// that all files of a stream have the same columns whatever the records hold.
pub(crate) const ADDITIONAL: &str = "_airbyte_additional_properties";
