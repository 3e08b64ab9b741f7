//! The codec: one JSON object on a line, in both directions (§1). Pure.
//!
//! Lines are read with the tolerance of the profile (§1.1): what they say beyond the page is passed over,
//! and what the page leaves open is taken in every form. They are written as the page writes them.

mod command;
mod line;
mod members;
mod message;
mod response;

pub use command::{
    Command, Init, Role, WriteCommand, write_ack, write_close, write_connect, write_init, write_ping,
    write_read,
};
pub use line::{Line, classify};
pub use message::{ENCODING, MessageView, Payload, Written, write_message};
pub use response::{
    Failure, Finished, Ready, Response, write_checkpoint, write_done, write_error, write_pong,
    write_ready, write_source_message,
};

#[cfg(test)]
mod tests;
