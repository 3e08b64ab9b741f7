//! Runs and their counts.

use crossdock_core::statistics::{RunStatistics, Statistics, StreamStatistics};
use crossdock_core::store::{Commit, RunEnd, RunStatus, Store};
use crossdock_core::{ErrorKind, code};
use crossdock_store::SqliteStore;

use crate::sample::{Place, counts, end, id, run};

fn counted(streams: &[(&str, u64)]) -> Commit {
    Commit {
        streams: streams.iter().map(|(name, n)| counts(name, *n)).collect(),
        ..Commit::default()
    }
}

#[tokio::test]
async fn a_run_is_recorded_with_its_last_counts() {
    let place = Place::new();
    let store = place.open();
    let lease = store.begin("p").await.unwrap();
    let going_on = &store.runs(Some("p"), 1).await.unwrap()[0];
    assert_eq!(
        (going_on.status, going_on.ended_at),
        (RunStatus::Running, None)
    );
    store
        .commit(&lease, counted(&[("b", 1), ("a", 1)]))
        .await
        .unwrap();
    store.commit(&lease, counted(&[("a", 2)])).await.unwrap();
    let statistics = RunStatistics {
        total: Statistics {
            estimated_records: Some(9),
            source_states: 3,
            ..Statistics::default()
        },
        streams: vec![StreamStatistics {
            stream: id("c"),
            of: Statistics::default(),
        }],
    };
    let failed = RunEnd {
        status: RunStatus::Failed,
        error: Some(("connector.exit".to_owned(), "it ended".to_owned())),
        error_kind: Some(ErrorKind::Config),
        streams: counted(&[("c", 3)]).streams,
        statistics: Some(statistics.clone()),
    };
    store.finish(&lease, failed).await.unwrap();
    drop(store);

    let found = place.open().runs(None, 10).await.unwrap().remove(0);
    assert_eq!((found.run, found.epoch), (lease.run, lease.epoch));
    assert_eq!(
        (found.pipeline.as_str(), found.status),
        ("p", RunStatus::Failed)
    );
    assert!(found.started_at > 0 && found.ended_at >= Some(found.started_at));
    assert_eq!(found.error_code.as_deref(), Some("connector.exit"));
    assert_eq!(found.error_message.as_deref(), Some("it ended"));
    assert_eq!(found.error_kind.as_deref(), Some("config"));
    assert_eq!(found.statistics, Some(statistics));
    assert_eq!(
        found.streams,
        counted(&[("b", 1), ("a", 2), ("c", 3)]).streams
    );
}

#[tokio::test]
async fn runs_are_listed_newest_first_up_to_a_limit() {
    let store = SqliteStore::in_memory().unwrap();
    for _ in 0..3 {
        run(&store, &[]).await;
    }
    store.begin("q").await.unwrap();
    let numbers = |runs: Vec<_>| -> Vec<i64> {
        runs.into_iter()
            .map(|r: crossdock_core::store::RunRecord| r.run)
            .collect()
    };
    assert_eq!(numbers(store.runs(Some("p"), 10).await.unwrap()), [3, 2, 1]);
    assert_eq!(numbers(store.runs(None, 2).await.unwrap()), [4, 3]);
    assert_eq!(
        numbers(store.runs(None, usize::MAX).await.unwrap()),
        [4, 3, 2, 1]
    );
    assert!(store.runs(Some("r"), 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_run_whose_store_went_is_closed_by_the_next() {
    let place = Place::new();
    let store = place.open();
    let lost = store.begin("p").await.unwrap();
    store.commit(&lost, counted(&[("a", 1)])).await.unwrap();
    drop(store);
    let store = place.open();
    let lease = store.begin("p").await.unwrap();
    store
        .finish(&lease, end(RunStatus::Cancelled))
        .await
        .unwrap();
    let runs = store.runs(Some("p"), 10).await.unwrap();
    assert_eq!(runs[0].status, RunStatus::Cancelled);
    assert_eq!((runs[1].run, runs[1].status), (lost.run, RunStatus::Failed));
    assert_eq!(
        runs[1].error_code.as_deref(),
        Some(code::RUN_INTERRUPTED.name)
    );
    assert_eq!(runs[1].ended_at, None);
    assert_eq!(runs[1].streams, counted(&[("a", 1)]).streams);
}

#[tokio::test]
async fn whether_a_pipeline_is_run_is_seen_from_elsewhere() {
    let place = Place::new();
    let (runner, onlooker) = (place.open(), place.open());
    assert!(!onlooker.is_held("p").await.unwrap());
    let lease = runner.begin("p").await.unwrap();
    assert!(runner.is_held("p").await.unwrap() && onlooker.is_held("p").await.unwrap());
    assert!(!onlooker.is_held("q").await.unwrap());
    // To look takes nothing away.
    runner
        .finish(&lease, end(RunStatus::Succeeded))
        .await
        .unwrap();
    assert!(!runner.is_held("p").await.unwrap() && !onlooker.is_held("p").await.unwrap());
    let lease = onlooker.begin("p").await.unwrap();
    assert!(runner.is_held("p").await.unwrap());
    // As a process that dies leaves it.
    drop(onlooker);
    assert!(!runner.is_held("p").await.unwrap());
    let run = runner.run(lease.run).await.unwrap().unwrap();
    assert_eq!(run.status, RunStatus::Running);
}
