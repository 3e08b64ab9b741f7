//! Checkpoints and the lanes on which they are ordered.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::json::Json;
use crate::stream::StreamId;

/// The place of an item (batch or checkpoint) in a run: 1, 2, 3 … over all streams, in the order
/// in which the source emitted them. 0 means "before everything".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The scope in which checkpoints are ordered, and what a checkpoint covers: every record before
/// it of one stream, or every record before it at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// One stream.
    Stream(StreamId),
    /// The whole source.
    Global,
}

impl Lane {
    /// Whether what is said of the lane is said of the stream.
    #[must_use]
    pub fn covers(&self, stream: &StreamId) -> bool {
        match self {
            Self::Stream(of) => of == stream,
            Self::Global => true,
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(stream) => stream.fmt(f),
            Self::Global => f.write_str("(whole source)"),
        }
    }
}

/// Which of the known forms an opaque state has. The engine never looks inside; `state export`
/// and the protocols need to know how to hand it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateKind {
    /// The state of one stream; lane [`Lane::Stream`]. The JSON is Airbyte's `stream_state`.
    Stream,
    /// Airbyte's GLOBAL state: an object with `shared_state` and `stream_states`.
    Global,
    /// Airbyte's LEGACY state: one opaque object for the whole source.
    Legacy,
    /// A position of another protocol (Conduit, DataFlow): one opaque JSON value.
    Position,
}

/// A source's opaque resume point. It covers every record before it on its lane.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What it covers.
    pub lane: Lane,
    /// The form of `state`.
    pub kind: StateKind,
    /// The resume point itself; `null` means "from the beginning".
    pub state: Json,
    /// How many records the source says it emitted on this lane since its previous checkpoint.
    pub source_count: Option<u64>,
    /// The message as the source sent it, with its wire form, for a destination that speaks the
    /// same one. It may hold fields that `state` does not.
    pub wire: Option<Bytes>,
    /// The source waits for it to be committed before it goes on, so nobody should wait for more to come
    /// with it.
    pub awaited: bool,
}

impl Checkpoint {
    /// A checkpoint of one stream.
    #[must_use]
    pub fn stream(stream: StreamId, state: Json) -> Self {
        Self {
            lane: Lane::Stream(stream),
            kind: StateKind::Stream,
            state,
            source_count: None,
            wire: None,
            awaited: false,
        }
    }

    /// The same, which the source waits for.
    #[must_use]
    pub fn awaited(mut self, awaited: bool) -> Self {
        self.awaited = awaited;
        self
    }

    /// A checkpoint of the whole source.
    #[must_use]
    pub fn global(kind: StateKind, state: Json) -> Self {
        Self {
            lane: Lane::Global,
            kind,
            state,
            source_count: None,
            wire: None,
            awaited: false,
        }
    }
}

/// A committed state, as the store keeps it and as a source gets it back at the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneState {
    /// What it covers.
    pub lane: Lane,
    /// The form of `state`.
    pub kind: StateKind,
    /// The resume point.
    pub state: Json,
}
