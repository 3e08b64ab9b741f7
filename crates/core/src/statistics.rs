//! What is kept of a run beside its counts: estimates, and the life of its states (Airbyte §3.14).

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::stream::StreamId;

/// A run's statistics. What an older Crossdock did not count reads as nothing (P12).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunStatistics {
    /// Of everything.
    pub total: Statistics,
    /// Of each stream, in the order of the counts.
    pub streams: Vec<StreamStatistics>,
}

impl RunStatistics {
    /// Adds what another attempt of the same run counted.
    pub fn add_earlier(&mut self, earlier: &Self) {
        self.total.add_earlier(&earlier.total);
        let before: HashMap<&StreamId, &Statistics> = earlier
            .streams
            .iter()
            .map(|one| (&one.stream, &one.of))
            .collect();
        for stream in &mut self.streams {
            if let Some(before) = before.get(&stream.stream) {
                stream.of.add_earlier(before);
            }
        }
    }

    /// Of one stream; nothing, if there is none.
    #[must_use]
    pub fn of(&self, stream: &StreamId) -> Option<&Statistics> {
        let found = self.streams.iter().find(|one| one.stream == *stream);
        found.map(|one| &one.of)
    }
}

/// A stream's statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamStatistics {
    /// The stream.
    pub stream: StreamId,
    /// Its own; states of the whole source are in no stream's.
    #[serde(default)]
    pub of: Statistics,
}

/// Statistics of a stream or of all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Statistics {
    /// Records that the source expected to send.
    pub estimated_records: Option<u64>,
    /// Bytes of these.
    pub estimated_bytes: Option<u64>,
    /// Bytes of the records that committed checkpoints cover.
    pub committed_bytes: u64,
    /// States that the source sent.
    pub source_states: u64,
    /// Returns of states by destinations; one may stand for several states.
    pub destination_states: u64,
    /// From one state of the source to the next, or from the begin to the first.
    pub between_states: Spread,
    /// From a state of the source until it was committed.
    pub until_committed: Spread,
}

impl Statistics {
    /// Adds what another attempt of the same run counted. Estimates are of the whole, so the newer ones stay.
    pub fn add_earlier(&mut self, earlier: &Self) {
        self.estimated_records = self.estimated_records.or(earlier.estimated_records);
        self.estimated_bytes = self.estimated_bytes.or(earlier.estimated_bytes);
        self.committed_bytes += earlier.committed_bytes;
        self.source_states += earlier.source_states;
        self.destination_states += earlier.destination_states;
        self.between_states.add(&earlier.between_states);
        self.until_committed.add(&earlier.until_committed);
    }
}

/// Times: how many, their sum and the longest, in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spread {
    /// How many were taken.
    pub count: u64,
    /// Their sum, ms.
    pub sum_ms: u64,
    /// The longest, ms.
    pub max_ms: u64,
}

impl Spread {
    /// Takes a time, in ms.
    pub fn take(&mut self, ms: u64) {
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(ms);
        self.max_ms = self.max_ms.max(ms);
    }

    /// Takes what another took.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.max_ms = self.max_ms.max(other.max_ms);
    }

    /// The longest, in seconds. `None`: no time was taken.
    #[must_use]
    pub fn max_seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| self.max_ms as f64 / 1000.0)
    }

    /// The mean, in seconds. `None`: no time was taken.
    #[must_use]
    pub fn mean_seconds(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum_ms as f64 / self.count as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_added_up() {
        let statistics = |records, times: &[u64]| {
            let mut one = Statistics {
                estimated_records: records,
                source_states: 2,
                ..Statistics::default()
            };
            times.iter().for_each(|ms| one.until_committed.take(*ms));
            one
        };
        let mut both = statistics(None, &[100, 500]);
        both.add_earlier(&statistics(Some(7), &[600]));
        assert_eq!((both.estimated_records, both.source_states), (Some(7), 4));
        assert_eq!(both.until_committed.max_seconds(), Some(0.6));
        assert_eq!(both.until_committed.mean_seconds(), Some(0.4));
        assert_eq!(both.between_states.mean_seconds(), None);
    }

    #[test]
    fn what_is_missing_reads_as_nothing() {
        let read: RunStatistics =
            serde_json::from_str(r#"{"streams":[{"stream":{"name":"a"}}],"new":1}"#).unwrap();
        assert_eq!(read.total, Statistics::default());
        assert_eq!(read.streams[0].of, Statistics::default());
    }
}
