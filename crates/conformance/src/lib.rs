#![doc = include_str!("../README.md")]

pub mod airbyte;
mod battery;
pub mod conduit;
