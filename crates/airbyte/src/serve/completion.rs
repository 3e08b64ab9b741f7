//! Whether the input of a destination was complete when it ended (§3.7, §8). Pure.

use std::collections::BTreeMap;

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::event::StreamStatus;
use crossdock_core::stream::StreamId;

/// What was told of each stream.
pub(super) struct Completion {
    /// `None`: nothing.
    streams: BTreeMap<StreamId, Told>,
}

#[derive(Clone, Copy, Default)]
struct Told {
    status: Option<StreamStatus>,
    /// A platform that numbers generations also tells of their completion, and this one drops rows by it.
    waits: bool,
}

impl Completion {
    pub(super) fn new(catalog: &ConfiguredCatalog) -> Self {
        let streams = catalog.streams.iter().map(|stream| {
            let told = Told {
                status: None,
                waits: stream.generation_id.is_some() && stream.truncates(),
            };
            (stream.id(), told)
        });
        Self {
            streams: streams.collect(),
        }
    }

    pub(super) fn tell(&mut self, stream: &StreamId, status: StreamStatus) {
        // Records alone make a stream run; that says nothing of who tells of statuses.
        if status != StreamStatus::Running
            && let Some(told) = self.streams.get_mut(stream)
        {
            told.status = Some(status);
        }
    }

    /// The streams that are not complete now that the input has ended. Where nothing was told of any, the end
    /// is all that old platforms and plain pipes say; but nothing is dropped on its word.
    pub(super) fn missing(&self) -> Vec<StreamId> {
        let is_silent = self.streams.values().all(|told| told.status.is_none());
        let missing = self.streams.iter().filter(|(_, told)| match told.status {
            Some(StreamStatus::Complete) => false,
            Some(_) => true,
            None => !is_silent || told.waits,
        });
        missing.map(|(stream, _)| stream.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::catalog::{ConfiguredStream, DestinationSyncMode, Stream};
    use serde_json::json;

    #[test]
    fn an_end_without_a_word_completes_what_loses_nothing_by_it() {
        use StreamStatus::{Complete, Incomplete, Running, Started};
        let check = |mode, generation, told: &[(&str, StreamStatus)], missing: &[&str]| {
            let stream = |name: &str| {
                let mut stream = ConfiguredStream::new(Stream::new(name, json!({})));
                stream.destination_sync_mode = mode;
                stream.generation_id = generation;
                stream.minimum_generation_id = generation;
                stream
            };
            let mut completion = Completion::new(&ConfiguredCatalog {
                streams: vec![stream("a"), stream("b")],
                ..ConfiguredCatalog::default()
            });
            for (stream, status) in told {
                completion.tell(&StreamId::new(*stream), *status);
            }
            let found: Vec<_> = completion.missing().iter().map(|s| s.to_string()).collect();
            assert_eq!(found, missing, "{told:?}");
        };
        let (append, overwrite) = (DestinationSyncMode::Append, DestinationSyncMode::Overwrite);
        check(append, None, &[], &[]);
        check(append, Some(0), &[("a", Running)], &[]);
        check(overwrite, None, &[], &[]);
        check(overwrite, Some(3), &[], &["a", "b"]);
        check(append, Some(3), &[], &["a", "b"]); // Truncates by generation.
        check(append, None, &[("a", Complete)], &["b"]);
        check(append, None, &[("a", Complete), ("b", Started)], &["b"]);
        check(append, None, &[("a", Complete), ("b", Incomplete)], &["b"]);
        check(overwrite, Some(3), &[("a", Complete), ("b", Complete)], &[]);
    }
}
