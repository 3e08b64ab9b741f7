//! What a source says of its streams' statuses (§3.7). Pure.

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::destination::Ending;
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;

use crate::wire::status_trace;

/// What was said of each stream.
#[derive(Debug)]
pub(crate) struct Statuses {
    streams: Vec<Told>,
    has_begun: bool,
}

#[derive(Debug)]
struct Told {
    stream: StreamId,
    /// Its name for whoever reads.
    target: StreamId,
    /// Its first record, or its status, was told.
    is_running: bool,
    /// It is complete or incomplete; nothing more is said.
    has_ended: bool,
}

impl Statuses {
    pub(crate) fn new(catalog: &ConfiguredCatalog) -> Self {
        let told = catalog.streams.iter().map(|stream| Told {
            stream: stream.id(),
            target: stream.target_id(),
            is_running: false,
            has_ended: false,
        });
        Self {
            streams: told.collect(),
            has_begun: false,
        }
    }

    /// The traces that say of each stream that it has begun, so that an end without a word is not taken for a
    /// complete one: a reader that truncates would lose good data. Nothing the second time.
    pub(crate) fn begin(&mut self, now: i64) -> Vec<(StreamId, String)> {
        if std::mem::replace(&mut self.has_begun, true) {
            return Vec::new();
        }
        let traces = self.streams.iter().map(|told| {
            let trace = status_trace(&told.target, StreamStatus::Started, now);
            (told.stream.clone(), trace)
        });
        traces.collect()
    }

    /// The trace that tells a status, unless it is no news.
    pub(crate) fn tell(
        &mut self,
        stream: &StreamId,
        status: StreamStatus,
        now: i64,
    ) -> Option<String> {
        let mut streams = self.streams.iter_mut();
        let told = streams.find(|told| told.stream == *stream)?;
        told.tell(status, now)
    }

    /// The traces that tell how the streams ended that were not spoken of.
    pub(crate) fn end(&mut self, ending: Ending, now: i64) -> Vec<(StreamId, String)> {
        let status = match ending {
            Ending::Complete => StreamStatus::Complete,
            Ending::Incomplete => StreamStatus::Incomplete,
        };
        let traces = self.streams.iter_mut().filter_map(|told| {
            let trace = told.tell(status, now)?;
            Some((told.stream.clone(), trace))
        });
        traces.collect()
    }
}

impl Told {
    fn tell(&mut self, status: StreamStatus, now: i64) -> Option<String> {
        let is_news = !self.has_ended
            && match status {
                StreamStatus::Started => false,
                StreamStatus::Running => !self.is_running,
                StreamStatus::RateLimited { .. }
                | StreamStatus::Complete
                | StreamStatus::Incomplete => true,
            };
        if !is_news {
            return None;
        }
        // After a wait for a quota it must be said that it runs again.
        self.is_running = status == StreamStatus::Running;
        self.has_ended = matches!(status, StreamStatus::Complete | StreamStatus::Incomplete);
        Some(status_trace(&self.target, status, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::catalog::{ConfiguredStream, Stream};
    use serde_json::json;

    #[test]
    fn only_news_is_told() {
        use StreamStatus::{Complete, RateLimited, Running};
        let stream = |name: &str| ConfiguredStream::new(Stream::new(name, json!({})));
        let mut statuses = Statuses::new(&ConfiguredCatalog {
            streams: vec![stream("a"), stream("b")],
            ..ConfiguredCatalog::default()
        });
        assert_eq!(statuses.begin(1).len(), 2);
        assert_eq!(statuses.begin(1), []);
        let a = StreamId::new("a");
        let mut check = |status, expected: Option<&str>| {
            let told = statuses.tell(&a, status, 1);
            assert_eq!(told.is_some(), expected.is_some(), "{status:?}");
            if let (Some(told), Some(expected)) = (told, expected) {
                assert!(told.contains(expected), "{told}");
            }
        };
        check(Running, Some("RUNNING"));
        check(Running, None);
        let limited = RateLimited {
            quota_reset: Some(7),
        };
        check(limited, Some(r#""quota_reset":7"#));
        check(Running, Some("RUNNING"));
        check(Complete, Some("COMPLETE"));
        check(Running, None);
        let end = statuses.end(Ending::Incomplete, 1);
        assert_eq!(end.len(), 1, "{end:?}");
        assert!(end[0].1.contains("INCOMPLETE"), "{end:?}");
        assert_eq!(end[0].0, StreamId::new("b"));
    }
}
