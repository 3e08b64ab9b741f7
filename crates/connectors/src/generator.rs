#![doc = include_str!("generator/README.md")]

mod config;
mod pace;
mod record;
mod source;

pub use config::Config;
pub use source::Generator;
