//! What a transactional destination says of how far the data is, brought together with what the
//! store says (P4). Pure.
//!
//! Such a destination keeps each checkpoint in the transaction of the data that it covers. If the
//! engine dies before the store has heard of it, the destination is ahead, and its word counts: to
//! read the records again would double them. It does not count where somebody took the state away
//! on purpose since: a person by hand, or a run that reads the stream anew.

use std::collections::HashMap;

use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::destination::Stored;
use crossdock_core::store::{Generation, Resume};

use crate::generation::{forget, is_divisible};

/// What the store has to be told before the run goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recalled {
    /// States that the store does not have.
    pub(crate) states: Vec<LaneState>,
    /// Generations that it does not have.
    pub(crate) generations: Vec<Generation>,
}

/// Corrects `resume` by what the pipeline's only destination stored. `epoch` is this run's.
pub(crate) fn recall(resume: &mut Resume, stored: Vec<Stored>, epoch: i64) -> Recalled {
    // A store that knows nothing of the pipeline was lost, or is somebody else's: then the
    // destination is the only one to know anything.
    let is_blank = resume.states.is_empty()
        && resume.generations.is_empty()
        && resume.edits.is_empty()
        && resume.marks.is_empty();
    let known: HashMap<_, _> = resume
        .generations
        .iter()
        .map(|g| (g.stream.clone(), g.generation))
        .collect();
    let mut accepted = Vec::new();
    let mut recalled = Recalled::default();
    for stored in stored {
        // Numbers that cannot be come from before the store was lost.
        let is_foreign = stored.epoch >= epoch;
        let is_edited = resume.edits.iter().any(|edit| {
            let covers = edit.lane == Lane::Global
                || stored.state.lane == Lane::Global
                || edit.lane == stored.state.lane;
            covers && edit.epoch > stored.epoch
        });
        if is_blank {
            for (stream, generation) in &stored.generations {
                recalled.generations.push(Generation {
                    stream: stream.clone(),
                    generation: *generation,
                    complete: true,
                    truncates: false,
                });
            }
            accepted.push(stored.state);
        } else if !is_foreign && !is_edited {
            let anew: Vec<Lane> = stored
                .generations
                .iter()
                .filter(|(stream, generation)| known.get(stream) != Some(generation))
                .map(|(stream, _)| Lane::Stream(stream.clone()))
                .collect();
            // Of a state in one piece nothing is left when all its streams are read anew.
            let is_spent = anew.len() == stored.generations.len() && !anew.is_empty();
            if is_spent && !is_divisible(&stored.state) {
                continue;
            }
            let mut state = vec![stored.state];
            forget(&mut state, &anew);
            accepted.append(&mut state);
        }
    }
    recalled
        .generations
        .sort_by(|a, b| (&a.stream, a.generation).cmp(&(&b.stream, b.generation)));
    recalled.generations.dedup_by(|a, b| a.stream == b.stream);
    resume.generations.extend(recalled.generations.clone());
    recalled.states = accepted
        .iter()
        .filter(|state| !resume.states.contains(state))
        .cloned()
        .collect();
    merge(&mut resume.states, accepted);
    recalled
}

/// Puts `newer` over `states`: a pipeline has a state of the whole source or states of streams.
fn merge(states: &mut Vec<LaneState>, newer: Vec<LaneState>) {
    if newer.is_empty() {
        return;
    }
    let whole = newer.iter().any(|s| s.kind != StateKind::Stream);
    states.retain(|s| {
        let is_whole = s.kind != StateKind::Stream;
        is_whole == whole && !whole && newer.iter().all(|n| n.lane != s.lane)
    });
    states.extend(newer);
}

#[cfg(test)]
mod tests {
    use crossdock_core::json::Json;
    use crossdock_core::store::Edit;
    use crossdock_core::stream::StreamId;
    use serde_json::json;

    use super::*;

    fn state(stream: &str, at: i64) -> LaneState {
        LaneState {
            lane: lane(stream),
            kind: StateKind::Stream,
            state: Json::from_value(&json!(at)),
        }
    }

    fn lane(stream: &str) -> Lane {
        Lane::Stream(StreamId::new(stream))
    }

    fn stored(stream: &str, at: i64, epoch: i64, generation: i64) -> Stored {
        Stored {
            state: state(stream, at),
            epoch,
            generations: vec![(StreamId::new(stream), generation)],
        }
    }

    fn resume(states: Vec<LaneState>, generations: &[(&str, i64)]) -> Resume {
        let generation = |(stream, generation): &(&str, i64)| Generation {
            stream: StreamId::new(*stream),
            generation: *generation,
            complete: false,
            truncates: false,
        };
        Resume {
            states,
            generations: generations.iter().map(generation).collect(),
            ..Resume::default()
        }
    }

    #[test]
    fn what_the_destination_has_counts_unless_it_was_taken_away() {
        let check = |mut resume: Resume, stored: Vec<Stored>, expected: &[LaneState]| {
            let before = resume.states.clone();
            let recalled = recall(&mut resume, stored, 9);
            assert_eq!(resume.states, expected);
            for state in &recalled.states {
                assert!(expected.contains(state) && !before.contains(state));
            }
        };
        let behind = || resume(vec![state("a", 7), state("b", 1)], &[("a", 0), ("b", 0)]);
        // Ahead of the store.
        check(
            behind(),
            vec![stored("a", 10, 5, 0)],
            &[state("b", 1), state("a", 10)],
        );
        // The first run died before the store had any state.
        check(
            resume(vec![], &[("a", 0)]),
            vec![stored("a", 10, 5, 0)],
            &[state("a", 10)],
        );
        // Read anew since.
        check(
            resume(vec![], &[("a", 1)]),
            vec![stored("a", 10, 5, 0)],
            &[],
        );
        // Changed by hand since, all of it or the stream or another one.
        for (lane, changed) in [(Lane::Global, true), (lane("a"), true), (lane("b"), false)] {
            let mut edited = behind();
            edited.edits = vec![Edit { lane, epoch: 6 }];
            let expected = if changed {
                vec![state("a", 7), state("b", 1)]
            } else {
                vec![state("b", 1), state("a", 10)]
            };
            check(edited, vec![stored("a", 10, 5, 0)], &expected);
        }
        // Changed by hand before.
        let mut edited = behind();
        edited.edits = vec![Edit {
            lane: Lane::Global,
            epoch: 4,
        }];
        check(
            edited,
            vec![stored("a", 10, 5, 0)],
            &[state("b", 1), state("a", 10)],
        );
        // Of a store that was lost, beside one that knows something.
        check(
            behind(),
            vec![stored("a", 10, 9, 0)],
            &[state("a", 7), state("b", 1)],
        );
    }

    #[test]
    fn a_state_in_one_piece_goes_with_the_last_of_its_streams() {
        let check = |known: &[(&str, i64)], left: usize| {
            let whole = Stored {
                state: LaneState {
                    lane: Lane::Global,
                    kind: StateKind::Legacy,
                    state: Json::from_value(&json!(7)),
                },
                epoch: 5,
                generations: vec![(StreamId::new("a"), 1), (StreamId::new("b"), 4)],
            };
            let mut resume = resume(vec![], known);
            recall(&mut resume, vec![whole], 9);
            assert_eq!(resume.states.len(), left, "{known:?}");
        };
        check(&[("a", 1), ("b", 4)], 1);
        check(&[("a", 2), ("b", 4)], 1);
        check(&[("a", 2), ("b", 5)], 0);
    }

    #[test]
    fn a_store_that_was_lost_is_filled_again() {
        let mut resume = Resume::default();
        let recalled = recall(&mut resume, vec![stored("a", 10, 50, 3)], 1);
        assert_eq!(resume.states, [state("a", 10)]);
        assert_eq!(recalled.states, resume.states);
        assert_eq!(recalled.generations, resume.generations);
        assert_eq!(resume.generations[0].generation, 3);
    }

    #[test]
    fn a_global_state_loses_the_streams_that_are_read_anew() {
        let text = json!({"shared_state": 1, "stream_states": [
            {"stream_descriptor": {"name": "a"}, "stream_state": 1},
            {"stream_descriptor": {"name": "b"}, "stream_state": 2}
        ]});
        let whole = Stored {
            state: LaneState {
                lane: Lane::Global,
                kind: StateKind::Global,
                state: Json::from_value(&text),
            },
            epoch: 5,
            generations: vec![(StreamId::new("a"), 1), (StreamId::new("b"), 4)],
        };
        let mut resume = resume(vec![state("b", 1)], &[("a", 2), ("b", 4)]);
        recall(&mut resume, vec![whole], 9);
        assert_eq!(resume.states.len(), 1, "one kind only");
        let value = resume.states[0].state.to_value().unwrap();
        let left = value["stream_states"].as_array().unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0]["stream_descriptor"]["name"], "b");
    }
}
