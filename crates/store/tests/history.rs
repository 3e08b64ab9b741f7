//! History and rollback.

use crossdock_core::checkpoint::StateKind;
use crossdock_core::code;
use crossdock_core::store::Store;
use crossdock_store::SqliteStore;

use crate::sample::{id, refused, run, shown, state, states, whole};

/// Newest first: version, run or `-`, lane, state or `-`.
async fn entries(store: &SqliteStore, stream: Option<&str>) -> Vec<String> {
    let stream = stream.map(id);
    let history = store.history("p", stream.as_ref(), 100).await.unwrap();
    let shown = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    history
        .into_iter()
        .map(|e| {
            assert!(e.committed_at > 0);
            assert!(e.state.as_ref().is_none_or(|s| s.lane == e.lane));
            let run = shown(e.run.map(|run| run.to_string()));
            let state = shown(e.state.map(|s| s.state.to_string()));
            format!("{} {run} {} {state}", e.version, e.lane)
        })
        .collect()
}

/// Versions: 1 `a 1, b 1`; 3 `a 2`; 4 reset of b; 5 the whole source.
async fn filled() -> SqliteStore {
    let store = SqliteStore::in_memory().unwrap();
    run(
        &store,
        &[
            states(&[state("a", "1"), state("b", "1")]),
            states(&[state("a", "2")]),
        ],
    )
    .await;
    store.reset("p", Some(&id("b"))).await.unwrap();
    run(&store, &[states(&[whole(StateKind::Legacy, "{}")])]).await;
    store
}

#[tokio::test]
async fn every_change_is_remembered_newest_first() {
    let store = filled().await;
    let all = [
        "5 2 (whole source) {}",
        "5 2 a -",
        "4 - b -",
        "3 1 a 2",
        "1 1 b 1",
        "1 1 a 1",
    ];
    assert_eq!(entries(&store, None).await, all);
    assert_eq!(entries(&store, Some("b")).await, [all[0], all[2], all[4]]);
    let newest = store.history("p", None, 2).await.unwrap();
    assert_eq!(newest.iter().map(|e| e.version).collect::<Vec<_>>(), [5, 5]);
    assert!(store.history("q", None, 2).await.unwrap().is_empty());
}

#[tokio::test]
async fn rollback_brings_back_every_lane_as_it_stood() {
    async fn check(version: i64, expected: &[&str]) {
        let store = filled().await;
        store.rollback("p", version).await.unwrap();
        assert_eq!(shown(&store).await, expected, "version {version}");
        // The way forward is kept too.
        store.rollback("p", 5).await.unwrap();
        assert_eq!(shown(&store).await, ["(whole source) {}"]);
    }
    check(1, &["a 1", "b 1"]).await;
    check(3, &["a 2", "b 1"]).await;
    check(4, &["a 2"]).await;
    check(5, &["(whole source) {}"]).await;
}

#[tokio::test]
async fn rollback_adds_to_the_history_what_it_changes() {
    let store = filled().await;
    store.rollback("p", 4).await.unwrap();
    assert_eq!(
        entries(&store, None).await[..2],
        ["7 - a 2", "7 - (whole source) -"]
    );
    store.rollback("p", 4).await.unwrap();
    assert_eq!(store.history("p", None, 1).await.unwrap()[0].version, 7);
}

#[tokio::test]
async fn unknown_versions_are_refused() {
    let store = filled().await;
    for version in [2, 6, 0, -1, i64::MAX] {
        refused(
            store.rollback("p", version).await,
            &code::STORE_VERSION_UNKNOWN,
        );
    }
    let lease = store.begin("q").await.unwrap();
    store
        .commit(&lease, states(&[state("a", "9")]))
        .await
        .unwrap();
    let foreign = store.history("q", None, 1).await.unwrap()[0].version;
    refused(
        store.rollback("p", foreign).await,
        &code::STORE_VERSION_UNKNOWN,
    );
    assert_eq!(shown(&store).await, ["(whole source) {}"]);
}

#[tokio::test]
async fn the_newest_two_hundred_of_a_lane_are_kept_and_older_ones_not_guessed() {
    let store = SqliteStore::in_memory().unwrap();
    let mut commits = vec![states(&[state("still", "1")])];
    commits.extend((1..=250).map(|n| states(&[state("busy", &n.to_string())])));
    commits.push(states(&[state("late", "1")]));
    run(&store, &commits).await;
    let kept = store.history("p", Some(&id("busy")), 1000).await.unwrap();
    assert_eq!(kept.len(), 200);
    assert_eq!(kept[199].state, Some(state("busy", "51")));
    // How `busy` stood at the version of `still` is not known any more: not "no state".
    refused(store.rollback("p", 1).await, &code::STORE_VERSION_UNKNOWN);
    assert_eq!(shown(&store).await, ["busy 250", "late 1", "still 1"]);
    store.rollback("p", kept[199].version).await.unwrap();
    assert_eq!(shown(&store).await, ["busy 51", "still 1"]);
}
