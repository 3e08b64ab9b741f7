#![doc = include_str!("csv/README.md")]

mod config;
mod destination;
mod dialect;
mod line;
mod source;
mod source_config;
mod table;

pub use config::Config;
pub use destination::Csv;
pub use source::CsvSource;
pub use source_config::SourceConfig;
