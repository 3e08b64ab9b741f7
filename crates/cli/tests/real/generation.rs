//! What the destination's catalog says of generations: which copy of a stream's data a run writes,
//! and which older copies may go (Airbyte §3.9).

use serde_json::{Value, json};

use crate::script::{Script, source, stream};

fn steps(with_state: bool) -> Value {
    let mut steps = vec![json!(["records", "a", 2])];
    if with_state {
        steps.push(json!(["state", "a", {"n": 2}]));
    }
    source(&[stream("a")], &Value::Array(steps))
}

fn modes(sync_mode: &str, destination_sync_mode: &str) -> Value {
    json!({"streams": [{"name": "a", "sync_mode": sync_mode,
        "destination_sync_mode": destination_sync_mode}]})
}

/// `(generation_id, minimum_generation_id, sync_id)` in the catalog of the last run.
fn ids(script: &Script) -> (i64, i64, i64) {
    let catalog = script.catalog();
    let stream = &catalog["streams"][0];
    let id = |key: &str| {
        stream[key]
            .as_i64()
            .unwrap_or_else(|| panic!("no {key} in {stream:#}"))
    };
    (
        id("generation_id"),
        id("minimum_generation_id"),
        id("sync_id"),
    )
}

/// Runs thrice; `expected` is by how much the generation grows, and whether it is the minimum too.
fn check(more: &Value, with_state: bool, expected: (i64, bool)) {
    let script = Script::new();
    let mut before: Option<(i64, i64)> = None;
    for run in 1..=3 {
        script.good(steps(with_state), "echo", more.clone());
        let (generation, minimum, sync) = ids(&script);
        let wanted = if expected.1 { generation } else { 0 };
        assert_eq!(minimum, wanted, "{more}: run {run}");
        if let Some((earlier, earlier_sync)) = before {
            assert_eq!(generation, earlier + expected.0, "{more}: run {run}");
            assert!(sync > earlier_sync, "{more}: run {run}: {sync}");
        }
        before = Some((generation, sync));
    }
}

#[test]
fn a_full_refresh_is_a_new_copy() {
    check(&modes("full_refresh", "append"), true, (1, false));
}

#[test]
fn an_overwrite_is_a_new_copy_that_replaces_the_earlier_ones() {
    for with_state in [false, true] {
        check(&modes("full_refresh", "overwrite"), with_state, (1, true));
    }
}

#[test]
fn an_incremental_sync_goes_on_with_its_copy() {
    check(&modes("incremental", "append"), true, (0, false));
}

#[test]
fn a_first_overwrite_replaces_what_others_left() {
    let script = Script::new();
    script.good(steps(true), "echo", modes("full_refresh", "overwrite"));
    let (generation, minimum, _) = ids(&script);
    assert!(generation > 0 && minimum == generation);
}

#[test]
fn a_reset_stream_is_a_new_copy() {
    let more = modes("incremental", "append");
    for reset in [
        &["state", "reset", "p", "--stream", "a"][..],
        &["state", "reset", "p"],
    ] {
        let script = Script::new();
        script.good(steps(true), "echo", more.clone());
        let first = ids(&script);
        script.good(steps(true), "echo", more.clone());
        assert_eq!(ids(&script).0, first.0);
        script.command(reset);
        script.good(steps(true), "echo", more.clone());
        let (generation, minimum, _) = ids(&script);
        assert_eq!((generation, minimum), (first.0 + 1, 0), "{reset:?}");
        script.good(steps(true), "echo", more.clone());
        assert_eq!(ids(&script).0, first.0 + 1, "{reset:?}: only once");
    }
}
