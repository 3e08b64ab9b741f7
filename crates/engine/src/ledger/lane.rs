//! Checkpoints that wait on one lane.

use std::collections::VecDeque;

use crossdock_core::checkpoint::Lane;

use super::share::Share;

/// At most so many checkpoints wait (P7). Beyond that, only every n-th is kept, evenly over all that
/// wait, so that a destination which lags far behind still makes progress.
pub(super) const KEPT: Share = Share {
    all: 4096,
    most: 512,
    least: 16,
};

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// A checkpoint that waits.
#[derive(Debug)]
pub(super) struct Pending<C> {
    pub(super) seq: u64,
    /// What was read before it: of the lane's stream, or of every stream known then.
    pub(super) read: Box<[Extent]>,
    pub(super) content: C,
}

/// The waiting checkpoints of a lane, oldest first.
#[derive(Debug)]
pub(super) struct Waiting<C> {
    pub(super) lane: Lane,
    pub(super) stream: Option<usize>,
    /// Records read before the newest checkpoint that came.
    pub(super) read_before: u64,
    pending: VecDeque<Entry<C>>,
    /// How many came.
    arrived: u64,
    /// Every n-th of them is kept, and the newest.
    stride: u64,
    /// How many may wait, by the last that came.
    most: usize,
}

#[derive(Debug)]
struct Entry<C> {
    pending: Pending<C>,
    /// Its place among those that came.
    ordinal: u64,
    /// It and those before it that were forgotten.
    stands_for: u64,
}

impl<C> Waiting<C> {
    pub(super) fn new(lane: Lane, stream: Option<usize>) -> Self {
        Self {
            lane,
            stream,
            read_before: 0,
            pending: VecDeque::new(),
            arrived: 0,
            stride: 1,
            most: KEPT.most,
        }
    }

    /// True: some waiting checkpoints were forgotten to make room. `most`: its share of
    /// [`KEPT`].
    pub(super) fn push(&mut self, pending: Pending<C>, most: usize) -> bool {
        self.arrived += 1;
        self.most = most;
        let mut stands_for = 1;
        let stride = self.stride;
        let newest = self
            .pending
            .pop_back_if(|newest| !newest.ordinal.is_multiple_of(stride));
        let mut forgot = newest.is_some();
        stands_for += newest.map_or(0, |newest| newest.stands_for);
        self.pending.push_back(Entry {
            pending,
            ordinal: self.arrived,
            stands_for,
        });
        if self.pending.len() > most {
            self.stride *= 2;
            self.thin();
            forgot = true;
        }
        forgot
    }

    /// Forgets what the stride no longer keeps; the next one takes over its place in the count.
    fn thin(&mut self) {
        let newest = self.arrived;
        let mut passed = 0;
        for mut entry in std::mem::take(&mut self.pending) {
            if entry.ordinal.is_multiple_of(self.stride) || entry.ordinal == newest {
                entry.stands_for += std::mem::take(&mut passed);
                self.pending.push_back(entry);
            } else {
                passed += entry.stands_for;
            }
        }
    }

    /// The numbers of the checkpoints that wait, in order.
    pub(super) fn seqs(&self) -> Vec<u64> {
        self.pending.iter().map(|e| e.pending.seq).collect()
    }

    /// Removes and returns the newest of the leading checkpoints that `is_ready`, with the number
    /// of checkpoints that it stands for. A gap ends the search (P3).
    pub(super) fn take_newest(
        &mut self,
        is_ready: impl Fn(u64) -> bool,
    ) -> Option<(Pending<C>, u64)> {
        let mut passed = 0;
        let mut newest = None;
        while self
            .pending
            .front()
            .is_some_and(|e| is_ready(e.pending.seq))
        {
            let entry = self.pending.pop_front()?;
            passed += entry.stands_for;
            newest = Some(entry.pending);
        }
        if self.pending.len() < self.most / 4 {
            self.stride = 1;
        }
        newest.map(|pending| (pending, passed))
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn first_seq(&self) -> Option<u64> {
        self.pending.front().map(|e| e.pending.seq)
    }

    pub(super) fn last_seq(&self) -> Option<u64> {
        self.pending.back().map(|e| e.pending.seq)
    }
}
