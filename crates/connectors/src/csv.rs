#![doc = include_str!("csv/README.md")]

mod dialect;
mod source;
mod source_config;
mod table;

pub use source::CsvSource;
pub use source_config::SourceConfig;
