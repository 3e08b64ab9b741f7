#![doc = include_str!("jsonl/README.md")]

mod config;
mod destination;
mod line;
mod sink;

pub use config::{Compression, Config, LineFormat};
pub use destination::Jsonl;
pub(crate) use sink::split;
