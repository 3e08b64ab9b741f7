//! What a connector's `error` means (§1.6).

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};

use super::talk::Talk;
use crate::wire::Failure;

/// Whether the same command may work later.
pub(super) fn is_retryable(failure: &Failure) -> bool {
    matches!(
        failure.code.as_str(),
        "timeout" | "connection_error" | "transient"
    )
}

/// Whether the code says that the messages are at fault, so that others may go through.
pub(super) fn is_of_data(failure: &Failure) -> bool {
    matches!(
        failure.code.as_str(),
        "constraint_violation" | "invalid_data"
    )
}

fn kind(failure: &Failure) -> ErrorKind {
    match failure.code.as_str() {
        "auth_error" => ErrorKind::Auth,
        "invalid_config" | "unsupported_role" => ErrorKind::Config,
        "constraint_violation" | "invalid_data" => ErrorKind::Data,
        "context_canceled" => ErrorKind::Cancelled,
        _ if is_retryable(failure) => ErrorKind::Transient,
        _ => ErrorKind::Connector,
    }
}

/// What it says, for people.
pub(super) fn reason(failure: &Failure) -> &str {
    match failure.message.trim() {
        "" => "the connector gave no reason",
        message => message,
    }
}

/// The error that it stands for.
pub(super) fn error(talk: &Talk, failure: &Failure) -> Error {
    let mut error = Error::new(&code::CONNECTOR_FAILED, reason(failure)).with_kind(kind(failure));
    if !failure.code.is_empty() {
        error = error.with("code", &failure.code);
    }
    talk.error(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_kinds() {
        let check = |code: &str, expected: ErrorKind| {
            let failure = Failure {
                code: code.into(),
                ..Failure::default()
            };
            assert_eq!(kind(&failure), expected, "{code}");
        };
        for code in ["timeout", "connection_error", "transient"] {
            check(code, ErrorKind::Transient);
        }
        check("auth_error", ErrorKind::Auth);
        check("invalid_config", ErrorKind::Config);
        check("constraint_violation", ErrorKind::Data);
        check("", ErrorKind::Connector);
        check("unknown", ErrorKind::Connector);
        check("not_connected", ErrorKind::Connector);
    }
}
