//! The Airbyte protocol's messages and their codec: bytes in, messages out, and back. No I/O, no
//! async: the same code serves the host side, the connector side and the fuzzer.
//!
//! The way in is [`LineBuffer`](crossdock_core::line::LineBuffer) (bytes to whole lines) and [`Decoder`] (lines to [`Message`]s).
//! Records are never parsed: the envelope is scanned, and consecutive lines that share their
//! beginning and end are recognised without even that.

mod catalog;
mod decode;
mod deletion;
mod echo;
mod envelope;
mod message;
pub mod protobuf;
mod record;
mod state;
mod template;
mod token;

pub use catalog::{catalog_for_destination, catalog_for_source};
pub use decode::{Decoder, Message, Suspect};
pub(crate) use deletion::announce_deletes;
pub use echo::{Totals, committed, echo_state};
pub use message::{
    Analytics, ConnectionStatus, ConnectorConfig, Control, DestinationCatalog,
    DestinationOperation, EstimateTrace, Log, RateLimit, StatusReason, StreamStatusTrace, Trace,
    TraceError, complete_trace, status_trace,
};
pub use record::{Edit, RecordHead, keep_fields, rewrite};
pub use state::{Stamp, StateMessage, Stats, input_file, write_state};

use crossdock_core::batch::WireForm;

/// The wire form of batches whose lines are Airbyte RECORD lines, line ends included.
pub const FORM: WireForm = "airbyte/jsonl";
