#![doc = include_str!("jsonl/README.md")]

mod config;
mod destination;
mod line;

pub use config::{Compression, Config, LineFormat};
pub use destination::Jsonl;
