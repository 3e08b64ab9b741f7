//! What a run looks like from outside: spans, for whoever collects them. Nobody does by default, and
//! then they cost next to nothing.

use std::collections::HashMap;

use crossdock_core::batch::Batch;
use crossdock_core::error::Error;
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// The target of every span, so that they are told from logs.
pub const TARGET: &str = "crossdock_span";

/// Marks a span as failed. Of the error only its code goes out: messages may quote what nobody
/// else should read.
pub fn failed(span: &Span, error: &Error) {
    span.record("otel.status_code", "ERROR");
    span.record("error.type", error.code().name);
}

/// A span for each stream that is under way.
#[derive(Debug)]
pub(crate) struct StreamSpans {
    parent: Span,
    open: HashMap<StreamId, Stream>,
}

#[derive(Debug)]
struct Stream {
    span: Span,
    records: u64,
    bytes: u64,
}

impl StreamSpans {
    /// Spans within the current one.
    pub(crate) fn here() -> Self {
        Self {
            parent: Span::current(),
            open: HashMap::new(),
        }
    }

    /// Takes a batch into account.
    pub(crate) fn batch(&mut self, batch: &Batch) {
        if self.open.is_empty() {
            return;
        }
        if let Some(stream) = self.open.get_mut(&batch.stream) {
            stream.records += batch.records() as u64;
            stream.bytes += batch.bytes() as u64;
        }
    }

    /// Begins or ends the span of a stream.
    pub(crate) fn status(&mut self, stream: &StreamId, status: StreamStatus) {
        match status {
            StreamStatus::Started => {
                let span = info_span!(
                    target: TARGET, parent: &self.parent, "stream",
                    crossdock.stream = %stream, crossdock.records = Empty,
                    crossdock.bytes = Empty, otel.status_code = Empty,
                );
                if !span.is_disabled() {
                    let (records, bytes) = (0, 0);
                    let begun = Stream {
                        span,
                        records,
                        bytes,
                    };
                    self.open.insert(stream.clone(), begun);
                }
            }
            StreamStatus::Running | StreamStatus::RateLimited { .. } => {}
            StreamStatus::Complete => self.end(stream, false),
            StreamStatus::Incomplete => self.end(stream, true),
        }
    }

    fn end(&mut self, stream: &StreamId, failed: bool) {
        if let Some(Stream {
            span,
            records,
            bytes,
        }) = self.open.remove(stream)
        {
            span.record("crossdock.records", records);
            span.record("crossdock.bytes", bytes);
            if failed {
                span.record("otel.status_code", "ERROR");
            }
        }
    }
}

impl Drop for StreamSpans {
    fn drop(&mut self) {
        // What is still open has no end of its own: the run ended first.
        let left: Vec<_> = self.open.keys().cloned().collect();
        for stream in left {
            self.end(&stream, true);
        }
    }
}
