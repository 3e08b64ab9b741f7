//! The table of §3.9, row by row.

use crossdock_core::catalog::Stream;
use serde_json::json;

use super::*;

/// A stream before a run, and what is asked of it.
#[derive(Clone)]
struct Case {
    sync_mode: SyncMode,
    destination: DestinationSyncMode,
    resumable: bool,
    /// Number, complete, truncates.
    known: Option<(i64, bool, bool)>,
    has_state: bool,
    asked: Option<Asked>,
}

/// An incremental stream whose third copy is complete.
fn incremental() -> Case {
    Case {
        sync_mode: SyncMode::Incremental,
        destination: DestinationSyncMode::Append,
        resumable: false,
        known: Some((3, true, false)),
        has_state: true,
        asked: None,
    }
}

fn full(destination: DestinationSyncMode) -> Case {
    Case {
        sync_mode: SyncMode::FullRefresh,
        destination,
        ..incremental()
    }
}

fn state(name: &str) -> LaneState {
    LaneState {
        lane: Lane::Stream(StreamId::new(name)),
        kind: StateKind::Stream,
        state: Json::from_value(&json!({"x": 1})),
    }
}

fn one(case: &Case) -> (ConfiguredCatalog, Resume) {
    let mut stream = ConfiguredStream::new(Stream::new("a", json!({})));
    stream.sync_mode = case.sync_mode;
    stream.destination_sync_mode = case.destination;
    stream.stream.is_resumable = Some(case.resumable);
    let generation = |(generation, complete, truncates)| Generation {
        stream: StreamId::new("a"),
        generation,
        complete,
        truncates,
    };
    let resume = Resume {
        states: case.has_state.then(|| state("a")).into_iter().collect(),
        generations: case.known.map(generation).into_iter().collect(),
        ..Resume::default()
    };
    let catalog = ConfiguredCatalog {
        streams: vec![stream],
        ..Default::default()
    };
    (catalog, resume)
}

/// `expected`: generation, minimum, whether the state is dropped (or there is none).
#[track_caller]
fn check(case: &Case, expected: (i64, i64, bool)) {
    let (mut catalog, resume) = one(case);
    let asked = case.asked.map(|asked| (StreamId::new("a"), asked));
    let beginning = begin(&mut catalog, &resume, &asked.into_iter().collect(), 7);
    let stream = &catalog.streams[0];
    let (generation, minimum) = (
        stream.generation_id.unwrap(),
        stream.minimum_generation_id.unwrap(),
    );
    assert_eq!((generation, minimum, beginning.states.is_empty()), expected);
    assert_eq!(stream.sync_id, Some(7));
    // A retry has to find what it goes on with.
    if let Some(noted) = beginning.generations.first() {
        let replaces = case.destination == DestinationSyncMode::Overwrite || noted.truncates;
        assert_eq!((noted.generation, minimum > 0), (generation, replaces));
    }
}

const MERGE: Option<Asked> = Some(Asked {
    mode: RefreshMode::Merge,
    despite_state: false,
});
const TRUNCATE: Option<Asked> = Some(Asked {
    mode: RefreshMode::Truncate,
    despite_state: false,
});

#[test]
fn an_ordinary_incremental_sync_goes_on_with_its_copy() {
    check(&incremental(), (3, 0, false));
    let first = Case {
        known: None,
        ..incremental()
    };
    check(&first, (0, 0, false));
    check(
        &Case {
            has_state: false,
            ..first
        },
        (0, 0, true),
    );
    let unfinished = Some((3, false, false));
    check(
        &Case {
            known: unfinished,
            ..incremental()
        },
        (3, 0, false),
    );
}

#[test]
fn a_full_refresh_that_appends_is_a_new_copy() {
    let case = full(DestinationSyncMode::Append);
    check(&case, (4, 0, true));
    check(
        &Case {
            known: None,
            ..case
        },
        (1, 0, true),
    );
}

#[test]
fn an_overwrite_is_a_new_copy_in_place_of_the_others() {
    let case = full(DestinationSyncMode::Overwrite);
    check(&case, (4, 4, true));
    check(
        &Case {
            resumable: true,
            ..case
        },
        (4, 4, true),
    );
}

#[test]
fn a_refresh_that_merges_keeps_the_old_rows() {
    let case = Case {
        asked: MERGE,
        has_state: false,
        ..incremental()
    };
    check(&case, (4, 0, true));
    // A state that was taken away by hand alone does the same.
    check(
        &Case {
            asked: None,
            ..case
        },
        (4, 0, true),
    );
}

#[test]
fn a_refresh_that_truncates_drops_them() {
    let case = Case {
        asked: TRUNCATE,
        has_state: false,
        ..incremental()
    };
    check(&case, (4, 4, true));
    let dedup = DestinationSyncMode::AppendDedup;
    check(
        &Case {
            destination: dedup,
            ..case.clone()
        },
        (4, 4, true),
    );
    let full = Case {
        asked: TRUNCATE,
        ..full(DestinationSyncMode::Append)
    };
    check(&full, (4, 4, true));
    // Somebody put the state back since: nothing is read anew, so nothing may go.
    check(
        &Case {
            has_state: true,
            ..case
        },
        (3, 0, false),
    );
}

#[test]
fn a_refresh_that_truncates_is_gone_on_with_until_it_is_complete() {
    let begun = Case {
        known: Some((4, false, true)),
        ..incremental()
    };
    check(&begun, (4, 4, false));
    check(
        &Case {
            has_state: false,
            ..begun.clone()
        },
        (5, 5, true),
    );
    let done = Case {
        known: Some((4, true, false)),
        ..begun.clone()
    };
    check(&done, (4, 0, false));
    // Whoever asks again has the last word.
    check(
        &Case {
            has_state: false,
            asked: MERGE,
            ..begun
        },
        (5, 0, true),
    );
}

#[test]
fn a_stream_with_new_columns_is_read_anew_despite_its_state() {
    let asked = |mode| {
        Some(Asked {
            mode,
            despite_state: true,
        })
    };
    check(
        &Case {
            asked: asked(RefreshMode::Merge),
            ..incremental()
        },
        (4, 0, true),
    );
    check(
        &Case {
            asked: asked(RefreshMode::Truncate),
            ..incremental()
        },
        (4, 4, true),
    );
}

#[test]
fn a_retry_begins_a_new_copy_unless_the_stream_can_be_resumed() {
    let broken = Case {
        known: Some((3, false, false)),
        ..full(DestinationSyncMode::Overwrite)
    };
    check(&broken, (4, 4, true));
    let resumable = Case {
        resumable: true,
        ..broken
    };
    check(&resumable, (3, 3, false));
    check(
        &Case {
            has_state: false,
            ..resumable
        },
        (4, 4, true),
    );
}

#[test]
fn a_clear_is_an_empty_copy_in_place_of_the_others() {
    for known in [None, Some((3, true, false)), Some((3, false, false))] {
        let (mut catalog, resume) = one(&Case {
            known,
            ..incremental()
        });
        let cleared = clear(&mut catalog, &resume, true, 9).unwrap();
        let stream = &catalog.streams[0];
        let expected = Some(known.map_or(1, |(generation, ..)| generation + 1));
        assert_eq!(
            (stream.generation_id, stream.minimum_generation_id),
            (expected, expected)
        );
        assert_eq!(stream.sync_id, Some(9));
        assert!(cleared.states.is_empty() && cleared.generations[0].truncates);
        assert_eq!(cleared.clear, [state("a").lane, Lane::Global]);
    }
}

fn whole(kind: StateKind, text: &'static str) -> LaneState {
    LaneState {
        lane: Lane::Global,
        kind,
        state: Json::parse_text(text).unwrap(),
    }
}

#[test]
fn single_streams_are_cleared_only_out_of_states_that_can_be_divided() {
    let check = |state: LaneState, is_possible: bool| {
        let (mut catalog, mut resume) = one(&incremental());
        resume.states = vec![state.clone()];
        let cleared = clear(&mut catalog, &resume, false, 1);
        assert_eq!(cleared.is_ok(), is_possible, "{state:?}");
        assert_eq!(is_divisible(&state), is_possible);
        if let Err(error) = cleared {
            assert_eq!(*error.code(), code::STATE_INDIVISIBLE);
        }
        clear(&mut catalog, &resume, true, 1).unwrap();
    };
    check(state("a"), true);
    check(whole(StateKind::Global, GLOBAL), true);
    check(whole(StateKind::Global, r#"{"shared_state":1}"#), false);
    check(whole(StateKind::Global, r#"{"stream_states":[]}"#), false);
    check(whole(StateKind::Legacy, "{}"), false);
    check(whole(StateKind::Position, "1"), false);
}

const GLOBAL: &str = r#"{"shared_state":{"lsn":123456789012345678901},"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{}},{"stream_descriptor":{"name":"b"},"stream_state":{}}]}"#;

#[test]
fn a_global_state_loses_only_the_streams_that_are_read_anew() {
    let check = |streams: &[&str], left: Option<usize>| {
        let lanes: Vec<_> = streams
            .iter()
            .map(|s| Lane::Stream(StreamId::new(*s)))
            .collect();
        let mut states = vec![whole(StateKind::Global, GLOBAL)];
        forget(&mut states, &lanes);
        let parts = states.first().map(|state| {
            let value = state.state.to_value().unwrap();
            value["stream_states"].as_array().unwrap().len()
        });
        assert_eq!(parts, left, "{streams:?}");
        if left == Some(2) {
            assert_eq!(states, [whole(StateKind::Global, GLOBAL)]);
        }
    };
    check(&["a"], Some(1));
    check(&["c"], Some(2));
    // What the streams shared goes with the last of them.
    check(&["a", "b"], None);
}
