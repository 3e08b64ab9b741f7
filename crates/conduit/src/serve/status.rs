//! Errors as the platform shows them.

use crossdock_core::error::Error;
use tonic::Status;

/// An error as the platform shows it: the protocol has a text and nothing else (§2.6).
pub(super) fn status(error: &Error) -> Status {
    let mut text = error.message().to_owned();
    for (key, value) in error.context() {
        text.push_str(&format!(", {key}: {value}"));
    }
    for cause in error.causes() {
        text.push_str(&format!(": {cause}"));
    }
    let remedy = error.remedy();
    if !remedy.is_empty() {
        text.push_str(&format!(" ({remedy})"));
    }
    Status::unknown(text)
}
