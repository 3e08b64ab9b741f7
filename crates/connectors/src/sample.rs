#![doc = include_str!("sample/README.md")]

mod config;
mod random;
mod reader;
mod record;
mod source;
mod typed;

pub use config::{Config, FailAfter, Failure, Shape, Streams};
pub use source::Sample;
