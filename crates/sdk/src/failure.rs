//! Errors of a connector, by what can be done about them: the kind decides whether a platform tries again, and whom it
//! tells (Airbyte's `config_error`, `transient_error` and `system_error`, §1.5).
//!
//! The message says what failed, in the words of who uses the connector. Add what helps to find it with
//! [`Error::with`], the library's own error with [`Error::caused_by`], and what to do with [`Error::hint`]. No secrets.

use std::time::Duration;

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};

/// A setting is wrong. Never tried again.
#[must_use]
pub fn config(message: impl Into<String>) -> Error {
    Error::new(&code::CONFIG_INVALID, message)
}

/// Credentials were refused. Never tried again.
#[must_use]
pub fn auth(message: impl Into<String>) -> Error {
    Error::new(&code::CONNECTOR_FAILED, message)
        .with_kind(ErrorKind::Auth)
        .hint("correct the credentials in the connector's configuration")
}

/// Something that is likely to pass, such as a lost connection. Tried again after a pause.
#[must_use]
pub fn transient(message: impl Into<String>) -> Error {
    Error::new(&code::CONNECTOR_FAILED, message).with_kind(ErrorKind::Transient)
}

/// The other side asks for a pause. Tried again after it.
#[must_use]
pub fn rate_limited(message: impl Into<String>, pause: Duration) -> Error {
    Error::new(&code::CONNECTOR_FAILED, message)
        .with_kind(ErrorKind::RateLimited)
        .after(pause)
}

/// Data cannot be handled as it is.
#[must_use]
pub fn data(message: impl Into<String>) -> Error {
    Error::new(&code::DATA_INVALID, message)
}

/// Anything else that went wrong.
#[must_use]
pub fn failed(message: impl Into<String>) -> Error {
    Error::new(&code::CONNECTOR_FAILED, message)
}
