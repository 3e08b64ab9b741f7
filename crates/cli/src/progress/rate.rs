//! Speeds that a person can read: smoothed over a few seconds, so that they do not jump.

use std::collections::HashMap;
use std::time::Duration;

use crossdock_control::Progress;
use crossdock_core::StreamId;

use crate::quantity::{as_f64, from_f64};

/// Seconds over which speeds are smoothed.
const WINDOW: f64 = 3.0;

/// What was seen last, and the speeds since.
#[derive(Debug, Default)]
pub(super) struct Rates {
    at: Duration,
    total: Speed,
    bytes: Speed,
    streams: HashMap<StreamId, Speed>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Speed {
    last: u64,
    per_second: f64,
}

impl Speed {
    fn seen(&mut self, now: u64, seconds: f64, elapsed: f64) {
        let current = as_f64(now.saturating_sub(self.last)) / seconds;
        // In the first seconds, what was seen so far counts evenly.
        let weight = (seconds / WINDOW.min(elapsed.max(seconds))).min(1.0);
        self.per_second += (current - self.per_second) * weight;
        self.last = now;
    }
}

impl Rates {
    /// Takes what is known now.
    pub(super) fn see(&mut self, progress: &Progress) {
        if progress.elapsed < self.at {
            // Another attempt began.
            *self = Self::default();
        }
        let seconds = (progress.elapsed - self.at).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let elapsed = progress.elapsed.as_secs_f64();
        let sum = |of: fn(&crossdock_control::StreamProgress) -> u64| {
            progress.streams.iter().map(of).sum::<u64>()
        };
        self.total.seen(sum(|s| s.counts.read), seconds, elapsed);
        self.bytes.seen(sum(|s| s.counts.bytes), seconds, elapsed);
        for stream in &progress.streams {
            self.streams
                .entry(stream.counts.stream.clone())
                .or_default()
                .seen(stream.counts.read, seconds, elapsed);
        }
        self.at = progress.elapsed;
    }

    /// Records per second over all streams.
    pub(super) fn records(&self) -> u64 {
        from_f64(self.total.per_second)
    }

    /// Bytes per second over all streams.
    pub(super) fn bytes(&self) -> u64 {
        from_f64(self.bytes.per_second)
    }

    /// Records per second of one stream.
    pub(super) fn of(&self, stream: &StreamId) -> u64 {
        self.streams
            .get(stream)
            .map_or(0, |speed| from_f64(speed.per_second))
    }
}
