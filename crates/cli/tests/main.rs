//! The program's whole output, as snapshots in `snapshots/`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod connector;
mod dlq;
mod document;
mod error;
mod file;
mod init;
mod look;
mod manifest;
mod notification;
mod pipe;
mod processor;
mod quickstart;
mod refresh;
mod run;
mod schema;
mod signal;
mod state;
mod status;
mod sync;
mod trace;
mod tutorial;
mod usage;
mod validate;
