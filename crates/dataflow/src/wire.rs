//! The codec: one JSON object on a line, in both directions (§1). Pure.
//!
//! Lines are read with the tolerance of the profile (§1.1): what they say beyond the page is passed over,
//! and what the page leaves open is taken in every form. They are written as the page writes them.

pub(crate) use members::each_member;

mod command;
mod line;
mod members;
mod message;
mod response;

pub use command::{
    Command, Init, Role, WriteCommand, write_ack, write_close, write_connect, write_init,
    write_ping, write_read,
};
pub use line::{Line, classify};
pub use message::{ENCODING, MessageView, Payload, Written, members_of, write_message};
pub use response::{
    Failure, Finished, Ready, Response, write_checkpoint, write_done, write_error, write_pong,
    write_ready, write_source_message,
};

use crossdock_core::batch::WireForm;

/// The wire form of batches whose lines are messages: their members as the page has them, without the brace
/// before them and with the one after them.
pub const FORM: WireForm = "dataflow/message";

#[cfg(test)]
mod tests;
