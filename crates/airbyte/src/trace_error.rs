//! ERROR traces and the errors that they stand for, both ways (§1.5).

use crossdock_core::code;
use crossdock_core::error::{Error, ErrorKind};
use crossdock_core::stream::StreamId;
use serde_json::Map;

use crate::talk::Talk;
use crate::wire::TraceError;

/// The kind that a connector's `failure_type` stands for.
fn kind(error: &TraceError) -> ErrorKind {
    match error.failure_type.as_deref() {
        Some("config_error") => ErrorKind::Config,
        Some("transient_error") => ErrorKind::Transient,
        _ => ErrorKind::Connector,
    }
}

/// The error that an ERROR trace stands for.
pub(crate) fn traced(talk: &Talk, error: &TraceError) -> Error {
    let code = if error.stream_descriptor.is_some() {
        &code::STREAM_FAILED
    } else {
        &code::CONNECTOR_FAILED
    };
    let internal = error.internal_message.as_deref().unwrap_or_default();
    let message = match error.message.trim() {
        "" if internal.is_empty() => "the connector gave no reason",
        "" => internal,
        message => message,
    };
    let mut failure = Error::new(code, message).with_kind(kind(error));
    if !internal.is_empty() && internal != message {
        failure = failure.with("internal", internal);
    }
    if let Some(stream) = &error.stream_descriptor {
        failure = failure.with("stream", stream);
    }
    talk.error(failure)
}

/// The trace that an error of ours becomes: its message with what is known of the case, what to do, and the
/// causes for whoever looks closer. The error must have been masked (P10).
pub(crate) fn trace_of(error: &Error, stream: Option<&StreamId>) -> TraceError {
    let mut internal = vec![error.code().name.to_owned()];
    internal.extend(error.causes());
    TraceError {
        message: error.in_one_line(),
        internal_message: Some(internal.join(": ")),
        stack_trace: None,
        failure_type: Some(failure_type(error.kind()).to_owned()),
        stream_descriptor: stream.cloned(),
        extra: Map::new(),
    }
}

/// Whether the user must act, or waiting may help, or neither (§1.5).
fn failure_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config | ErrorKind::Auth => "config_error",
        ErrorKind::Transient | ErrorKind::RateLimited | ErrorKind::Stalled => "transient_error",
        _ => "system_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_and_what_to_do() {
        let error = Error::new(&code::IO, "the file cannot be read")
            .with("path", "/x")
            .hint("look at it")
            .caused_by("no such file");
        let trace = trace_of(&error, Some(&StreamId::new("s")));
        assert_eq!(
            trace.message,
            "the file cannot be read, path: /x: no such file (look at it)"
        );
        assert_eq!(trace.internal_message.as_deref(), Some("io: no such file"));
        let kinds = [
            (ErrorKind::Config, "config_error"),
            (ErrorKind::Auth, "config_error"),
            (ErrorKind::RateLimited, "transient_error"),
            (ErrorKind::Internal, "system_error"),
        ];
        for (kind, expected) in kinds {
            let error = Error::new(&code::IO, "x").with_kind(kind);
            assert_eq!(
                trace_of(&error, None).failure_type.as_deref(),
                Some(expected)
            );
        }
    }
}
