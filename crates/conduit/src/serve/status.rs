//! Errors as the platform shows them.

use crossdock_core::error::Error;
use tonic::Status;

/// An error as the platform shows it: the protocol has a text and nothing else (§2.6).
pub(super) fn status(error: &Error) -> Status {
    Status::unknown(error.in_one_line())
}
