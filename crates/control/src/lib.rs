#![doc = include_str!("../README.md")]

pub mod acceptance;
mod beside;
mod changing;
pub mod command;
pub mod conformance;
pub mod connector;
pub mod dead_letter;
mod deletion;
pub mod doctor;
mod fields;
mod flat_config;
pub mod generation;
pub mod image;
pub mod init;
mod intake;
mod lookback;
mod memory;
pub mod merge;
pub mod notification;
mod outlet;
pub mod pipe;
pub mod plan;
mod prepare;
pub mod preview;
mod recall;
pub mod refresh;
pub mod replay;
pub mod run;
pub mod run_log;
pub mod scaffold;
pub mod schema_change;
mod schema_check;
pub mod schema_review;
pub mod select;
pub mod serve;
mod span;
pub mod state;
pub mod status;
mod store_folder;
pub mod ui;
mod way;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossdock_core::error::Result;
use crossdock_core::registry::Registry;
use crossdock_core::store::Store;
use crossdock_store::SqliteStore;

pub use crossdock_engine::Cancel;
pub use crossdock_engine::progress::{Progress, StreamProgress};
pub use crossdock_engine::trace::TARGET as SPAN_TARGET;
pub use deletion::delete_connectors;
pub use run::{StreamSummary, Summary, Surroundings, clear, run};
pub use schema_check::SchemaFindings;

/// The native connectors of this build.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    crossdock_connectors::register(&mut registry);
    registry
}

/// Where state is kept unless the user says otherwise: in the user's state directory.
#[must_use]
pub fn default_store_path() -> PathBuf {
    crossdock_launch::state_directory().join("state.db")
}

/// A store that keeps nothing beyond the process, for questions that must not make a file.
pub fn passing_store() -> Result<Arc<dyn Store>> {
    Ok(Arc::new(SqliteStore::in_memory()?))
}

/// Opens the store at `path`, or makes it.
pub fn open_store(path: &Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(SqliteStore::open(path)?))
}
