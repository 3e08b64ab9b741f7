#![doc = include_str!("opencdc_log/README.md")]

mod config;
mod destination;

pub use config::Config;
pub use destination::LogDestination;
