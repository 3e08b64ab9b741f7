//! Generations and which states a run starts without (Airbyte §3.9). Pure.
//!
//! A generation numbers the copies of a stream's data. A full refresh begins a new copy; a run
//! that resumes a broken full refresh goes on with the copy it had.

use std::collections::{HashMap, HashSet};

use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, DestinationSyncMode, SyncMode};
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::json::Json;
use crossdock_core::store::{Generation, Resume};
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

/// Numbers the streams of `catalog` and says what the run starts from.
pub fn begin(catalog: &mut ConfiguredCatalog, resume: &Resume, sync_id: i64) -> Beginning {
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
        let anew = match stream.sync_mode {
            SyncMode::FullRefresh => !resumes(stream, known, &stated),
            // Its state was taken away since it last ran: everything is read again, which makes a
            // new copy.
            SyncMode::Incremental => known.is_some() && !stated.has(&id),
        };
        let generation = if anew { current + 1 } else { current };
        stream.sync_id = Some(sync_id);
        stream.generation_id = Some(generation);
        let overwrites = stream.destination_sync_mode == DestinationSyncMode::Overwrite;
        stream.minimum_generation_id = Some(if overwrites { generation } else { 0 });
        if anew {
            beginning.clear.push(Lane::Stream(id.clone()));
        }
        if anew || known.is_none() {
            beginning.generations.push(Generation {
                stream: id,
                generation,
                complete: false,
            });
        }
    }
    forget(&mut beginning.states, &beginning.clear);
    beginning
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
    for state in states.iter_mut().filter(|s| s.kind == StateKind::Global) {
        let Ok(mut value) = state.state.to_value() else {
            continue;
        };
        let Some(Value::Array(entries)) = value.get_mut("stream_states") else {
            continue;
        };
        let before = entries.len();
        entries
            .retain(|entry| !described(entry).is_some_and(|id| lanes.contains(&Lane::Stream(id))));
        // An untouched state keeps its own text, to the digit.
        if entries.len() != before {
            state.state = Json::from_value(&value);
        }
    }
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
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::catalog::Stream;
    use serde_json::json;

    struct Case {
        sync_mode: SyncMode,
        destination: DestinationSyncMode,
        resumable: bool,
        known: Option<(i64, bool)>,
        has_state: bool,
    }

    fn check(case: &Case, expected: (i64, i64, bool)) {
        let mut stream = ConfiguredStream::new(Stream::new("a", json!({})));
        stream.sync_mode = case.sync_mode;
        stream.destination_sync_mode = case.destination;
        stream.stream.is_resumable = Some(case.resumable);
        let id = stream.id();
        let mut catalog = ConfiguredCatalog {
            streams: vec![stream],
            ..Default::default()
        };
        let lane = Lane::Stream(id.clone());
        let state = LaneState {
            lane,
            kind: StateKind::Stream,
            state: Json::from_value(&json!({"x": 1})),
        };
        let resume = Resume {
            states: case.has_state.then_some(state).into_iter().collect(),
            generations: case
                .known
                .map(|(generation, complete)| Generation {
                    stream: id,
                    generation,
                    complete,
                })
                .into_iter()
                .collect(),
            ..Resume::default()
        };
        let beginning = begin(&mut catalog, &resume, 7);
        let stream = &catalog.streams[0];
        assert_eq!(
            (
                stream.generation_id.unwrap(),
                stream.minimum_generation_id.unwrap(),
                beginning.states.is_empty(),
            ),
            expected
        );
        assert_eq!(stream.sync_id, Some(7));
    }

    #[test]
    fn the_table_of_generations() {
        use DestinationSyncMode::{Append, Overwrite};
        use SyncMode::{FullRefresh, Incremental};
        let case = |sync_mode, destination, resumable, known, has_state| Case {
            sync_mode,
            destination,
            resumable,
            known,
            has_state,
        };
        check(&case(Incremental, Append, false, None, true), (0, 0, false));
        check(
            &case(Incremental, Append, false, Some((3, true)), true),
            (3, 0, false),
        );
        check(&case(Incremental, Append, false, None, false), (0, 0, true));
        check(
            &case(Incremental, Append, false, Some((3, true)), false),
            (4, 0, true),
        );
        check(&case(FullRefresh, Append, false, None, true), (1, 0, true));
        check(
            &case(FullRefresh, Overwrite, false, Some((3, true)), true),
            (4, 4, true),
        );
        check(
            &case(FullRefresh, Overwrite, true, Some((3, true)), true),
            (4, 4, true),
        );
        check(
            &case(FullRefresh, Overwrite, true, Some((3, false)), true),
            (3, 3, false),
        );
        check(
            &case(FullRefresh, Overwrite, true, Some((3, false)), false),
            (4, 4, true),
        );
        check(
            &case(FullRefresh, Overwrite, false, Some((3, false)), true),
            (4, 4, true),
        );
    }

    #[test]
    fn a_global_state_loses_only_the_stream_that_is_read_anew() {
        let text = r#"{"shared_state":{"lsn":123456789012345678901},"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{}},{"stream_descriptor":{"name":"b"},"stream_state":{}}]}"#;
        let state = |text: &'static str| LaneState {
            lane: Lane::Global,
            kind: StateKind::Global,
            state: Json::parse_text(text).unwrap(),
        };
        let mut states = vec![state(text)];
        forget(&mut states, &[Lane::Stream(StreamId::new("a"))]);
        let value = states[0].state.to_value().unwrap();
        assert_eq!(value["stream_states"].as_array().unwrap().len(), 1);
        let mut states = vec![state(text)];
        forget(&mut states, &[Lane::Stream(StreamId::new("c"))]);
        assert_eq!(states, [state(text)]);
    }
}
