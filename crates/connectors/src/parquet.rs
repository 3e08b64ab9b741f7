#![doc = include_str!("parquet/README.md")]

mod config;
mod destination;
mod property;
mod source;
mod source_config;
mod widen;

pub use config::{Compression, Config};
pub use destination::Parquet;
pub use source::ParquetSource;
pub use source_config::SourceConfig;
