//! What the ledger keeps of a stream and of a destination.

use std::collections::{BTreeSet, VecDeque};

use crossdock_core::store::StreamCounts;
use crossdock_core::stream::StreamId;

use super::lane::Extent;
use super::share::Share;

/// Above so many runs, neighbouring batches of a stream become one (P7).
pub(super) const RUNS: Share = Share {
    all: 8192,
    most: 1024,
    least: 8,
};

/// Batches of one stream without a checkpoint in between.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) first: u64,
    pub(super) last: u64,
    /// How many batches; the numbers between first and last also belong to other streams.
    items: usize,
    records: u64,
    rejected: u64,
    dead_lettered: u64,
    filtered: u64,
    /// A checkpoint followed: no batch may join.
    closed: bool,
}

/// A stream: its records in flight, oldest first, and its counts.
#[derive(Debug)]
pub(super) struct StreamBook {
    pub(super) runs: VecDeque<Run>,
    pub(super) counts: StreamCounts,
    /// Bytes of the records that committed checkpoints cover.
    committed_bytes: u64,
    /// What the destination counted of what passed the engine by …
    pub(super) beside: Extent,
    /// … and how much of it committed checkpoints cover.
    committed_beside: Extent,
    /// Rejections of which only the number is known, not yet taken off the written ones.
    pub(super) rejected_by_count: u64,
}

impl StreamBook {
    pub(super) fn new(stream: StreamId) -> Self {
        Self {
            runs: VecDeque::new(),
            counts: StreamCounts::new(stream),
            committed_bytes: 0,
            beside: Extent::default(),
            committed_beside: Extent::default(),
            rejected_by_count: 0,
        }
    }

    /// `by_item`: some destination acknowledges single items, so only neighbours may merge. `most`:
    /// its share of [`RUNS`].
    pub(super) fn add(&mut self, seq: u64, records: u64, bytes: u64, by_item: bool, most: usize) {
        self.counts.read += records;
        self.counts.bytes += bytes;
        let crowded = self.runs.len() >= most;
        let may_join = |run: &&mut Run| crowded && !run.closed && (!by_item || run.last + 1 == seq);
        if let Some(run) = self.runs.back_mut().filter(may_join) {
            run.last = seq;
            run.items += 1;
            run.records += records;
            return;
        }
        self.runs.push_back(Run {
            first: seq,
            last: seq,
            items: 1,
            records,
            rejected: 0,
            dead_lettered: 0,
            filtered: 0,
            closed: false,
        });
    }

    pub(super) fn close(&mut self) {
        if let Some(run) = self.runs.back_mut() {
            run.closed = true;
        }
    }

    /// Joins neighbouring runs that none of `boundaries` keeps apart: checkpoints between them have
    /// been forgotten, so nothing depends on the one without the other (P7).
    pub(super) fn join(&mut self, boundaries: &[u64], by_item: bool) {
        // Not worth the walk.
        if self.runs.len() < 64 {
            return;
        }
        let apart = |last: u64, first: u64| {
            let next = boundaries.partition_point(|b| *b <= last);
            boundaries.get(next).is_some_and(|b| *b < first)
        };
        let mut joined: VecDeque<Run> = VecDeque::new();
        for run in self.runs.drain(..) {
            match joined.back_mut() {
                Some(before)
                    if !apart(before.last, run.first)
                        && (!by_item || before.last + 1 == run.first) =>
                {
                    before.last = run.last;
                    before.items += run.items;
                    before.records += run.records;
                    before.rejected += run.rejected;
                    before.dead_lettered += run.dead_lettered;
                    before.filtered += run.filtered;
                    before.closed = run.closed;
                }
                _ => joined.push_back(run),
            }
        }
        self.runs = joined;
    }

    fn run_of(&mut self, seq: u64) -> Option<&mut Run> {
        let at = self.runs.partition_point(|run| run.last < seq);
        self.runs.get_mut(at).filter(|run| run.first <= seq)
    }

    /// False if the batch is not this stream's or has not that many records left.
    pub(super) fn reject(&mut self, seq: u64, records: u64) -> bool {
        match self.run_of(seq) {
            Some(run) if run.rejected + run.filtered + records <= run.records => {
                run.rejected += records;
                true
            }
            _ => false,
        }
    }

    pub(super) fn filter(&mut self, seq: u64, records: u64) {
        if let Some(run) = self.run_of(seq) {
            run.filtered = (run.filtered + records).min(run.records - run.rejected);
        }
    }

    pub(super) fn dead_letter(&mut self, seq: u64, records: u64) {
        if let Some(run) = self.run_of(seq) {
            run.dead_lettered = (run.dead_lettered + records).min(run.rejected);
        }
    }

    pub(super) fn settle_front(&mut self) {
        if let Some(run) = self.runs.pop_front() {
            self.counts.written += run.records - run.rejected - run.filtered;
            self.counts.filtered += run.filtered;
            self.counts.rejected += run.rejected - run.dead_lettered;
            self.counts.dead_lettered += run.dead_lettered;
        }
    }

    /// The first sequence number that is not durable everywhere.
    pub(super) fn first_outstanding(&self) -> u64 {
        self.runs.front().map_or(u64::MAX, |run| run.first)
    }

    /// What has been read of it so far.
    pub(super) fn read(&self) -> Extent {
        Extent {
            records: self.counts.read,
            bytes: self.counts.bytes,
        }
    }

    pub(super) fn commit(&mut self, read: Extent, checkpoints: u64) {
        self.counts.committed = self.counts.committed.max(read.records);
        self.committed_bytes = self.committed_bytes.max(read.bytes);
        self.committed_beside = self.beside;
        self.counts.checkpoints += checkpoints;
    }

    pub(super) fn committed_bytes(&self) -> u64 {
        self.committed_bytes + self.committed_beside.bytes
    }

    pub(super) fn counts(&self) -> StreamCounts {
        let mut counts = self.counts.clone();
        counts.read += self.beside.records;
        counts.bytes += self.beside.bytes;
        counts.written += self.beside.records;
        counts.committed += self.committed_beside.records;
        let rejected = self.rejected_by_count.min(counts.written);
        counts.written -= rejected;
        counts.rejected += rejected;
        counts
    }
}

/// A destination: what it said is durable.
#[derive(Debug, Default)]
pub(super) struct DestinationBook {
    /// Everything up to here.
    pub(super) upto_all: u64,
    /// Per stream, up to here.
    pub(super) upto: Vec<u64>,
    /// Single items.
    pub(super) items: BTreeSet<u64>,
    /// It acknowledges single items.
    pub(super) by_item: bool,
    /// It ended well after this item: all batches up to here are durable.
    pub(super) finished_at: u64,
}

impl DestinationBook {
    /// Whether all of `run`, which belongs to `stream`, is durable.
    pub(super) fn has(&self, stream: usize, run: &Run) -> bool {
        let upto = self.upto_all.max(self.upto[stream]).max(self.finished_at);
        if run.last <= upto {
            return true;
        }
        // Single acknowledgements may stand for the part above the mark. Numbers inside the range
        // that belong to other streams are acknowledged under the same mark, so a merged run is
        // taken by count only if it has nothing to confuse it with.
        if run.items == 1 {
            return self.items.contains(&run.first);
        }
        run.last - run.first + 1 == run.items as u64
            && self.items.range(run.first..=run.last).count() == run.items
    }

    /// Whether the checkpoint `seq` on the lane of `stream` (or the global one) came back.
    pub(super) fn returned(&self, stream: Option<usize>, seq: u64) -> bool {
        let upto = stream.map_or(0, |at| self.upto[at]).max(self.upto_all);
        seq <= upto || self.items.contains(&seq)
    }
}
