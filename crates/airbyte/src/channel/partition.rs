//! Which partition a record belongs to, and the numbers of states (§4.6). Pure.
//!
//! Records since the last state of their lane are a partition: the state that follows names it and counts them,
//! so it may be read before they are.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crossdock_core::checkpoint::Lane;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

/// What a state says beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// The first of its lane is 1.
    pub(crate) id: i64,
    /// The partition that it closes.
    pub(crate) partition: Arc<str>,
    /// The partition's records.
    pub(crate) records: u64,
}

#[derive(Debug)]
struct Open {
    partition: Arc<str>,
    records: u64,
}

/// The open partitions of a source.
#[derive(Debug)]
pub(crate) struct Partitions {
    /// One for all streams, for a source whose states are of the whole.
    is_whole: bool,
    open: HashMap<Lane, Open>,
    ids: HashMap<Lane, i64>,
    /// Makes names that no other run has.
    random: RandomState,
    made: u64,
}

impl Partitions {
    /// `is_whole`: the source's states are of all its streams.
    pub(crate) fn new(is_whole: bool) -> Self {
        Self {
            is_whole,
            open: HashMap::new(),
            ids: HashMap::new(),
            random: RandomState::new(),
            made: 0,
        }
    }

    /// The partition of so many records that are about to be sent.
    pub(crate) fn records(&mut self, stream: &StreamId, records: u64) -> Arc<str> {
        let lane = if self.is_whole {
            Lane::Global
        } else {
            Lane::Stream(stream.clone())
        };
        if !self.open.contains_key(&lane) {
            let partition = self.name();
            let open = Open {
                partition,
                records: 0,
            };
            self.open.insert(lane.clone(), open);
        }
        match self.open.get_mut(&lane) {
            Some(open) => {
                open.records += records;
                open.partition.clone()
            }
            None => Arc::default(),
        }
    }

    /// The numbers of a state that is about to be sent.
    ///
    /// # Errors
    /// `state.mixed` if its records are in several partitions, or in one that others are in as well: then nothing
    /// that it could say would be right.
    pub(crate) fn state(&mut self, lane: &Lane) -> Result<Numbered> {
        let open = match (lane, self.is_whole) {
            (Lane::Stream(_), true) => return Err(mixed(lane)),
            // Told by its first state to be of the whole: all is well if there was only one stream.
            (Lane::Global, false) => {
                if self.open.len() > 1 || self.ids.keys().any(|known| *known != Lane::Global) {
                    return Err(mixed(lane));
                }
                self.is_whole = true;
                self.open.drain().map(|(_, open)| open).next()
            }
            _ => self.open.remove(lane),
        };
        let open = match open {
            Some(open) => open,
            None => Open {
                partition: self.name(),
                records: 0,
            },
        };
        let id = self.ids.entry(lane.clone()).or_default();
        *id += 1;
        Ok(Numbered {
            id: *id,
            partition: open.partition,
            records: open.records,
        })
    }

    fn name(&mut self) -> Arc<str> {
        self.made += 1;
        format!("{:016x}", self.random.hash_one(self.made)).into()
    }
}

fn mixed(lane: &Lane) -> Error {
    let message = "the source tells states of the whole and of single streams, which a data channel of sockets cannot count";
    Error::new(&code::STATE_MIXED, message)
        .with("lane", lane)
        .hint("use stdio: set the data channel to `stdio`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_closes_the_partition_of_its_lane() {
        let mut partitions = Partitions::new(false);
        let (a, b) = (StreamId::new("a"), StreamId::new("b"));
        let first = partitions.records(&a, 3);
        assert_eq!(partitions.records(&a, 2), first);
        let other = partitions.records(&b, 7);
        assert_ne!(first, other);
        let lane = Lane::Stream(a.clone());
        let numbered = |id, partition: &Arc<str>, records| Numbered {
            id,
            partition: partition.clone(),
            records,
        };
        assert_eq!(partitions.state(&lane).unwrap(), numbered(1, &first, 5));
        let second = partitions.records(&a, 1);
        assert_ne!(first, second);
        assert_eq!(partitions.state(&lane).unwrap(), numbered(2, &second, 1));
        let empty = partitions.state(&lane).unwrap();
        assert_eq!((empty.id, empty.records), (3, 0));
        let lane = Lane::Stream(b);
        assert_eq!(partitions.state(&lane).unwrap(), numbered(1, &other, 7));
        assert!(partitions.state(&Lane::Global).is_err());
    }

    #[test]
    fn a_state_of_the_whole_closes_one_of_all_streams() {
        let (a, b) = (StreamId::new("a"), StreamId::new("b"));
        let mut partitions = Partitions::new(true);
        assert_eq!(partitions.records(&a, 1), partitions.records(&b, 2));
        assert_eq!(partitions.state(&Lane::Global).unwrap().records, 3);
        assert!(partitions.state(&Lane::Stream(a.clone())).is_err());
        // Not told before, and still right.
        let mut partitions = Partitions::new(false);
        partitions.records(&a, 4);
        assert_eq!(partitions.state(&Lane::Global).unwrap().records, 4);
        assert_eq!(partitions.records(&a, 1), partitions.records(&b, 2));
        // Two streams were apart before it was known.
        let mut partitions = Partitions::new(false);
        partitions.records(&a, 4);
        partitions.records(&b, 4);
        assert!(partitions.state(&Lane::Global).is_err());
    }
}
