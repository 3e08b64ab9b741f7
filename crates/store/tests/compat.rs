//! What an older Crossdock wrote still reads (P12).

use std::collections::BTreeSet;
use std::path::Path;

use crossdock_core::StreamId;
use crossdock_core::checkpoint::{Lane, LaneState, Seq, StateKind};
use crossdock_core::destination::Mark;
use crossdock_core::store::{
    Generation, Refresh, RefreshMode, RunKind, RunStatus, StoredConfig, StreamCounts,
};
use rusqlite::Connection;

use crate::sample::{Place, id, json, run, state, whole};

/// A store as version 1 left it.
fn version_1() -> Place {
    let place = Place::new();
    let connection = Connection::open(&place.path).unwrap();
    connection
        .execute_batch(include_str!("fixture/store_v1.sql"))
        .unwrap();
    place
}

fn public_users() -> StreamId {
    StreamId::with_namespace("public", "users")
}

#[tokio::test]
async fn version_1_resumes() {
    let store = version_1().open();
    let users = Lane::Stream(public_users());
    let resume = store.resume("p").await.unwrap();
    let users_state = LaneState {
        lane: users.clone(),
        kind: StateKind::Stream,
        state: json(r#"{"n":12345678901234567890123}"#),
    };
    assert_eq!(
        resume.states,
        [state("orders", "null"), users_state.clone()]
    );
    let marked = |epoch, lane, seq| Mark {
        epoch,
        lane,
        seq: Seq(seq),
    };
    assert_eq!(
        resume.marks,
        [marked(1, users, 9), marked(4, Lane::Global, 12)]
    );
    let generation = |stream, generation, complete| Generation {
        stream,
        generation,
        complete,
        truncates: false,
    };
    let generations = [
        generation(id("orders"), 3, false),
        generation(public_users(), 1, true),
    ];
    assert_eq!(resume.generations, generations);
    let global = whole(
        StateKind::Global,
        r#"{"shared_state":{},"stream_states":[]}"#,
    );
    assert_eq!(store.resume("q").await.unwrap().states, [global]);
    assert_eq!(store.pipelines().await.unwrap(), ["p", "q"]);
    let config = StoredConfig {
        base: serde_json::json!({"a": 1}),
        config: serde_json::json!({"a": 1, "token": "t"}),
    };
    assert_eq!(
        store.load_config("p", "source").await.unwrap(),
        Some(config)
    );
}

#[tokio::test]
async fn version_1_tells_its_runs_and_its_history() {
    let store = version_1().open();
    let runs = store.runs(None, 10).await.unwrap();
    let statuses: Vec<_> = runs.iter().map(|r| (r.run, r.epoch, r.status)).collect();
    let expected = [
        (4, 1, RunStatus::Cancelled),
        (3, 4, RunStatus::Running),
        (2, 3, RunStatus::Failed),
        (1, 1, RunStatus::Succeeded),
    ];
    assert_eq!(statuses, expected);
    assert_eq!(runs[0].error_message.as_deref(), Some("asked to end"));
    assert!(runs.iter().all(|run| run.kind == RunKind::Sync));
    assert!(
        runs.iter()
            .all(|run| run.statistics.is_none() && run.error_kind.is_none())
    );
    assert_eq!(runs[3].ended_at, Some(1_700_000_001_000));
    let users = StreamCounts {
        stream: public_users(),
        read: 10,
        bytes: 1000,
        written: 6,
        filtered: 1,
        dead_lettered: 1,
        rejected: 1,
        dropped: 1,
        committed: 10,
        checkpoints: 2,
    };
    assert_eq!(runs[3].streams, [users, StreamCounts::new(id("orders"))]);

    let history = store.history("p", Some(&public_users()), 10).await.unwrap();
    let versions: Vec<_> = history
        .iter()
        .map(|e| (e.version, e.run, e.state.is_some()))
        .collect();
    assert_eq!(
        versions,
        [(4, Some(3), true), (3, None, false), (1, Some(1), true)]
    );
    let kinds: Vec<_> = store.history("q", None, 10).await.unwrap();
    let kinds: Vec<_> = kinds
        .into_iter()
        .filter_map(|e| Some(e.state?.kind))
        .collect();
    assert_eq!(
        kinds,
        [StateKind::Position, StateKind::Legacy, StateKind::Global]
    );
}

#[tokio::test]
async fn version_1_goes_on() {
    let store = version_1().open();
    let lease = store.begin("p").await.unwrap();
    assert_eq!((lease.epoch, lease.run), (5, 5));
    drop(store);
    let store = version_1().open();
    run(&*store, &[]).await;
    store.rollback("p", 1).await.unwrap();
    let states = store.resume("p").await.unwrap().states;
    assert_eq!(states[1].state, json(r#"{"n":1}"#));
    let again = Refresh {
        stream: public_users(),
        mode: Some(RefreshMode::Truncate),
    };
    store.refresh("p", vec![again.clone()]).await.unwrap();
    assert_eq!(store.resume("p").await.unwrap().refreshes, [again]);
}

/// Whoever changes a released script instead of adding one is stopped here.
#[test]
fn old_and_new_stores_have_the_same_tables() {
    fn tables(path: &Path) -> BTreeSet<String> {
        let connection = Connection::open(path).unwrap();
        let mut select = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql <> ''")
            .unwrap();
        let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| {
            sql.unwrap()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
    }
    let (old, new) = (version_1(), Place::new());
    drop((old.open(), new.open()));
    assert_eq!(tables(&old.path), tables(&new.path));
}
