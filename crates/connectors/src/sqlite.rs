#![doc = include_str!("sqlite/README.md")]

mod book;
mod cell;
mod column_type;
mod config;
mod database;
mod destination;
mod fault;
mod hold;
mod keeper;
mod rebuild;
mod shape;
mod statement;
mod table;

pub use config::{Config, Journal};
pub use destination::Sqlite;
