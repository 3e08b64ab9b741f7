//! The states of a served source, as one value that its platform keeps. Pure.

use serde::{Deserialize, Serialize};

use crate::checkpoint::{Checkpoint, Lane, LaneState, StateKind};
use crate::json::Json;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    lane: Lane,
    kind: StateKind,
    state: Json,
}

/// The last state of each lane.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct States(Vec<State>);

impl States {
    /// A checkpoint came.
    pub fn take(&mut self, checkpoint: &Checkpoint) {
        let state = State {
            lane: checkpoint.lane.clone(),
            kind: checkpoint.kind,
            state: checkpoint.state.clone(),
        };
        // A state of the whole stands for all others, and the reverse.
        self.0.retain(|kept| {
            kept.lane != state.lane && (kept.lane == Lane::Global) == (state.lane == Lane::Global)
        });
        self.0.push(state);
    }

    /// What a source resumes from.
    #[must_use]
    pub fn lanes(&self) -> Vec<LaneState> {
        let states = self.0.iter().cloned();
        states
            .map(|State { lane, kind, state }| LaneState { lane, kind, state })
            .collect()
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // It was made of JSON, so it is JSON again.
        serde_json::to_string(self).unwrap_or_default()
    }
}
