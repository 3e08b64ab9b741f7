//! Errors as the platform shows them.

use crossdock_core::code;
use crossdock_core::error::Error;
use tonic::{Code, Status};

/// An error as the platform shows it: the protocol has a text and nothing else (§2.6). Only for a message over the
/// limit gRPC itself has a code (§1.7).
pub(super) fn status(error: &Error) -> Status {
    let code = match error.code().name == code::RECORD_TOO_LARGE.name {
        true => Code::ResourceExhausted,
        false => Code::Unknown,
    };
    Status::new(code, error.in_one_line())
}
