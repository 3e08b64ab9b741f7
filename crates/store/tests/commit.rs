//! Commits: states, marks, counts and generations, and what a run resumes from.

use crossdock_core::checkpoint::{Lane, LaneState, Seq, StateKind};
use crossdock_core::destination::Mark;
use crossdock_core::store::{Commit, Generation, Resume, RunStatus, Store};
use crossdock_core::{StreamId, code};
use crossdock_store::SqliteStore;

use crate::sample::{
    Place, context, counts, end, id, json, lane, mark, refused, run, shown, state, states, whole,
};

#[tokio::test]
async fn everything_committed_is_there_after_reopening() {
    let place = Place::new();
    let store = place.open();
    let lease = store.begin("p").await.unwrap();
    // Every digit and the text itself are kept.
    let users = state("users", r#"{"n":12345678901234567890123, "x":1.10}"#);
    let spaced = LaneState {
        lane: Lane::Stream(StreamId::with_namespace("", "a\u{0}\"b")),
        ..state("x", "null")
    };
    let commit = Commit {
        states: vec![users.clone(), spaced.clone()],
        marks: vec![(lane("users"), Seq(7)), (Lane::Global, Seq(9))],
        streams: vec![counts("users", 5)],
        generations: Vec::new(),
    };
    store.commit(&lease, commit).await.unwrap();
    let generation = |complete| Generation {
        stream: id("users"),
        generation: 3,
        complete,
        truncates: !complete,
    };
    store
        .set_generations(&lease, vec![generation(false)])
        .await
        .unwrap();
    let complete = Commit {
        generations: vec![generation(true)],
        ..Commit::default()
    };
    store.commit(&lease, complete).await.unwrap();
    store
        .finish(&lease, end(RunStatus::Succeeded))
        .await
        .unwrap();
    drop(store);

    let resume = place.open().resume("p").await.unwrap();
    assert_eq!(resume.states, [spaced, users]);
    let marked = |lane, seq| Mark {
        epoch: lease.epoch,
        lane,
        seq: Seq(seq),
    };
    assert_eq!(
        resume.marks,
        [marked(lane("users"), 7), marked(Lane::Global, 9)]
    );
    assert_eq!(resume.generations, [generation(true)]);
}

#[tokio::test]
async fn an_unknown_pipeline_resumes_from_nothing() {
    let store = SqliteStore::in_memory().unwrap();
    let Resume {
        states,
        marks,
        generations,
        edits,
        refreshes,
    } = store.resume("p").await.unwrap();
    assert!(states.is_empty() && marks.is_empty());
    assert!(generations.is_empty() && edits.is_empty() && refreshes.is_empty());
}

#[tokio::test]
async fn pipelines_do_not_touch_each_other() {
    let store = SqliteStore::in_memory().unwrap();
    run(&store, &[states(&[state("a", "1")])]).await;
    let lease = store.begin("q").await.unwrap();
    store
        .commit(&lease, states(&[state("a", "2")]))
        .await
        .unwrap();
    store.reset("p", None).await.unwrap();
    assert_eq!(store.resume("q").await.unwrap().states, [state("a", "2")]);
    assert_eq!(store.pipelines().await.unwrap(), ["p", "q"]);
}

#[tokio::test]
async fn states_of_one_kind_replace_those_of_another() {
    async fn check(first: &[LaneState], second: &[LaneState], expected: &[&str]) {
        let store = SqliteStore::in_memory().unwrap();
        run(&store, &[states(first), states(second)]).await;
        assert_eq!(shown(&store).await, expected);
    }
    let streams = [state("a", "1"), state("b", "2")];
    let global = [whole(StateKind::Global, r#"{"stream_states":[]}"#)];
    let legacy = [whole(StateKind::Legacy, "{}")];
    let position = [whole(StateKind::Position, "8")];
    check(&streams, &[state("b", "3")], &["a 1", "b 3"]).await;
    check(
        &streams,
        &global,
        &[r#"(whole source) {"stream_states":[]}"#],
    )
    .await;
    check(&streams, &legacy, &["(whole source) {}"]).await;
    check(&streams, &position, &["(whole source) 8"]).await;
    check(&global, &streams, &["a 1", "b 2"]).await;
    check(&global, &legacy, &["(whole source) {}"]).await;
    check(&legacy, &streams, &["a 1", "b 2"]).await;
    check(
        &position,
        &global,
        &[r#"(whole source) {"stream_states":[]}"#],
    )
    .await;
    check(&streams, &[], &["a 1", "b 2"]).await;
}

#[tokio::test]
async fn a_commit_that_cannot_be_kept_changes_nothing() {
    async fn check(wrong: &[LaneState], code: &'static code::Code) {
        let store = SqliteStore::in_memory().unwrap();
        let lease = store.begin("p").await.unwrap();
        store
            .commit(&lease, states(&[state("a", "1")]))
            .await
            .unwrap();
        let commit = Commit {
            states: wrong.to_vec(),
            ..mark("a", 5)
        };
        refused(store.commit(&lease, commit).await, code);
        assert_eq!(shown(&store).await, ["a 1"]);
        assert!(store.resume("p").await.unwrap().marks.is_empty());
    }
    let global = whole(StateKind::Global, "{}");
    check(&[state("a", "2"), global.clone()], &code::STATE_MIXED).await;
    let misplaced = LaneState {
        lane: lane("a"),
        ..global
    };
    check(&[misplaced], &code::STATE_INVALID).await;
    let bytes = LaneState {
        state: crossdock_core::Json::from_scanned(b"\"\xff\"".as_slice().into()),
        ..state("a", "2")
    };
    check(&[bytes], &code::STATE_INVALID).await;
}

#[tokio::test]
async fn marks_only_grow_and_keep_their_epochs() {
    let store = SqliteStore::in_memory().unwrap();
    run(&store, &[mark("a", 5), mark("a", 3)]).await;
    run(&store, &[mark("a", 2)]).await;
    store.reset("p", None).await.unwrap();
    let resume = store.resume("p").await.unwrap();
    let found: Vec<_> = resume.marks.iter().map(|m| (m.epoch, m.seq.0)).collect();
    assert_eq!(found, [(1, 5), (2, 2)]);
}

#[tokio::test]
async fn marks_of_old_runs_are_dropped() {
    let store = SqliteStore::in_memory().unwrap();
    // As many as are kept, and some more.
    for _ in 0..1010 {
        run(&store, &[mark("a", 1)]).await;
    }
    let lease = store.begin("p").await.unwrap();
    let marks = store.resume("p").await.unwrap().marks;
    let epochs: Vec<i64> = marks.iter().map(|m| m.epoch).collect();
    assert_eq!(
        epochs,
        (lease.epoch - 1000..lease.epoch).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn clearing_forgets_lanes_and_leaves_others() {
    async fn check(before: &[LaneState], lanes: &[Lane], expected: &[&str]) {
        let store = SqliteStore::in_memory().unwrap();
        run(&store, &[states(before)]).await;
        let lease = store.begin("p").await.unwrap();
        store.clear(&lease, lanes.to_vec()).await.unwrap();
        assert_eq!(shown(&store).await, expected);
    }
    let both = [state("a", "1"), state("b", "2")];
    check(&both, &[lane("a")], &["b 2"]).await;
    check(&both, &[lane("a"), lane("b"), lane("c")], &[]).await;
    check(&both, &[], &["a 1", "b 2"]).await;
    let part = |n: &str| format!(r#"{{"stream_descriptor":{{"name":"{n}"}},"stream_state":{{}}}}"#);
    let global = |parts: &str| format!(r#"{{"shared_state":{{}},"stream_states":[{parts}]}}"#);
    let text = global(&[part("a"), part("b")].join(","));
    let state_of_all = [whole(StateKind::Global, &text)];
    let rest = format!("(whole source) {}", global(&part("b")));
    check(&state_of_all, &[lane("a"), lane("c")], &[&rest]).await;
    check(&state_of_all, &[lane("a"), Lane::Global], &[]).await;
    let legacy = [whole(StateKind::Legacy, "{}")];
    check(&legacy, &[lane("a")], &["(whole source) {}"]).await;
    check(&legacy, &[Lane::Global], &[]).await;
}

#[tokio::test]
async fn one_pipeline_has_one_run_at_a_time() {
    async fn check(first: &dyn Store, second: &dyn Store) {
        let lease = first.begin("p").await.unwrap();
        let error = refused(second.begin("p").await, &code::PIPELINE_BUSY);
        assert_eq!(context(&error, "pid"), std::process::id().to_string());
        assert!(!context(&error, "host").is_empty());
        let started: jiff::Timestamp = context(&error, "started_at").parse().unwrap();
        assert!(started <= jiff::Timestamp::now());
        refused(second.import("p", Vec::new()).await, &code::PIPELINE_BUSY);
        refused(second.reset("p", None).await, &code::PIPELINE_BUSY);
        refused(second.rollback("p", 1).await, &code::PIPELINE_BUSY);
        // Another pipeline is free, and so is this one afterwards.
        second.begin("p/2").await.unwrap();
        first
            .finish(&lease, end(RunStatus::Succeeded))
            .await
            .unwrap();
        let next = second.begin("p").await.unwrap();
        assert!(next.epoch > lease.epoch && next.run > lease.run);
        // A second finish of the first run does not give away the second's pipeline.
        first.finish(&lease, end(RunStatus::Failed)).await.unwrap();
        refused(first.begin("p").await, &code::PIPELINE_BUSY);
        second
            .commit(&next, states(&[state("a", json("1").to_string().as_str())]))
            .await
            .unwrap();
    }
    let memory = SqliteStore::in_memory().unwrap();
    check(&memory, &memory).await;
    let place = Place::new();
    check(&*place.open(), &*place.open()).await;
}
