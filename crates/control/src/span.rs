//! The spans of a run above the engine's: see [`crossdock_engine::trace`].

use crossdock_config::{Connector, Pipeline};
use crossdock_core::error::Result;
use crossdock_engine::trace::{TARGET, failed};
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

/// A run of a pipeline, with all its attempts.
pub(crate) fn pipeline(pipeline: &Pipeline) -> Span {
    let names = |connectors: &[Connector]| {
        let names = connectors.iter().map(|one| one.reference.to_string());
        names.collect::<Vec<_>>().join(", ")
    };
    info_span!(
        target: TARGET, "pipeline",
        crossdock.pipeline = pipeline.id, crossdock.source = names(&pipeline.sources),
        crossdock.destinations = names(&pipeline.destinations),
        otel.status_code = Empty, error.type = Empty,
    )
}

/// One attempt. Its run's number comes later.
pub(crate) fn attempt(number: u32) -> Span {
    info_span!(
        target: TARGET, "attempt",
        crossdock.attempt = number, crossdock.run = Empty,
        otel.status_code = Empty, error.type = Empty,
    )
}

/// The time in which records are moved.
pub(crate) fn moving() -> Span {
    info_span!(target: TARGET, "move")
}

/// Something that a connector is asked for. The name is part of the call site, so it is a macro.
macro_rules! asked {
    ($name:literal, $connector:expr) => {
        tracing::info_span!(
            target: crossdock_engine::trace::TARGET, $name, crossdock.connector = %$connector,
            otel.status_code = tracing::field::Empty, error.type = tracing::field::Empty,
        )
    };
}
pub(crate) use asked;

/// Does `what` within a span.
pub(crate) async fn spanned<T>(span: Span, what: impl Future<Output = Result<T>>) -> Result<T> {
    // Boxed, since it is one of many in a row.
    let done = Box::pin(what.instrument(span.clone())).await;
    done.inspect_err(|error| failed(&span, error))
}
