#![doc = include_str!("sqlite/README.md")]

mod book;
mod cell;
mod column_type;
mod config;
mod cut;
mod database;
mod destination;
mod fault;
mod hold;
mod keeper;
mod key_index;
mod place;
mod rebuild;
mod relation;
mod row_text;
mod shape;
mod source;
mod source_config;
mod statement;
mod table;

pub use config::{Config, Journal};
pub use destination::Sqlite;
pub use source::SqliteSource;
pub use source_config::SourceConfig;
