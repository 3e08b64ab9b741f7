#![doc = include_str!("../README.md")]

mod connector;
mod context;
mod cursor;
pub mod failure;
mod help;
pub mod http;
mod output;
mod platform;
mod push;
mod row;
mod run;
mod source_stream;
mod state;
mod stop;
mod stream_source;
mod table_destination;
mod table_writer;

pub use arrow_array;
pub use arrow_schema;
pub use async_trait::async_trait;
pub use connector::Connector;
pub use context::Context;
pub use crossdock_core as core;
pub use crossdock_core::batch::Operation;
pub use crossdock_core::catalog::DestinationSyncMode;
pub use crossdock_core::error::{Error, ErrorKind, Result};
pub use crossdock_core::event::LogLevel;
pub use crossdock_core::secret::Secret;
pub use cursor::{Cursor, Partitions};
pub use output::{Change, Output};
pub use push::push;
pub use row::{Refused, Row};
pub use schemars::{self, JsonSchema};
pub use serde;
pub use source_stream::{Description, SourceStream, StreamOutput};
pub use state::{State, resumed};
pub use stream_source::{StreamSource, Streams};
pub use table_destination::{BatchLimits, Table, TableDestination};

/// The examples of the documents are compiled and run.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/sdk.md")]
    mod guide {}
    #[doc = include_str!("../../../docs/contract.md")]
    mod contract {}
}
