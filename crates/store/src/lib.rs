#![doc = include_str!("../README.md")]

pub mod sqlite;
pub mod state_array;

pub use sqlite::{Opening, SqliteStore};
