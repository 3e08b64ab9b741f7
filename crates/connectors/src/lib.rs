#![doc = include_str!("../README.md")]

pub mod csv;
mod describe;
mod file;
mod file_source;
pub mod generator;
pub mod jsonl;
pub mod null;
pub mod opencdc_file;
mod opencdc_json;
pub mod opencdc_log;
pub mod parquet;
mod reader;
mod record_form;
pub mod sample;
mod semantics;
pub mod sqlite;
pub mod stdout;
mod stop;
mod writer;

pub use record_form::{Form, RecordSettings, Sdk};

use std::sync::Arc;

use crossdock_core::catalog::DestinationSyncMode;
use crossdock_core::registry::{Entry, Registry};

/// For destinations that keep nothing, so that every mode is kept.
pub(crate) const ALL_SYNC_MODES: [DestinationSyncMode; 3] = [
    DestinationSyncMode::Append,
    DestinationSyncMode::Overwrite,
    DestinationSyncMode::AppendDedup,
];

/// Adds every native connector of this crate.
pub fn register(registry: &mut Registry) {
    registry.add(
        "sample",
        Entry {
            summary: "makes up records, the same ones every time",
            source: Some(Arc::new(sample::Sample)),
            destination: None,
        },
    );
    registry.add(
        "generator",
        Entry {
            summary: "makes up records that differ every time, as Conduit's does",
            source: Some(Arc::new(generator::Generator)),
            destination: None,
        },
    );
    registry.add(
        "file",
        Entry {
            summary: "a file that is followed, or added to, line by line, as Conduit's is",
            source: Some(Arc::new(opencdc_file::FileSource)),
            destination: Some(Arc::new(opencdc_file::FileDestination)),
        },
    );
    registry.add(
        "log",
        Entry {
            summary: "writes records to the log, as Conduit's does",
            source: None,
            destination: Some(Arc::new(opencdc_log::LogDestination)),
        },
    );
    registry.add(
        "csv",
        Entry {
            summary: "CSV files",
            source: Some(Arc::new(csv::CsvSource::default())),
            destination: Some(Arc::new(csv::Csv)),
        },
    );
    registry.add(
        "jsonl",
        Entry {
            summary: "JSON Lines files",
            source: Some(Arc::new(jsonl::JsonlSource::default())),
            destination: Some(Arc::new(jsonl::Jsonl)),
        },
    );
    registry.add(
        "parquet",
        Entry {
            summary: "Parquet files",
            source: Some(Arc::new(parquet::ParquetSource::default())),
            destination: Some(Arc::new(parquet::Parquet)),
        },
    );
    registry.add(
        "sqlite",
        Entry {
            summary: "tables of a SQLite database",
            source: Some(Arc::new(sqlite::SqliteSource)),
            destination: Some(Arc::new(sqlite::Sqlite)),
        },
    );
    registry.add(
        "null",
        Entry {
            summary: "takes records and keeps nothing",
            source: None,
            destination: Some(Arc::new(null::Null)),
        },
    );
    registry.add(
        "stdout",
        Entry {
            summary: "prints records as JSON lines",
            source: None,
            destination: Some(Arc::new(stdout::Stdout)),
        },
    );
}
