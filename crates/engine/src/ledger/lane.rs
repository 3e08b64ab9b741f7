//! Checkpoints that wait on one lane.

use std::collections::VecDeque;

use crossdock_core::checkpoint::Lane;

/// Above this many, every second waiting checkpoint is forgotten (P7).
const THIN_ABOVE: usize = 256;

/// A checkpoint that waits.
#[derive(Debug)]
pub(super) struct Pending<C> {
    pub(super) seq: u64,
    /// Records read before it: of the lane's stream, or of every stream known then.
    pub(super) read: Box<[u64]>,
    pub(super) content: C,
}

/// The waiting checkpoints of a lane, oldest first.
#[derive(Debug)]
pub(super) struct Waiting<C> {
    pub(super) lane: Lane,
    pub(super) stream: Option<usize>,
    /// Records read before the newest checkpoint that came.
    pub(super) read_before: u64,
    pending: VecDeque<(Pending<C>, u64)>,
}

impl<C> Waiting<C> {
    pub(super) fn new(lane: Lane, stream: Option<usize>) -> Self {
        Self {
            lane,
            stream,
            read_before: 0,
            pending: VecDeque::new(),
        }
    }

    pub(super) fn push(&mut self, pending: Pending<C>) {
        if self.pending.len() >= THIN_ABOVE {
            self.thin();
        }
        self.pending.push_back((pending, 1));
    }

    /// Forgets every second one; the next takes over its place in the count.
    fn thin(&mut self) {
        let mut kept = VecDeque::with_capacity(self.pending.len() / 2 + 2);
        let mut passed = 0;
        for (at, (pending, stands_for)) in self.pending.drain(..).enumerate() {
            if at % 2 == 0 {
                passed += stands_for;
            } else {
                kept.push_back((pending, passed + stands_for));
                passed = 0;
            }
        }
        // With an odd number, the last one was passed over and nothing follows to stand for it:
        // THIN_ABOVE is even, so that does not happen.
        debug_assert_eq!(passed, 0);
        self.pending = kept;
    }

    /// Removes and returns the newest of the leading checkpoints that `is_ready`, with the number
    /// of checkpoints that it stands for. A gap ends the search (P3).
    pub(super) fn take_newest(
        &mut self,
        is_ready: impl Fn(u64) -> bool,
    ) -> Option<(Pending<C>, u64)> {
        let mut passed = 0;
        let mut newest = None;
        while self.pending.front().is_some_and(|(p, _)| is_ready(p.seq)) {
            let (pending, stands_for) = self.pending.pop_front()?;
            passed += stands_for;
            newest = Some(pending);
        }
        newest.map(|pending| (pending, passed))
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn first_seq(&self) -> Option<u64> {
        self.pending.front().map(|(p, _)| p.seq)
    }

    pub(super) fn last_seq(&self) -> Option<u64> {
        self.pending.back().map(|(p, _)| p.seq)
    }
}
