//! The native connectors through the public contract.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod content;
mod crash;
mod file_resume;
mod file_source;
mod generation;
mod parquet_source;
mod partition;
mod refusal;
mod rig;
mod round_trip;
mod sample;
mod simple;
mod sqlite_crash;
mod sqlite_source;
mod sqlite_table;
mod support;
