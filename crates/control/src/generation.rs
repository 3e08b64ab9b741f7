//! Generations and which states a run starts without (Airbyte §3.9). Pure.
//!
//! A generation numbers the copies of a stream's data. A full refresh begins a new copy; a run
//! that resumes a broken full refresh goes on with the copy it had.

use std::collections::{HashMap, HashSet};

use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, SyncMode};
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::store::{Generation, RefreshMode, Resume};
use crossdock_core::stream::StreamId;
use serde_json::Value;

/// What a run does before it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// The generations to record; only those that change.
    pub generations: Vec<Generation>,
    /// The lanes whose states are forgotten, since they are read anew.
    pub clear: Vec<Lane>,
    /// What the source resumes from.
    pub states: Vec<LaneState>,
}

/// What is asked of a stream beyond what its modes ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How the new copy goes with older ones.
    pub mode: RefreshMode,
    /// It is read anew though it has a state: it got new columns. Otherwise the state is gone already; one
    /// that is there all the same was put back since, and the stream goes on from it.
    pub despite_state: bool,
}

/// Numbers the streams of `catalog` and says what the run starts from.
pub fn begin(
    catalog: &mut ConfiguredCatalog,
    resume: &Resume,
    asked: &HashMap<StreamId, Asked>,
    sync_id: i64,
) -> Beginning {
    let mut beginning = Beginning {
        states: resume.states.clone(),
        ..Beginning::default()
    };
    let generations: HashMap<_, _> = resume.generations.iter().map(|g| (&g.stream, g)).collect();
    let stated = Stated::new(&resume.states);
    for stream in &mut catalog.streams {
        let id = stream.id();
        let known = generations.get(&id).copied();
        let current = known.map_or(0, |g| g.generation);
        let asked = asked.get(&id);
        let anew = match stream.sync_mode {
            _ if asked.is_some_and(|asked| asked.despite_state) => true,
            SyncMode::FullRefresh => !resumes(stream, known, &stated),
            // Its state was taken away since it last ran: everything is read again, which makes a
            // new copy.
            SyncMode::Incremental => known.is_some() && !stated.has(&id),
        };
        let generation = if anew { current + 1 } else { current };
        stream.sync_id = Some(sync_id);
        stream.generation_id = Some(generation);
        let overwrites = stream.destination_sync_mode == DestinationSyncMode::Overwrite;
        // What a truncating refresh began holds until it is complete, over however many runs.
        let goes_on = known.is_some_and(|g| g.truncates && !g.complete);
        let truncates = match asked {
            Some(asked) if anew => asked.mode == RefreshMode::Truncate,
            _ => goes_on,
        };
        let takes_place = overwrites || truncates;
        stream.minimum_generation_id = Some(if takes_place { generation } else { 0 });
        if anew {
            beginning.clear.push(Lane::Stream(id.clone()));
        }
        if anew || known.is_none() {
            beginning.generations.push(Generation {
                stream: id,
                generation,
                complete: false,
                truncates,
            });
        }
    }
    forget(&mut beginning.states, &beginning.clear);
    beginning
}

/// Numbers the streams of `catalog` so that what earlier runs wrote of them goes, and says which states are
/// forgotten. `is_whole`: these are all the streams of the pipeline, and a state of the whole source goes with them;
/// otherwise one in one piece is an error (§3.9).
pub fn clear(
    catalog: &mut ConfiguredCatalog,
    resume: &Resume,
    is_whole: bool,
    sync_id: i64,
) -> Result<Beginning> {
    let mut beginning = Beginning::default();
    let generations: HashMap<_, _> = resume
        .generations
        .iter()
        .map(|g| (&g.stream, g.generation))
        .collect();
    for stream in &mut catalog.streams {
        let id = stream.id();
        let generation = generations.get(&id).copied().unwrap_or(0) + 1;
        stream.sync_id = Some(sync_id);
        stream.generation_id = Some(generation);
        stream.minimum_generation_id = Some(generation);
        beginning.clear.push(Lane::Stream(id.clone()));
        beginning.generations.push(Generation {
            stream: id,
            generation,
            complete: false,
            truncates: true,
        });
    }
    if is_whole {
        beginning.clear.push(Lane::Global);
    } else if resume.states.iter().any(|s| !is_divisible(s)) {
        let message = "the state covers the whole source, so single streams cannot be cleared";
        return Err(Error::new(&code::STATE_INDIVISIBLE, message)
            .hint("clear the whole pipeline, without `--stream`"));
    }
    Ok(beginning)
}

/// Whether a state can be forgotten for single streams.
#[must_use]
pub fn is_divisible(state: &LaneState) -> bool {
    match state.lane {
        Lane::Stream(_) => true,
        Lane::Global => {
            let value = state.state.to_value().ok();
            let parts = value.as_ref().and_then(|value| value.get("stream_states"));
            state.kind == StateKind::Global
                && parts
                    .and_then(Value::as_array)
                    .is_some_and(|parts| !parts.is_empty())
        }
    }
}

/// Gives the streams of `own`, which are those of a source, the numbers of the run's `catalog`.
pub(crate) fn carry_over(own: &mut ConfiguredCatalog, catalog: &ConfiguredCatalog) {
    for stream in &mut own.streams {
        let id = stream.id();
        if let Some(of_run) = catalog.streams.iter().find(|s| s.id() == id) {
            stream.sync_id = of_run.sync_id;
            stream.generation_id = of_run.generation_id;
            stream.minimum_generation_id = of_run.minimum_generation_id;
        }
    }
}

/// Whether a full refresh goes on where an earlier run broke off.
fn resumes(stream: &ConfiguredStream, known: Option<&Generation>, stated: &Stated) -> bool {
    stream.stream.is_resumable == Some(true)
        && known.is_some_and(|g| !g.complete)
        && stated.has(&stream.id())
}

/// The streams that have a state.
struct Stated {
    streams: HashSet<StreamId>,
    /// A state that covers every stream.
    whole: bool,
}

impl Stated {
    fn new(states: &[LaneState]) -> Self {
        let mut stated = Self {
            streams: HashSet::new(),
            whole: false,
        };
        for state in states {
            match &state.lane {
                Lane::Stream(_) if state.state.is_null() => {}
                Lane::Stream(stream) => {
                    stated.streams.insert(stream.clone());
                }
                Lane::Global if state.kind == StateKind::Global => stated.global(state),
                Lane::Global => stated.whole = true,
            }
        }
        stated
    }

    /// Which streams a GLOBAL state speaks of. One that lists no stream at all covers every one.
    fn global(&mut self, state: &LaneState) {
        let value = state.state.to_value().ok();
        match value.as_ref().and_then(|value| value.get("stream_states")) {
            Some(Value::Array(entries)) if !entries.is_empty() => {
                self.streams.extend(entries.iter().filter_map(described));
            }
            _ => self.whole = true,
        }
    }

    fn has(&self, id: &StreamId) -> bool {
        self.whole || self.streams.contains(id)
    }
}

fn described(entry: &Value) -> Option<StreamId> {
    let descriptor = entry.get("stream_descriptor")?;
    serde_json::from_value(descriptor.clone()).ok()
}

/// Takes the lanes' states away, also out of a GLOBAL state.
pub(crate) fn forget(states: &mut Vec<LaneState>, lanes: &[Lane]) {
    let lanes: HashSet<&Lane> = lanes.iter().collect();
    states.retain(|s| !lanes.contains(&s.lane));
    states.retain_mut(|state| state.kind != StateKind::Global || leaves_some(state, &lanes));
}

/// Takes the parts of streams out of a GLOBAL state. `false`: none is left, and what they shared is of no
/// use to any.
fn leaves_some(state: &mut LaneState, lanes: &HashSet<&Lane>) -> bool {
    let Ok(mut value) = state.state.to_value() else {
        return true;
    };
    let Some(Value::Array(entries)) = value.get_mut("stream_states") else {
        return true;
    };
    let before = entries.len();
    entries.retain(|entry| !described(entry).is_some_and(|id| lanes.contains(&Lane::Stream(id))));
    let left = entries.len();
    // An untouched state keeps its own text, to the digit.
    if left != before {
        state.state = Json::from_value(&value);
    }
    left > 0 || before == 0
}

/// The generations that a run which went well has completed.
#[must_use]
pub fn completed(catalog: &ConfiguredCatalog) -> Vec<Generation> {
    catalog
        .streams
        .iter()
        .map(|s| Generation {
            stream: s.id(),
            generation: s.generation_id.unwrap_or(0),
            complete: true,
            truncates: false,
        })
        .collect()
}

#[cfg(test)]
mod tests;
