#![doc = include_str!("parquet/README.md")]

mod config;
mod destination;
mod property;

pub use config::{Compression, Config};
pub use destination::Parquet;
