//! What is wrong with bytes that should be frames (P11).

use std::fmt;

use crossdock_core::code;
use crossdock_core::error::Error;

/// The frames of a channel cannot be told apart any more. Positions count the channel's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameFault {
    /// What should be a frame's length is none.
    Length {
        /// Where it begins.
        position: u64,
    },
    /// A frame exceeds the limit.
    TooLong {
        /// Where it begins.
        position: u64,
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// The bytes end in the middle of a frame.
    Truncated {
        /// Where they end.
        position: u64,
        /// How many bytes the frame lacks, where its length is known.
        missing: Option<usize>,
    },
}

impl fmt::Display for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { position } => {
                write!(f, "at byte {position} there is no length of a frame")
            }
            Self::TooLong {
                position,
                length,
                limit,
            } => write!(
                f,
                "the frame at byte {position} is {length} bytes long, more than {limit}"
            ),
            Self::Truncated {
                position,
                missing: Some(missing),
            } => write!(
                f,
                "the frames end at byte {position}, {missing} bytes before the end of the last"
            ),
            Self::Truncated { position, .. } => {
                write!(f, "the frames end at byte {position}, in a frame's length")
            }
        }
    }
}

impl std::error::Error for FrameFault {}

impl From<FrameFault> for Error {
    fn from(fault: FrameFault) -> Self {
        let (code, message) = match fault {
            FrameFault::Length { .. } => (&code::RECORD_UNREADABLE, "what came is not a frame"),
            FrameFault::TooLong { .. } => {
                (&code::LINE_TOO_LONG, "a frame is longer than the limit")
            }
            FrameFault::Truncated { .. } => (
                &code::LINE_TRUNCATED,
                "the data channel ended in the middle of a frame",
            ),
        };
        let error = Error::new(code, message).caused_by(fault);
        match fault {
            FrameFault::Length { .. } => error
                .hint("check that both sides use the same format and version of the data channel"),
            _ => error,
        }
    }
}
