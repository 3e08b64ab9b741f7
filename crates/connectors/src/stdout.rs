#![doc = include_str!("stdout/README.md")]

mod config;
mod destination;

pub use config::{Config, LineFormat};
pub use destination::{Stdout, StdoutWriter};
