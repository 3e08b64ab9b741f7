//! Import and reset by hand.

use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::code::{self, Code};
use crossdock_core::state_array;
use crossdock_core::store::{Edit, Generation, Refresh, RefreshMode, Reviewed, RunStatus, Store};
use crossdock_store::SqliteStore;

use crate::sample::{Place, context, end, id, refused, run, shown, state, states, whole};

const GLOBAL: &str = r#"{"shared_state":{"lsn":12345678901234567890123},"stream_states":[{"stream_descriptor":{"name":"a"},"stream_state":{"c":1}},{"stream_descriptor":{"name":"b"},"stream_state":{"c":2}}]}"#;

#[tokio::test]
async fn an_import_replaces_all_and_is_there_after_reopening() {
    let place = Place::new();
    let store = place.open();
    run(&*store, &[states(&[state("a", "1"), state("b", "2")])]).await;
    store
        .import("p", vec![state("b", "2"), state("c", "3")])
        .await
        .unwrap();
    drop(store);
    let store = place.open();
    assert_eq!(shown(&*store).await, ["b 2", "c 3"]);
    store.import("p", Vec::new()).await.unwrap();
    assert!(shown(&*store).await.is_empty());
    // A pipeline that never ran may be given states.
    store
        .import("new", vec![whole(StateKind::Legacy, "{}")])
        .await
        .unwrap();
    assert_eq!(store.pipelines().await.unwrap(), ["new", "p"]);
}

#[tokio::test]
async fn an_exported_state_can_be_imported_into_another_store() {
    let from = SqliteStore::in_memory().unwrap();
    run(&from, &[states(&[whole(StateKind::Global, GLOBAL)])]).await;
    let array = state_array::export(&from.resume("p").await.unwrap().states);
    let to = SqliteStore::in_memory().unwrap();
    to.import("p", state_array::import(&array.to_string()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        to.resume("p").await.unwrap().states,
        [whole(StateKind::Global, GLOBAL)]
    );
}

#[tokio::test]
async fn an_import_that_cannot_be_kept_changes_nothing() {
    async fn check(wrong: &[LaneState], code: &'static Code) {
        let store = SqliteStore::in_memory().unwrap();
        run(&store, &[states(&[state("a", "1")])]).await;
        refused(store.import("p", wrong.to_vec()).await, code);
        assert_eq!(shown(&store).await, ["a 1"]);
    }
    check(&[state("a", "2"), state("a", "3")], &code::STATE_IMPORT).await;
    check(
        &[state("a", "2"), whole(StateKind::Global, "{}")],
        &code::STATE_MIXED,
    )
    .await;
}

#[tokio::test]
async fn a_reset_forgets_one_stream_or_all() {
    async fn check(before: &[LaneState], stream: Option<&str>, expected: &[&str]) {
        let store = SqliteStore::in_memory().unwrap();
        run(&store, &[states(before)]).await;
        store.reset("p", stream.map(id).as_ref()).await.unwrap();
        assert_eq!(shown(&store).await, expected);
        // The next run has a greater epoch, and history knows what was.
        assert_eq!(store.begin("p").await.unwrap().epoch, 3);
        assert!(store.history("p", None, 10).await.unwrap().len() > before.len());
    }
    let both = [state("a", "1"), state("b", "2")];
    check(&both, Some("a"), &["b 2"]).await;
    check(&both, None, &[]).await;
    let global = [whole(StateKind::Global, GLOBAL)];
    let one = r#"{"shared_state":1,"stream_states":[{"stream_descriptor":{"name":"a"}}]}"#;
    check(&[whole(StateKind::Global, one)], Some("a"), &[]).await;
    let rest = r#"(whole source) {"shared_state":{"lsn":12345678901234567890123},"stream_states":[{"stream_descriptor":{"name":"b"},"stream_state":{"c":2}}]}"#;
    check(&global, Some("a"), &[rest]).await;
    check(&global, None, &[]).await;
    check(&[whole(StateKind::Legacy, "{}")], None, &[]).await;
}

#[tokio::test]
async fn a_reset_that_cannot_be_done_says_why() {
    async fn check(before: &[LaneState], code: &'static Code) {
        let store = SqliteStore::in_memory().unwrap();
        run(&store, &[states(before)]).await;
        let error = refused(store.reset("p", Some(&id("x"))).await, code);
        assert_eq!(context(&error, "stream"), "x");
        assert_eq!(store.resume("p").await.unwrap().states, before);
    }
    check(&[whole(StateKind::Legacy, "{}")], &code::STATE_INDIVISIBLE).await;
    check(&[whole(StateKind::Position, "1")], &code::STATE_INDIVISIBLE).await;
    check(
        &[whole(StateKind::Global, GLOBAL)],
        &code::STORED_STREAM_UNKNOWN,
    )
    .await;
    check(&[state("a", "1")], &code::STORED_STREAM_UNKNOWN).await;
    check(&[], &code::STORED_STREAM_UNKNOWN).await;
}

#[tokio::test]
async fn an_unknown_pipeline_is_not_edited_into_being() {
    let store = SqliteStore::in_memory().unwrap();
    let error = refused(store.reset("p", None).await, &code::PIPELINE_UNKNOWN);
    assert_eq!(context(&error, "pipeline"), "p");
    refused(store.rollback("p", 1).await, &code::PIPELINE_UNKNOWN);
    assert!(store.pipelines().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_changed_by_hand_is_remembered_with_its_epoch() {
    let store = SqliteStore::in_memory().unwrap();
    run(&store, &[states(&[state("a", "1"), state("b", "2")])]).await;
    let edit = |lane, epoch| Edit { lane, epoch };
    store.reset("p", Some(&id("a"))).await.unwrap();
    let first = edit(Lane::Stream(id("a")), 2);
    assert_eq!(
        store.resume("p").await.unwrap().edits,
        std::slice::from_ref(&first)
    );
    store.reset("p", None).await.unwrap();
    store.import("p", Vec::new()).await.unwrap();
    let edits = store.resume("p").await.unwrap().edits;
    assert_eq!(edits.len(), 2, "{edits:?}");
    assert!(edits.contains(&first) && edits.contains(&edit(Lane::Global, 4)));
}

fn refresh(name: &str, mode: Option<RefreshMode>) -> Refresh {
    let stream = id(name);
    Refresh { stream, mode }
}

/// A store whose pipeline has moved `a` and `b` and has these states.
async fn moved(before: &[LaneState]) -> SqliteStore {
    let store = SqliteStore::in_memory().unwrap();
    let lease = store.begin("p").await.unwrap();
    let generation = |name| Generation {
        stream: id(name),
        generation: 1,
        complete: true,
        truncates: false,
    };
    let generations = vec![generation("a"), generation("b")];
    store.set_generations(&lease, generations).await.unwrap();
    store.commit(&lease, states(before)).await.unwrap();
    store
        .finish(&lease, end(RunStatus::Succeeded))
        .await
        .unwrap();
    store
}

#[tokio::test]
async fn a_refresh_forgets_states_and_is_noted_until_it_begins() {
    async fn check(before: &[LaneState], streams: &[&str], expected: &[&str]) {
        let store = moved(before).await;
        let asked: Vec<_> = streams.iter().map(|s| refresh(s, None)).collect();
        store.refresh("p", asked.clone()).await.unwrap();
        assert_eq!(shown(&store).await, expected, "{streams:?}");
        assert_eq!(store.resume("p").await.unwrap().refreshes, asked);
    }
    let both = [state("a", "1"), state("b", "2")];
    check(&both, &["a"], &["b 2"]).await;
    check(&both, &["a", "b"], &[]).await;
    // A stream that never had a state can be read anew as well.
    check(&[state("b", "2")], &["a"], &["b 2"]).await;
    check(&[whole(StateKind::Global, GLOBAL)], &["a", "b"], &[]).await;
    check(&[whole(StateKind::Legacy, "{}")], &["a", "b"], &[]).await;
    check(&[whole(StateKind::Position, "1")], &["a", "b"], &[]).await;
}

#[tokio::test]
async fn a_state_in_one_piece_is_forgotten_with_all_its_streams_or_not_at_all() {
    for kind in [StateKind::Legacy, StateKind::Position] {
        let before = [whole(kind, "7")];
        let store = moved(&before).await;
        let asked = vec![refresh("a", None)];
        refused(store.refresh("p", asked).await, &code::STATE_INDIVISIBLE);
        let resume = store.resume("p").await.unwrap();
        assert_eq!(resume.states, before);
        assert!(resume.refreshes.is_empty());
    }
}

#[tokio::test]
async fn a_refresh_ends_with_the_generation_that_it_begins_or_by_hand() {
    let store = moved(&[state("a", "1"), state("b", "2")]).await;
    let asked = [
        refresh("a", Some(RefreshMode::Truncate)),
        refresh("b", None),
    ];
    store.refresh("p", asked.to_vec()).await.unwrap();
    let lease = store.begin("p").await.unwrap();
    let begun = Generation {
        stream: id("a"),
        generation: 2,
        complete: false,
        truncates: true,
    };
    store.set_generations(&lease, vec![begun]).await.unwrap();
    store.finish(&lease, end(RunStatus::Failed)).await.unwrap();
    let resume = store.resume("p").await.unwrap();
    assert_eq!(resume.refreshes, asked[1..]);
    assert!(resume.generations[0].truncates);
    store.rollback("p", 1).await.unwrap();
    assert!(store.resume("p").await.unwrap().refreshes.is_empty());
    store.refresh("p", asked.to_vec()).await.unwrap();
    store.import("p", Vec::new()).await.unwrap();
    assert!(store.resume("p").await.unwrap().refreshes.is_empty());
}

#[tokio::test]
async fn the_catalog_of_the_last_run_is_kept() {
    let store = SqliteStore::in_memory().unwrap();
    assert_eq!(store.catalog("p").await.unwrap(), None);
    let lease = store.begin("p").await.unwrap();
    let stream = Stream::new(
        "a",
        serde_json::json!({"properties": {"id": {"type": "integer"}}}),
    );
    let catalog = ConfiguredCatalog {
        streams: vec![ConfiguredStream::new(stream)],
        ..ConfiguredCatalog::default()
    };
    store.save_catalog(&lease, catalog.clone()).await.unwrap();
    assert_eq!(store.catalog("p").await.unwrap(), Some(catalog.clone()));
    store
        .finish(&lease, end(RunStatus::Succeeded))
        .await
        .unwrap();
    refused(store.save_catalog(&lease, catalog).await, &code::FENCED);
}

#[tokio::test]
async fn changes_wait_until_they_are_accepted_or_gone() {
    let store = SqliteStore::in_memory().unwrap();
    let catalog = |name: &str| ConfiguredCatalog {
        streams: vec![ConfiguredStream::new(Stream::new(
            name,
            serde_json::json!({}),
        ))],
        ..ConfiguredCatalog::default()
    };
    let reviewed = Reviewed {
        pauses: true,
        changes: serde_json::json!([{"stream": "b"}]),
        catalog: catalog("b"),
    };
    refused(store.accept("p").await, &code::NOTHING_TO_ACCEPT);
    let lease = store.begin("p").await.unwrap();
    store.save_catalog(&lease, catalog("a")).await.unwrap();
    store.save_review(&lease, reviewed.clone()).await.unwrap();
    // Not while a run goes on.
    refused(store.accept("p").await, &code::PIPELINE_BUSY);
    store.finish(&lease, end(RunStatus::Failed)).await.unwrap();
    refused(
        store.save_review(&lease, reviewed.clone()).await,
        &code::FENCED,
    );
    let found = store.review("p").await.unwrap().unwrap();
    assert_eq!((found.run, &found.reviewed), (lease.run, &reviewed));
    assert_eq!(store.catalog("p").await.unwrap(), Some(catalog("a")));
    store.accept("p").await.unwrap();
    assert_eq!(store.catalog("p").await.unwrap(), Some(catalog("b")));
    assert_eq!(store.review("p").await.unwrap(), None);
    refused(store.accept("p").await, &code::NOTHING_TO_ACCEPT);
    // A run that takes what the source offers has nothing left to accept.
    let lease = store.begin("p").await.unwrap();
    store.save_review(&lease, reviewed).await.unwrap();
    store.save_catalog(&lease, catalog("a")).await.unwrap();
    assert_eq!(store.review("p").await.unwrap(), None);
}
