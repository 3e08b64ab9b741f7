//! How many records a state stands for that the engine never saw (§4.6). Pure.

use std::collections::{BTreeMap, HashMap};

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane};
use crossdock_core::code;
use crossdock_core::destination::Ack;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::Event;
use crossdock_core::stream::StreamId;

use crate::wire::{StateMessage, Totals, committed};

/// Brings states in order, and tells of the records before each.
#[derive(Debug)]
pub(in super::super) struct Tally {
    /// The catalog's only stream: then a state of the whole is one of it.
    only: Option<StreamId>,
    lanes: HashMap<Lane, InOrder>,
}

/// The states of a lane.
#[derive(Debug, Default)]
struct InOrder {
    /// The number of the last one that was let through.
    last: i64,
    waiting: BTreeMap<i64, StateMessage>,
}

fn only(catalog: &ConfiguredCatalog) -> Option<StreamId> {
    match &*catalog.streams {
        [only] => Some(only.id()),
        _ => None,
    }
}

impl Tally {
    pub(in super::super) fn new(catalog: &ConfiguredCatalog) -> Self {
        Self {
            only: only(catalog),
            lanes: HashMap::new(),
        }
    }

    /// A state came; several readers of a source may print theirs in any order. Returns those that are next on their
    /// lane.
    ///
    /// # Errors
    /// `protocol.state_invalid` for one without a number, or with one that was there before.
    pub(in super::super) fn in_order(&mut self, state: StateMessage) -> Result<Vec<StateMessage>> {
        let lane = state.lane.clone();
        let invalid =
            |message: &str| Err(Error::new(&code::STATE_INVALID, message).with("lane", &lane));
        let Some(id) = state.id else {
            return invalid("a state beside the data channel has no `id`");
        };
        let states = self.lanes.entry(lane.clone()).or_default();
        if id <= states.last || states.waiting.contains_key(&id) {
            return invalid("two states have the same `id`");
        }
        states.waiting.insert(id, state);
        let mut next = Vec::new();
        while let Some(state) = states.waiting.remove(&(states.last + 1)) {
            states.last += 1;
            next.push(state);
        }
        Ok(next)
    }

    /// The source ended well: no state may wait for an earlier one.
    ///
    /// # Errors
    /// `protocol.state_invalid` that names the one that did not come.
    pub(in super::super) fn finish(&self) -> Result<()> {
        let mut lanes = self.lanes.iter();
        match lanes.find(|(_, states)| !states.waiting.is_empty()) {
            None => Ok(()),
            Some((lane, states)) => {
                let message = format!("the source ended without the state {}", states.last + 1);
                Err(Error::new(&code::STATE_INVALID, message).with("lane", lane))
            }
        }
    }

    /// The checkpoint, and before it what it covers, if it is known by stream. Of a state of several streams only
    /// the destination can tell (§4.7).
    ///
    /// # Errors
    /// `protocol.state_invalid` for a state that does not say what it covers.
    pub(in super::super) fn covered(
        &self,
        mut checkpoint: Checkpoint,
    ) -> Result<[Option<Event>; 2]> {
        let Some(records) = checkpoint.source_count else {
            let message = "a state beside the data channel has no `sourceStats.recordCount`";
            return Err(Error::new(&code::STATE_INVALID, message).with("lane", &checkpoint.lane));
        };
        let stream = match &checkpoint.lane {
            Lane::Stream(stream) => Some(stream.clone()),
            Lane::Global => self.only.clone(),
        };
        if stream.is_none() {
            checkpoint.source_count = None;
        }
        let passed = stream.map(|stream| Event::Passed { stream, records });
        Ok([passed, Some(Event::Checkpoint(checkpoint))])
    }
}

/// What the destination says is committed of each stream (§4.7), as far as nobody else can tell it.
#[derive(Debug)]
pub(in super::super) struct Committed {
    only: Option<StreamId>,
    told: HashMap<StreamId, Totals>,
    /// Somebody was told that it does not say.
    is_complained: bool,
}

impl Committed {
    pub(in super::super) fn new(catalog: &ConfiguredCatalog) -> Self {
        Self {
            only: only(catalog),
            told: HashMap::new(),
            is_complained: false,
        }
    }

    /// What there is to say, once, of a state of several streams whose parts nobody counts.
    pub(in super::super) fn complaint(&mut self, state: &StateMessage) -> Option<&'static str> {
        let is_counted = state.lane != Lane::Global || self.only.is_some() || !self.told.is_empty();
        if is_counted || std::mem::replace(&mut self.is_complained, true) {
            return None;
        }
        Some(
            "states are of all streams at once, and the destination does not say how many records of each they cover: they are not counted; `route: through` counts them",
        )
    }

    /// What is new in an echoed state, which has sums since the start.
    pub(in super::super) fn counted(&mut self, state: &StateMessage) -> Vec<Ack> {
        let by_source = matches!(state.lane, Lane::Stream(_)) || self.only.is_some();
        let mut acks = Vec::new();
        for (stream, now) in committed(state) {
            let before = self.told.insert(stream.clone(), now).unwrap_or_default();
            // What is refused comes as an increment of its own, and is part of what passed.
            let all = |totals: Totals| totals.records + totals.rejected;
            let records = match by_source {
                true => 0,
                false => all(now).saturating_sub(all(before)),
            };
            let bytes = now.bytes.saturating_sub(before.bytes);
            let rejected = now.rejected.saturating_sub(before.rejected);
            if !by_source && rejected > 0 {
                acks.push(Ack::RejectedCount {
                    stream: stream.clone(),
                    records: rejected,
                });
            }
            if records + bytes > 0 {
                acks.push(Ack::Counted {
                    stream,
                    records,
                    bytes,
                });
            }
        }
        acks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use crossdock_core::catalog::{ConfiguredStream, Stream};
    use serde_json::{Value, json};

    use crate::wire::{Decoder, Message};

    fn catalog(names: &[&str]) -> ConfiguredCatalog {
        let stream = |name: &&str| ConfiguredStream::new(Stream::new(*name, json!({})));
        ConfiguredCatalog {
            streams: names.iter().map(stream).collect(),
            ..ConfiguredCatalog::default()
        }
    }

    fn state(state: Value) -> StateMessage {
        let line = json!({"type": "STATE", "state": state}).to_string() + "\n";
        let mut messages = Vec::new();
        Decoder::new().decode(&Bytes::from(line), 0, &mut messages);
        match messages.pop() {
            Some(Message::State(state)) => state,
            other => panic!("{other:?}"),
        }
    }

    fn global(records: [u64; 2]) -> Value {
        let part = |name: &str, records: u64| {
            json!({"stream_descriptor": {"name": name}, "committedRecordsCount": records,
                "committedBytesCount": 10 * records, "rejectedRecordsCount": 1})
        };
        json!({"type": "GLOBAL", "id": 1, "sourceStats": {"recordCount": 9},
            "global": {"shared_state": {}, "stream_states": [part("a", records[0]), part("b", records[1])]}})
    }

    #[test]
    fn what_a_state_covers_comes_before_it() {
        let one = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "a"}},
            "sourceStats": {"recordCount": 9}});
        let check = |names: &[&str], given: Value, expected: Option<(&str, u64)>| {
            let events = Tally::new(&catalog(names)).covered(state(given).checkpoint());
            let [passed, checkpoint] = events.unwrap();
            let told = passed.map(|event| match event {
                Event::Passed { stream, records } => (stream.to_string(), records),
                other => panic!("{other:?}"),
            });
            let expected = expected.map(|(name, records)| (name.to_owned(), records));
            assert_eq!(told, expected);
            let Some(Event::Checkpoint(checkpoint)) = checkpoint else {
                panic!("{checkpoint:?}")
            };
            assert_eq!(
                checkpoint.source_count,
                expected.map(|(_, records)| records)
            );
        };
        check(&["a", "b"], one, Some(("a", 9)));
        check(&["a", "b"], global([1, 2]), None);
        check(&["a"], global([1, 2]), Some(("a", 9)));
        let uncounted = json!({"type": "GLOBAL", "global": {}});
        let events = Tally::new(&catalog(&["a"])).covered(state(uncounted).checkpoint());
        assert_eq!(events.unwrap_err().code().name, "protocol.state_invalid");
    }

    #[test]
    fn states_come_in_the_order_of_their_numbers() {
        let mut tally = Tally::new(&catalog(&["a", "b"]));
        let mut ids = |name: &str, id: i64| {
            let given = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": name}}, "id": id});
            let next = tally.in_order(state(given)).map_err(|e| e.code().name)?;
            let end = tally.finish().is_ok();
            Ok::<_, &str>((next.iter().filter_map(|s| s.id).collect::<Vec<_>>(), end))
        };
        assert_eq!(ids("a", 2), Ok((vec![], false)));
        assert_eq!(ids("b", 1), Ok((vec![1], false)));
        assert_eq!(ids("a", 1), Ok((vec![1, 2], true)));
        assert_eq!(ids("a", 2), Err("protocol.state_invalid"));
        assert_eq!(ids("a", 3), Ok((vec![3], true)));
        let unnumbered = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "a"}}});
        assert!(tally.in_order(state(unnumbered)).is_err());
    }

    #[test]
    fn the_destination_tells_increments() {
        let told = |committed: &mut Committed, given: Value| -> Vec<(String, u64, u64)> {
            let acks = committed.counted(&state(given)).into_iter();
            let told = acks.map(|ack| match ack {
                Ack::Counted {
                    stream,
                    records,
                    bytes,
                } => (stream.to_string(), records, bytes),
                Ack::RejectedCount { stream, records } => (format!("not {stream}"), records, 0),
                other => panic!("{other:?}"),
            });
            told.collect()
        };
        let of = |name: &str, records, bytes| (name.to_owned(), records, bytes);
        let mut committed = Committed::new(&catalog(&["a", "b"]));
        let first = told(&mut committed, global([3, 4]));
        assert_eq!(
            first,
            [
                of("not a", 1, 0),
                of("a", 4, 30),
                of("not b", 1, 0),
                of("b", 5, 40)
            ]
        );
        assert_eq!(told(&mut committed, global([3, 9])), [of("b", 5, 50)]);
        let own = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "a"}},
            "committedRecordsCount": 5, "committedBytesCount": 70});
        let mut committed = Committed::new(&catalog(&["a", "b"]));
        assert_eq!(told(&mut committed, own.clone()), [of("a", 0, 70)]);
        assert_eq!(told(&mut committed, own), []);
        let mut committed = Committed::new(&catalog(&["a"]));
        let plain = json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": "a"}}});
        assert_eq!(told(&mut committed, plain.clone()), []);
        assert_eq!(committed.complaint(&state(plain)), None);
    }

    #[test]
    fn what_nobody_counts_is_told_once() {
        let uncounted = || state(json!({"type": "GLOBAL", "global": {"stream_states": []}}));
        let mut committed = Committed::new(&catalog(&["a", "b"]));
        committed.counted(&uncounted());
        assert!(committed.complaint(&uncounted()).is_some());
        assert!(committed.complaint(&uncounted()).is_none());
        let mut one = Committed::new(&catalog(&["a"]));
        assert!(one.complaint(&uncounted()).is_none());
        let mut told = Committed::new(&catalog(&["a", "b"]));
        told.counted(&state(global([1, 2])));
        assert!(told.complaint(&state(global([1, 2]))).is_none());
    }
}
