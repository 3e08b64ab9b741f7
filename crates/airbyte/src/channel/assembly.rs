//! Which states are whole (§4.7): those whose records have all come, in the order of their numbers. Pure.

use std::collections::{BTreeMap, HashMap};

use crossdock_core::checkpoint::Lane;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::stream::StreamId;

use crate::wire::StateMessage;

/// The states that wait for their records or for an earlier state, and the records that wait for their state.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    /// Records of each partition whose state was not let through yet.
    partitions: HashMap<String, u64>,
    lanes: HashMap<Lane, LaneStates>,
}

#[derive(Debug, Default)]
struct LaneStates {
    /// The number of the last one that was let through.
    last: i64,
    waiting: BTreeMap<i64, StateMessage>,
}

impl Assembly {
    /// Records came. Returns the states that are whole by that.
    ///
    /// # Errors
    /// `state.invalid` if they do not say which partition they are of.
    pub(crate) fn records(
        &mut self,
        stream: &StreamId,
        partition: &str,
        records: u64,
    ) -> Result<Vec<StateMessage>> {
        if partition.is_empty() {
            let message = "a record does not say which partition it is of";
            return Err(Error::new(&code::STATE_INVALID, message).with("stream", stream));
        }
        match self.partitions.get_mut(partition) {
            Some(count) => *count += records,
            None => {
                self.partitions.insert(partition.to_owned(), records);
            }
        }
        let of_stream = Lane::Stream(stream.clone());
        let mut whole = self.whole(&of_stream)?;
        whole.extend(self.whole(&Lane::Global)?);
        Ok(whole)
    }

    /// A state came. Returns the states that are whole now.
    ///
    /// # Errors
    /// `state.invalid` if it has no number, no partition or no count, or if its number was there before.
    pub(crate) fn state(&mut self, state: StateMessage) -> Result<Vec<StateMessage>> {
        let lane = state.lane.clone();
        let invalid = |message: &str| {
            Err(Error::new(&code::STATE_INVALID, message).with("lane", &state.lane))
        };
        let Some(id) = state.id else {
            return invalid("a state on the data channel has no `id`");
        };
        if state.partitions.is_empty() {
            return invalid("a state on the data channel has no `partition_id`");
        }
        if state.source.record_count.is_none() {
            return invalid("a state on the data channel has no `sourceStats.recordCount`");
        }
        let states = self.lanes.entry(lane.clone()).or_default();
        if id <= states.last || states.waiting.contains_key(&id) {
            return invalid("two states have the same `id`");
        }
        states.waiting.insert(id, state);
        self.whole(&lane)
    }

    /// The states of a lane that are whole and have no gap before them.
    fn whole(&mut self, lane: &Lane) -> Result<Vec<StateMessage>> {
        let mut whole = Vec::new();
        let Some(states) = self.lanes.get_mut(lane) else {
            return Ok(whole);
        };
        while let Some(state) = states.waiting.get(&(states.last + 1)) {
            let came: u64 = state
                .partitions
                .iter()
                .filter_map(|partition| self.partitions.get(partition))
                .sum();
            let told = state.source.record_count.unwrap_or(0);
            if came > told {
                let message = format!("a state counts {told} records, and {came} came");
                return Err(Error::new(&code::STATE_INVALID, message).with("lane", lane));
            }
            if came < told {
                break;
            }
            states.last += 1;
            if let Some(state) = states.waiting.remove(&states.last) {
                for partition in &state.partitions {
                    self.partitions.remove(partition);
                }
                whole.push(state);
            }
        }
        Ok(whole)
    }

    /// Everything has come: no state may be left.
    ///
    /// # Errors
    /// `state.invalid` that says which is.
    pub(crate) fn finish(&self) -> Result<()> {
        for (lane, states) in &self.lanes {
            let Some((id, state)) = states.waiting.first_key_value() else {
                continue;
            };
            let came: u64 = state
                .partitions
                .iter()
                .filter_map(|partition| self.partitions.get(partition))
                .sum();
            let told = state.source.record_count.unwrap_or(0);
            let message = if *id > states.last + 1 {
                format!("the input ended without the state {}", states.last + 1)
            } else {
                format!("the input ended with {came} of the {told} records of the state {id}")
            };
            return Err(Error::new(&code::STATE_INVALID, message)
                .with("lane", lane)
                .hint("the source broke off; what its last whole state covers is kept"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    use crate::wire::{Decoder, Message};

    const NONE: [i64; 0] = [];

    fn state(stream: &str, id: i64, partition: &str, records: u64) -> StateMessage {
        let line = format!(
            r#"{{"type":"STATE","state":{{"type":"STREAM","stream":{{"stream_descriptor":{{"name":"{stream}"}},"stream_state":{{"n":{id}}}}},"id":{id},"partition_id":"{partition}","sourceStats":{{"recordCount":{records}}}}}}}"#
        );
        read(&line)
    }

    fn read(line: &str) -> StateMessage {
        let mut messages = Vec::new();
        Decoder::new().decode(&Bytes::from(format!("{line}\n")), 0, &mut messages);
        match messages.pop() {
            Some(Message::State(state)) => state,
            other => panic!("{other:?}"),
        }
    }

    fn ids(states: &[StateMessage]) -> Vec<i64> {
        states.iter().filter_map(|state| state.id).collect()
    }

    #[test]
    fn a_state_waits_for_its_records_and_for_those_before_it() {
        let a = StreamId::new("a");
        let mut assembly = Assembly::default();
        assert_eq!(ids(&assembly.state(state("a", 1, "p", 3)).unwrap()), NONE);
        assert_eq!(ids(&assembly.records(&a, "p", 2).unwrap()), NONE);
        assert_eq!(ids(&assembly.records(&a, "q", 1).unwrap()), NONE);
        assert_eq!(ids(&assembly.state(state("a", 2, "q", 1)).unwrap()), NONE);
        assert!(
            assembly
                .finish()
                .unwrap_err()
                .message()
                .contains("2 of the 3")
        );
        assert_eq!(ids(&assembly.records(&a, "p", 1).unwrap()), [1, 2]);
        assert_eq!(ids(&assembly.state(state("a", 3, "r", 0)).unwrap()), [3]);
        assert_eq!(ids(&assembly.state(state("b", 1, "s", 0)).unwrap()), [1]);
        assembly.finish().unwrap();
        assert!(assembly.partitions.is_empty());
        assert_eq!(ids(&assembly.state(state("a", 5, "t", 0)).unwrap()), NONE);
        let gap = assembly.finish().unwrap_err();
        assert!(gap.message().contains("without the state 4"), "{gap:?}");
    }

    #[test]
    fn what_cannot_be_right_is_refused() {
        let a = StreamId::new("a");
        let mut assembly = Assembly::default();
        assert!(assembly.records(&a, "", 1).is_err());
        assembly.records(&a, "p", 2).unwrap();
        assert!(
            assembly.state(state("a", 1, "p", 1)).is_err(),
            "more than it counts"
        );
        let mut assembly = Assembly::default();
        assembly.state(state("a", 1, "p", 0)).unwrap();
        assert!(assembly.state(state("a", 1, "q", 0)).is_err(), "twice");
        for line in [
            r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"}},"partition_id":"p","sourceStats":{"recordCount":0}}}"#,
            r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"}},"id":7,"sourceStats":{"recordCount":0}}}"#,
            r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"}},"id":7,"partition_id":"p"}}"#,
        ] {
            assert!(assembly.state(read(line)).is_err(), "{line}");
        }
    }

    #[test]
    fn a_state_of_the_whole_may_close_the_partitions_of_several_streams() {
        let mut assembly = Assembly::default();
        let global = read(
            r#"{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{},"stream_states":[{"stream_descriptor":{"name":"a"},"id":1,"partition_id":"pa"},{"stream_descriptor":{"name":"b"},"partition_id":"pb"}]},"id":1,"partition_id":"p","sourceStats":{"recordCount":5.0}}}"#,
        );
        assert_eq!(global.partitions, ["p", "pa", "pb"]);
        assert_eq!(
            ids(&assembly.records(&StreamId::new("a"), "pa", 2).unwrap()),
            NONE
        );
        assert_eq!(ids(&assembly.state(global).unwrap()), NONE);
        assert_eq!(
            ids(&assembly.records(&StreamId::new("b"), "pb", 2).unwrap()),
            NONE
        );
        assert_eq!(
            ids(&assembly.records(&StreamId::new("b"), "p", 1).unwrap()),
            [1]
        );
    }
}
