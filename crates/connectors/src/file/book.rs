//! Which files are open, when they must be closed, and what may be acknowledged then. Plain data:
//! told what happened, says what to do.
//!
//! A checkpoint does not close files by itself: with frequent checkpoints that would make
//! thousands of tiny files. It leaves a *cut* in every open file that it covers (how many rows lie
//! before it) and waits until the files are worth closing. The acknowledgement waits with it, so
//! P1 holds; and since the engine may commit any checkpoint up to the acknowledged one, the cuts
//! are what lets recovery give back exactly the rows of whichever was committed (P4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Rolling;

/// Where a file belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The index of its stream.
    pub(crate) stream: usize,
    /// Its folder within the stream's; empty if that is not partitioned.
    pub(crate) partition: Arc<str>,
}

/// What a checkpoint covers, by index of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// One stream.
    Stream(usize),
    /// All.
    All,
}

impl Scope {
    /// Whether `stream` is covered.
    pub(crate) fn covers(self, stream: usize) -> bool {
        self == Self::All || self == Self::Stream(stream)
    }
}

/// A checkpoint inside a file: the rows before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cut {
    /// The checkpoint.
    pub(crate) seq: u64,
    /// How many of the file's rows it covers.
    pub(crate) rows: u64,
}

#[derive(Debug)]
struct Open {
    /// First item in the file.
    first: u64,
    /// Last item in the file.
    through: u64,
    rows: u64,
    bytes: u64,
    cuts: Vec<Cut>,
}

/// A file that was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Last item in it.
    pub(crate) through: u64,
    /// The checkpoints strictly inside it, in order; one at its end is not listed, since a mark
    /// there covers `through`.
    pub(crate) cuts: Vec<Cut>,
}

/// The newest unacknowledged checkpoint of a scope.
#[derive(Debug)]
struct Pending {
    seq: u64,
    /// When the oldest unacknowledged one came.
    since: Instant,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Book {
    rolling: Rolling,
    open: BTreeMap<Place, Open>,
    pending: BTreeMap<Scope, Pending>,
    last: u64,
}

impl Book {
    /// Nothing is open.
    pub(crate) fn new(rolling: Rolling) -> Self {
        Self {
            rolling,
            open: BTreeMap::new(),
            pending: BTreeMap::new(),
            last: 0,
        }
    }

    /// The last item seen.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// The places with an open file.
    pub(crate) fn open(&self) -> Vec<Place> {
        self.open.keys().cloned().collect()
    }

    /// Item `seq` put `rows` into the file of `place`, which now has `bytes`. Whether the file
    /// has its size and must be closed.
    #[must_use]
    pub(crate) fn wrote(&mut self, place: &Place, seq: u64, rows: u64, bytes: u64) -> bool {
        self.last = self.last.max(seq);
        let open = self.open.entry(place.clone()).or_insert_with(|| Open {
            first: seq,
            through: seq,
            rows: 0,
            bytes: 0,
            cuts: Vec::new(),
        });
        open.through = seq;
        open.rows += rows;
        open.bytes = bytes;
        bytes >= self.rolling.target_bytes
    }

    /// Checkpoint `seq` came.
    pub(crate) fn checkpoint(&mut self, scope: Scope, seq: u64, now: Instant) {
        self.last = self.last.max(seq);
        for (place, open) in &mut self.open {
            let new = open.cuts.last().is_none_or(|cut| cut.rows < open.rows);
            if scope.covers(place.stream) && new {
                open.cuts.push(Cut {
                    seq,
                    rows: open.rows,
                });
            }
        }
        self.pending
            .entry(scope)
            .or_insert(Pending { seq, since: now })
            .seq = seq;
    }

    /// The open files that hold back the pending checkpoint of `scope`.
    fn holding(&self, scope: Scope, seq: u64) -> impl Iterator<Item = (&Place, &Open)> {
        self.open
            .iter()
            .filter(move |(place, open)| scope.covers(place.stream) && open.first < seq)
    }

    /// The places whose files must be closed now.
    #[must_use]
    pub(crate) fn due(&self, now: Instant) -> Vec<Place> {
        let mut due = Vec::new();
        for (scope, pending) in &self.pending {
            let (mut bytes, mut places, mut streams) = (0, 0, BTreeSet::new());
            for (place, open) in self.holding(*scope, pending.seq) {
                bytes += open.bytes;
                places += 1;
                streams.insert(place.stream);
            }
            // A stream of many folders would make many small files of what is one elsewhere.
            let enough = self.rolling.min_bytes * places / (streams.len() as u64).max(1);
            if bytes >= enough || now >= pending.since + self.rolling.max_age {
                let holding = self.holding(*scope, pending.seq);
                due.extend(holding.map(|(place, _)| place.clone()));
            }
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    /// The places whose files hold back a checkpoint, however small and young they are.
    #[must_use]
    pub(crate) fn due_at_once(&self, now: Instant) -> Vec<Place> {
        self.due(now + self.rolling.max_age)
    }

    /// When [`Book::due`] must be asked again though nothing happened.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let oldest = self.pending.values().map(|p| p.since).min()?;
        Some(oldest + self.rolling.max_age)
    }

    /// The file of `place` is closed and durable.
    pub(crate) fn close(&mut self, place: &Place) -> Option<Closed> {
        let mut open = self.open.remove(place)?;
        let rows = open.rows;
        open.cuts.retain(|cut| cut.rows > 0 && cut.rows < rows);
        Some(Closed {
            through: open.through,
            cuts: open.cuts,
        })
    }

    /// The checkpoints that nothing holds back any more, to be acknowledged (P1).
    #[must_use]
    pub(crate) fn acknowledgements(&mut self) -> Vec<(Scope, u64)> {
        let free: Vec<_> = self
            .pending
            .iter()
            .map(|(scope, pending)| (*scope, pending.seq))
            .filter(|(scope, seq)| self.holding(*scope, *seq).next().is_none())
            .collect();
        for (scope, _) in &free {
            self.pending.remove(scope);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn place(stream: usize) -> Place {
        let partition = "".into();
        Place { stream, partition }
    }

    fn book(min_bytes: u64) -> Book {
        let max_age = Duration::from_secs(10);
        Book::new(Rolling {
            target_bytes: 1000,
            min_bytes,
            max_age,
        })
    }

    #[test]
    fn small_files_wait_and_so_does_the_acknowledgement() {
        let mut book = book(100);
        let start = Instant::now();
        assert!(!book.wrote(&place(0), 1, 10, 50));
        book.checkpoint(Scope::Stream(0), 2, start);
        assert!(book.due(start).is_empty());
        assert!(book.acknowledgements().is_empty());
        assert!(!book.wrote(&place(0), 3, 10, 120));
        assert_eq!(book.due(start), [place(0)], "large enough");
        let closed = book.close(&place(0)).unwrap();
        assert_eq!(
            closed,
            Closed {
                through: 3,
                cuts: vec![Cut { seq: 2, rows: 10 }]
            }
        );
        assert_eq!(book.acknowledgements(), [(Scope::Stream(0), 2)]);
        assert!(book.acknowledgements().is_empty(), "once");
    }

    #[test]
    fn age_closes_what_size_does_not() {
        let mut book = book(100);
        let start = Instant::now();
        assert!(!book.wrote(&place(0), 1, 1, 1));
        assert!(!book.wrote(&place(1), 2, 1, 1));
        book.checkpoint(Scope::All, 3, start);
        assert!(!book.wrote(&place(2), 4, 1, 1));
        let later = start + Duration::from_secs(10);
        assert_eq!(book.deadline(), Some(later));
        assert!(book.due(later - Duration::from_millis(1)).is_empty());
        assert_eq!(
            book.due(later),
            [place(0), place(1)],
            "stream 2 began after the checkpoint"
        );
        assert_eq!(
            book.close(&place(0)).unwrap().cuts,
            [],
            "the checkpoint is at the end"
        );
        assert!(book.acknowledgements().is_empty());
        let _ = book.close(&place(1));
        assert_eq!(book.acknowledgements(), [(Scope::All, 3)]);
        assert_eq!(book.deadline(), None);
    }

    #[test]
    fn every_partition_holds_its_streams_checkpoint() {
        let mut book = book(100);
        let start = Instant::now();
        let of = |partition: &str| Place {
            stream: 0,
            partition: partition.into(),
        };
        assert!(!book.wrote(&of("a=1"), 1, 4, 40));
        assert!(!book.wrote(&of("a=2"), 1, 6, 70));
        book.checkpoint(Scope::Stream(0), 2, start);
        assert_eq!(book.due(start), [], "two files are worth twice as much");
        assert!(!book.wrote(&of("a=2"), 3, 6, 170));
        assert_eq!(book.due(start), [of("a=1"), of("a=2")], "together");
        let _ = book.close(&of("a=1"));
        assert!(book.acknowledgements().is_empty());
        let _ = book.close(&of("a=2"));
        assert_eq!(book.acknowledgements(), [(Scope::Stream(0), 2)]);
    }

    #[test]
    fn a_checkpoint_without_data_is_acknowledged_at_once() {
        let mut book = book(100);
        assert!(!book.wrote(&place(1), 1, 1, 1));
        book.checkpoint(Scope::Stream(0), 2, Instant::now());
        assert_eq!(book.acknowledgements(), [(Scope::Stream(0), 2)]);
        assert!(
            book.wrote(&place(1), 3, 1, 1000),
            "a file of its size is closed"
        );
    }
}
