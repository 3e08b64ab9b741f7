//! The states of all streams of a read, as checkpoints say them: each stream for itself, or all at
//! once, where a stream's checkpoint covers records of another one (its dead letters). Pure.

use std::collections::BTreeMap;

use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use serde::{Deserialize, Serialize};

/// What is known of each stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct States {
    /// A pipeline has one kind of state: once of the whole source, always so.
    is_whole: bool,
    streams: BTreeMap<StreamId, Json>,
}

/// Airbyte's GLOBAL state.
#[derive(Serialize, Deserialize)]
struct Whole {
    shared_state: serde_json::Map<String, serde_json::Value>,
    stream_states: Vec<One>,
}

#[derive(Serialize, Deserialize)]
struct One {
    stream_descriptor: StreamId,
    stream_state: Json,
}

impl States {
    /// From what an earlier read's checkpoints said.
    pub(crate) fn new(states: &[LaneState], is_whole: bool) -> Result<Self> {
        let mut all = Self {
            is_whole,
            streams: BTreeMap::new(),
        };
        for state in states.iter().filter(|s| !s.state.is_null()) {
            match &state.lane {
                Lane::Stream(stream) => {
                    all.streams.insert(stream.clone(), state.state.clone());
                }
                Lane::Global => {
                    all.is_whole = true;
                    let whole: Whole =
                        serde_json::from_slice(state.state.bytes()).map_err(|cause| {
                            Error::new(
                                &code::STATE_INVALID,
                                "the state is not one of a file source",
                            )
                            .caused_by(cause)
                        })?;
                    let each = whole.stream_states.into_iter();
                    all.streams
                        .extend(each.map(|one| (one.stream_descriptor, one.stream_state)));
                }
            }
        }
        Ok(all)
    }

    /// The state of a stream.
    pub(crate) fn get(&self, stream: &StreamId) -> Option<&Json> {
        self.streams.get(stream)
    }

    /// Notes a stream's state without a checkpoint.
    pub(crate) fn note(&mut self, stream: StreamId, state: Json) {
        self.streams.insert(stream, state);
    }

    /// The checkpoint after a stream came so far.
    pub(crate) fn checkpoint(&mut self, stream: &StreamId, state: Json) -> Result<Checkpoint> {
        self.streams.insert(stream.clone(), state.clone());
        if !self.is_whole {
            return Ok(Checkpoint::stream(stream.clone(), state));
        }
        let one = |(stream, state): (&StreamId, &Json)| One {
            stream_descriptor: stream.clone(),
            stream_state: state.clone(),
        };
        let whole = Whole {
            shared_state: serde_json::Map::new(),
            stream_states: self.streams.iter().map(one).collect(),
        };
        let text = serde_json::to_vec(&whole).map_err(|cause| {
            Error::new(&code::INTERNAL, "a state cannot be written").caused_by(cause)
        })?;
        let state = Json::from_scanned(text.into());
        Ok(Checkpoint::global(StateKind::Global, state))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lane_state(checkpoint: Checkpoint) -> LaneState {
        LaneState {
            lane: checkpoint.lane,
            kind: checkpoint.kind,
            state: checkpoint.state,
        }
    }

    #[test]
    fn a_state_of_the_whole_brings_every_stream_back() {
        let (a, b) = (StreamId::new("a"), StreamId::new("b"));
        let json = |n: i64| Json::from_value(&json!({"n": n}));
        let mut states = States::new(&[], false).unwrap();
        let first = states.checkpoint(&a, json(1)).unwrap();
        assert_eq!(first.lane, Lane::Stream(a.clone()));
        let mut states = States::new(&[lane_state(first)], true).unwrap();
        let whole = states.checkpoint(&b, json(2)).unwrap();
        assert_eq!(
            (&whole.lane, whole.kind),
            (&Lane::Global, StateKind::Global)
        );
        // It stays so, also where the setting is taken back.
        let mut back = States::new(&[lane_state(whole)], false).unwrap();
        assert_eq!(
            (back.get(&a), back.get(&b)),
            (Some(&json(1)), Some(&json(2)))
        );
        assert_eq!(back.checkpoint(&a, json(3)).unwrap().lane, Lane::Global);
        let foreign = LaneState {
            lane: Lane::Global,
            kind: StateKind::Global,
            state: Json::from_value(&json!({"x": 1})),
        };
        let error = States::new(&[foreign], false).unwrap_err();
        assert_eq!(error.code().name, "protocol.state_invalid");
    }
}
