//! Which records of a source are not yet acknowledged (§3.4). Pure.
//!
//! Every record is acknowledged once, in the order in which it came, with the bytes of its own
//! position. Records come in groups, each covered by one checkpoint: the position of its last record.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

/// What is wrong with a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PositionFault {
    /// It is empty, so no acknowledgement could name it.
    Empty,
    /// Another record, which is not yet acknowledged, has the same.
    Duplicate(Vec<u8>),
}

/// Positions one after another in one piece of memory.
#[derive(Debug, Default)]
struct Group {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Group {
    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end])
    }

    fn last(&self) -> Option<&[u8]> {
        let start = self.ends.len().checked_sub(2).map_or(0, |at| self.ends[at]);
        self.ends.last().map(|end| &self.bytes[start..*end])
    }
}

/// The records that wait for their acknowledgement.
#[derive(Debug, Default)]
pub(crate) struct Unacknowledged {
    groups: VecDeque<Group>,
    open: Group,
    /// Digests of all positions here: equal ones are looked for only where the digests are.
    digests: HashSet<u64>,
    hasher: RandomState,
    /// Whether positions may repeat.
    repeats: bool,
}

impl Unacknowledged {
    /// For records of several sources in one row, whose positions may be equal by chance.
    pub(crate) fn of_many_sources() -> Self {
        Self {
            repeats: true,
            ..Self::default()
        }
    }

    /// A record came.
    pub(crate) fn push(&mut self, position: &[u8]) -> Result<(), PositionFault> {
        if position.is_empty() {
            return Err(PositionFault::Empty);
        }
        if !self.repeats && !self.digests.insert(self.hasher.hash_one(position)) {
            let mut all = self.groups.iter().chain([&self.open]).flat_map(Group::iter);
            if all.any(|other| other == position) {
                return Err(PositionFault::Duplicate(position.to_vec()));
            }
        }
        self.open.bytes.extend_from_slice(position);
        self.open.ends.push(self.open.bytes.len());
        Ok(())
    }

    /// The records so far are covered by a checkpoint: the position of the last, if there is any.
    pub(crate) fn close_group(&mut self) -> Option<Vec<u8>> {
        let group = std::mem::take(&mut self.open);
        let last = group.last()?.to_vec();
        self.groups.push_back(group);
        Some(last)
    }

    /// The records since the last group never came.
    pub(crate) fn forget_group(&mut self) {
        for position in std::mem::take(&mut self.open).iter() {
            self.digests.remove(&self.hasher.hash_one(position));
        }
    }

    /// The checkpoint of this position is committed: the positions up to it, each once, in order. None
    /// if no group ends with it, as with a checkpoint of an earlier run.
    pub(crate) fn committed(&mut self, position: &[u8], mut acknowledge: impl FnMut(&[u8])) {
        let ends = |group: &Group| group.last() == Some(position);
        let Some(count) = self.groups.iter().position(ends) else {
            return;
        };
        for group in self.groups.drain(..=count) {
            for position in group.iter() {
                self.digests.remove(&self.hasher.hash_one(position));
                acknowledge(position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed(book: &mut Unacknowledged, position: &str) -> Vec<String> {
        let mut acknowledged = Vec::new();
        book.committed(position.as_bytes(), |position| {
            acknowledged.push(String::from_utf8(position.to_vec()).unwrap());
        });
        acknowledged
    }

    #[test]
    fn each_is_acknowledged_once_and_in_order() {
        let mut book = Unacknowledged::default();
        for group in [&["1", "2"][..], &["30"], &["4", "5", "6"]] {
            for position in group {
                book.push(position.as_bytes()).unwrap();
            }
            assert_eq!(
                book.close_group().as_deref(),
                group.last().map(|p| p.as_bytes())
            );
        }
        assert_eq!(book.close_group(), None);
        assert_eq!(committed(&mut book, "old"), [""; 0]);
        assert_eq!(committed(&mut book, "30"), ["1", "2", "30"]);
        assert_eq!(committed(&mut book, "30"), [""; 0]);
        assert_eq!(committed(&mut book, "4"), [""; 0]);
        assert_eq!(committed(&mut book, "6"), ["4", "5", "6"]);
    }

    #[test]
    fn equal_positions_of_many_sources_are_acknowledged_each() {
        let mut book = Unacknowledged::of_many_sources();
        assert_eq!(book.push(b""), Err(PositionFault::Empty));
        for group in [&["a", "a"][..], &["b", "a"]] {
            for position in group {
                book.push(position.as_bytes()).unwrap();
            }
            book.close_group();
        }
        assert_eq!(committed(&mut book, "a"), ["a", "a"]);
        assert_eq!(committed(&mut book, "a"), ["b", "a"]);
    }

    #[test]
    fn empty_and_equal_positions_are_refused() {
        let mut book = Unacknowledged::default();
        assert_eq!(book.push(b""), Err(PositionFault::Empty));
        book.push(b"a").unwrap();
        assert_eq!(
            book.push(b"a"),
            Err(PositionFault::Duplicate(b"a".to_vec()))
        );
        book.close_group();
        assert_eq!(
            book.push(b"a"),
            Err(PositionFault::Duplicate(b"a".to_vec()))
        );
        committed(&mut book, "a");
        book.push(b"a").unwrap();
        book.forget_group();
        book.push(b"a").unwrap();
    }
}
