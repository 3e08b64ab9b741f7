#![doc = include_str!("opencdc_file/README.md")]

mod config;
mod destination;
mod source;
mod tail;

pub use config::{DestinationConfig, SourceConfig};
pub use destination::FileDestination;
pub use source::FileSource;
