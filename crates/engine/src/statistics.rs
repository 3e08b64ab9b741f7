//! The life of a run's states, by the clock (Airbyte §3.14). Plain data: the caller says what time it is.

use std::collections::{HashMap, VecDeque};

use crossdock_core::checkpoint::{Lane, Seq};
use crossdock_core::event::Estimate;
use crossdock_core::statistics::{RunStatistics, Spread, Statistics, StreamStatistics};
use crossdock_core::store::StreamCounts;
use crossdock_core::stream::StreamId;

/// So many states of a lane are timed until they are committed; beyond that they are only counted (P7).
const TIMED: usize = 1024;

#[derive(Debug, Default)]
struct LaneLife {
    emitted: u64,
    returned: u64,
    last_at: Option<i64>,
    between: Spread,
    /// States that are not committed, and when they came.
    waiting: VecDeque<(Seq, i64)>,
    until_committed: Spread,
}

/// See the module's documentation. Times are ms since the epoch.
#[derive(Debug)]
pub(crate) struct StateLives {
    began: i64,
    lanes: HashMap<Lane, LaneLife>,
}

fn since(then: i64, now: i64) -> u64 {
    // A clock may be set back.
    u64::try_from(now.saturating_sub(then)).unwrap_or(0)
}

impl StateLives {
    pub(crate) fn new(began: i64) -> Self {
        Self {
            began,
            lanes: HashMap::new(),
        }
    }

    /// The source sent a state.
    pub(crate) fn emitted(&mut self, lane: &Lane, seq: Seq, now: i64) {
        let life = self.lanes.entry(lane.clone()).or_default();
        life.emitted += 1;
        let before = life.last_at.replace(now).unwrap_or(self.began);
        life.between.take(since(before, now));
        if life.waiting.len() < TIMED {
            life.waiting.push_back((seq, now));
        }
    }

    /// A destination returned states of the lane.
    pub(crate) fn returned(&mut self, lane: &Lane) {
        self.lanes.entry(lane.clone()).or_default().returned += 1;
    }

    /// The store has everything of the lane up to here; of all lanes, if it is that of the whole source.
    pub(crate) fn committed(&mut self, lane: &Lane, upto: Seq, now: i64) {
        let is_covered = |one: &Lane| *lane == Lane::Global || one == lane;
        for (_, life) in self.lanes.iter_mut().filter(|(one, _)| is_covered(one)) {
            while let Some((_, at)) = life.waiting.pop_front_if(|(seq, _)| *seq <= upto) {
                life.until_committed.take(since(at, now));
            }
        }
    }

    /// What is known at the end. `committed_bytes` are those of `counts`.
    pub(crate) fn report(
        &self,
        counts: &[StreamCounts],
        committed_bytes: &[u64],
        estimates: &HashMap<StreamId, Estimate>,
        whole: Option<&Estimate>,
    ) -> RunStatistics {
        let mut total = Statistics {
            estimated_records: whole.and_then(|estimate| estimate.records),
            estimated_bytes: whole.and_then(|estimate| estimate.bytes),
            committed_bytes: committed_bytes.iter().sum(),
            ..Statistics::default()
        };
        if whole.is_none() {
            let sum = |of: fn(&Estimate) -> Option<u64>| {
                estimates
                    .values()
                    .filter_map(of)
                    .reduce(u64::saturating_add)
            };
            total.estimated_records = sum(|estimate| estimate.records);
            total.estimated_bytes = sum(|estimate| estimate.bytes);
        }
        for life in self.lanes.values() {
            life.add_to(&mut total);
        }
        let stream = |(counts, bytes): (&StreamCounts, &u64)| {
            let estimate = estimates.get(&counts.stream);
            let mut of = Statistics {
                estimated_records: estimate.and_then(|estimate| estimate.records),
                estimated_bytes: estimate.and_then(|estimate| estimate.bytes),
                committed_bytes: *bytes,
                ..Statistics::default()
            };
            if let Some(life) = self.lanes.get(&Lane::Stream(counts.stream.clone())) {
                life.add_to(&mut of);
            }
            StreamStatistics {
                stream: counts.stream.clone(),
                of,
            }
        };
        RunStatistics {
            total,
            streams: counts.iter().zip(committed_bytes).map(stream).collect(),
        }
    }
}

impl LaneLife {
    fn add_to(&self, statistics: &mut Statistics) {
        statistics.source_states += self.emitted;
        statistics.destination_states += self.returned;
        statistics.between_states.add(&self.between);
        statistics.until_committed.add(&self.until_committed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str) -> Lane {
        Lane::Stream(StreamId::new(name))
    }

    fn estimate(records: u64) -> Estimate {
        Estimate {
            stream: None,
            records: Some(records),
            bytes: None,
        }
    }

    #[test]
    fn states_are_timed_from_their_coming_to_their_commit() {
        let mut lives = StateLives::new(1000);
        lives.emitted(&lane("a"), Seq(1), 1100);
        lives.emitted(&lane("b"), Seq(2), 1200);
        lives.emitted(&lane("a"), Seq(3), 1600);
        lives.returned(&lane("a"));
        lives.committed(&lane("a"), Seq(1), 1300);
        // The end of a run covers every lane.
        lives.committed(&Lane::Global, Seq(3), 2000);
        let counts = ["a", "b"].map(|name| StreamCounts::new(StreamId::new(name)));
        let estimates = ["a", "b"]
            .map(|name| (StreamId::new(name), estimate(5)))
            .into();
        let report = lives.report(&counts, &[10, 20], &estimates, None);
        let [a, b] = report.streams.as_slice() else {
            panic!("{report:?}");
        };
        let spread = |count, sum_ms, max_ms| Spread {
            count,
            sum_ms,
            max_ms,
        };
        assert_eq!((a.of.source_states, a.of.destination_states), (2, 1));
        assert_eq!(a.of.between_states, spread(2, 600, 500));
        assert_eq!(a.of.until_committed, spread(2, 600, 400));
        assert_eq!(b.of.until_committed, spread(1, 800, 800));
        assert_eq!(b.of.committed_bytes, 20);
        let total = &report.total;
        assert_eq!((total.source_states, total.committed_bytes), (3, 30));
        assert_eq!(total.until_committed, spread(3, 1400, 800));
        assert_eq!(total.estimated_records, Some(10));
        let whole = lives.report(&counts, &[10, 20], &estimates, Some(&estimate(7)));
        assert_eq!(whole.total.estimated_records, Some(7));
    }

    #[test]
    fn a_commit_that_never_comes_costs_no_memory() {
        let mut lives = StateLives::new(0);
        for n in 0..5000 {
            lives.emitted(&Lane::Global, Seq(n), 1);
        }
        assert_eq!(lives.lanes[&Lane::Global].waiting.len(), TIMED);
        assert_eq!(lives.lanes[&Lane::Global].emitted, 5000);
        // A clock that was set back.
        lives.committed(&Lane::Global, Seq(9999), 0);
        assert_eq!(lives.lanes[&Lane::Global].until_committed.max_ms, 0);
    }
}
