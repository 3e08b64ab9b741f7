#![doc = include_str!("../README.md")]

pub mod batch;
pub mod capability;
pub mod catalog;
pub mod checkpoint;
pub mod clock;
pub mod code;
pub mod config_schema;
pub mod convert;
pub mod destination;
pub mod erased;
pub mod error;
pub mod error_kind;
pub mod event;
pub mod fault;
pub mod inference;
pub mod json;
pub mod learnt;
pub mod line;
pub mod memory;
pub mod pattern;
pub mod raw;
pub mod registry;
pub mod role;
pub mod schema;
pub mod secret;
pub mod served;
pub mod session;
pub mod source;
pub mod spec;
pub mod state_array;
pub mod statistics;
pub mod store;
pub mod stream;

pub use batch::{Batch, Body, Columns, Operation, Operations, Rows, Span};
pub use catalog::{
    Catalog, ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, Stream, SyncMode,
};
pub use checkpoint::{Checkpoint, Lane, Seq, StateKind};
pub use error::{Error, ErrorKind, Result};
pub use event::{Event, StreamStatus};
pub use json::Json;
pub use spec::Spec;
pub use stream::StreamId;
