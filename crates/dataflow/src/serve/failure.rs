//! Errors as the processor is told of them (§1.6).

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};
use crossdock_core::secret::Masker;

use crate::wire::Failure;

/// A failure with this code.
pub(super) fn plain(code: &str, message: impl Into<String>) -> Failure {
    Failure {
        message: message.into(),
        code: code.to_owned(),
        failed: None,
    }
}

/// What an error is on the wire, without secrets (P10).
pub(super) fn of(error: &Error, masker: &Masker) -> Failure {
    let code = match error.kind() {
        _ if *error.code() == code::CONNECTOR_ROLE => "unsupported_role",
        ErrorKind::Config => "invalid_config",
        ErrorKind::Auth => "auth_error",
        ErrorKind::Transient | ErrorKind::RateLimited => "transient",
        ErrorKind::Data => "invalid_data",
        ErrorKind::Stalled => "timeout",
        ErrorKind::Cancelled => "context_canceled",
        _ => "unknown",
    };
    plain(code, masker.mask(&error.in_one_line()).into_owned())
}
