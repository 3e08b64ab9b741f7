#![doc = include_str!("jsonl/README.md")]

mod config;
mod destination;
mod line;
mod source;
mod source_config;

pub use config::{Compression, Config, LineFormat};
pub use destination::Jsonl;
pub use source::JsonlSource;
pub use source_config::SourceConfig;
