//! The protobuf form of the data channel (§4.4): frames on a socket, each a record whose values carry no
//! names, or a message in JSON text. Pure functions, as all of [`wire`](super): bytes in, batches out,
//! and back. `protobuf/data_channel.proto` beside this file has the messages.
//!
//! In: [`FrameBuffer`] (bytes to whole frames) and [`FrameDecoder`] (frames to [`Framed`]). Out:
//! [`FrameWriter`]. Records go between the wire and Arrow columns without JSON text in between, and to
//! whoever speaks the same form as the frames that came.
//!
//! | what | here |
//! |---|---|
//! | order of the values | the properties of the configured stream's schema, sorted by UTF-16 code units |
//! | null | read: field 13 with any value, or no field at all; written: field 13, a varint 1 |
//! | a value whose case is not the schema's | read as its JSON text would be; written: what the schema says, else null and a change |
//! | missing values at the end, values too many | null; left out |
//! | a record of a stream that is not in the catalog | rows without values |
//! | a frame that cannot be read | [`Message::Unreadable`](super::Message::Unreadable), in its place |

mod buffer;
mod cells;
mod decode;
mod encode;
mod encoded;
mod envelope;
mod fault;
mod field;
mod head;
mod meta;
mod position;
mod relay;
mod value;
mod varint;
mod write;

use crossdock_core::batch::WireForm;

pub use buffer::FrameBuffer;
pub use decode::{FrameDecoder, Framed, Wanted};
pub use fault::FrameFault;
pub use write::FrameWriter;

/// The wire form of rows whose lines are whole frames of version `0.0.1`, length prefix included.
pub const FORM_PROTOBUF_V1: WireForm = "airbyte/protobuf/0.0.1";

/// The same of version `0.0.2`.
pub const FORM_PROTOBUF_V2: WireForm = "airbyte/protobuf/0.0.2";

/// How values are laid out: two versions that cannot be told apart on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Version `0.0.1`: integers without zigzag, dates and times as text.
    V1,
    /// Version `0.0.2`.
    V2,
}

impl Layout {
    /// The layout of a version of the data channel, as connectors announce it; `None` for one that is
    /// not known.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Self> {
        match version {
            "0.0.1" => Some(Self::V1),
            "0.0.2" => Some(Self::V2),
            _ => None,
        }
    }

    /// The version of the data channel.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::V1 => "0.0.1",
            Self::V2 => "0.0.2",
        }
    }

    /// The wire form of rows whose lines are frames of this layout.
    #[must_use]
    pub fn form(self) -> WireForm {
        match self {
            Self::V1 => FORM_PROTOBUF_V1,
            Self::V2 => FORM_PROTOBUF_V2,
        }
    }
}

#[cfg(test)]
mod tests;
