//! Fencing (P4): who was overtaken writes nothing, whatever happened to the locks.

use std::sync::Arc;

use crossdock_core::checkpoint::Seq;
use crossdock_core::code;
use crossdock_core::store::{Commit, Generation, RunStatus, Store};
use crossdock_store::SqliteStore;

use crate::sample::{
    Place, context, counts, end, id, lane, mark, refused, run, shown, state, states,
};

#[tokio::test]
async fn a_zombie_commits_nothing() {
    let place = Place::new();
    let (old, new) = (place.open(), place.open());
    let zombie = old.begin("p").await.unwrap();
    old.commit(&zombie, states(&[state("a", "1")]))
        .await
        .unwrap();
    place.lose_locks();
    let lease = new.begin("p").await.unwrap();

    let commit = Commit {
        states: vec![state("a", "2")],
        marks: vec![(lane("a"), Seq(9))],
        streams: vec![counts("a", 9)],
        generations: Vec::new(),
    };
    let error = refused(old.commit(&zombie, commit).await, &code::FENCED);
    assert_eq!(context(&error, "epoch"), "1");
    assert_eq!(context(&error, "current_epoch"), "2");
    refused(old.clear(&zombie, vec![lane("a")]).await, &code::FENCED);
    let generation = Generation {
        stream: id("a"),
        generation: 1,
        complete: true,
        truncates: false,
    };
    refused(
        old.set_generations(&zombie, vec![generation]).await,
        &code::FENCED,
    );
    // Its end changes nothing either: its successor closed it.
    old.finish(&zombie, end(RunStatus::Succeeded))
        .await
        .unwrap();

    assert_eq!(shown(&*new).await, ["a 1"]);
    let resume = new.resume("p").await.unwrap();
    assert!(resume.marks.is_empty() && resume.generations.is_empty());
    let runs = new.runs(Some("p"), 10).await.unwrap();
    assert_eq!(runs[1].status, RunStatus::Failed);
    assert_eq!(
        runs[1].error_code.as_deref(),
        Some(code::RUN_INTERRUPTED.name)
    );
    assert!(runs[1].streams.is_empty());
    new.commit(&lease, states(&[state("a", "3")]))
        .await
        .unwrap();
    assert_eq!(shown(&*old).await, ["a 3"]);
}

#[tokio::test]
async fn an_edit_by_hand_fences_too() {
    let place = Place::new();
    let (old, new) = (place.open(), place.open());
    let zombie = old.begin("p").await.unwrap();
    place.lose_locks();
    new.import("p", vec![state("a", "7")]).await.unwrap();
    refused(
        old.commit(&zombie, states(&[state("a", "2")])).await,
        &code::FENCED,
    );
    assert_eq!(shown(&*old).await, ["a 7"]);
}

#[tokio::test]
async fn an_ended_run_and_a_foreign_lease_commit_nothing() {
    let store = SqliteStore::in_memory().unwrap();
    let lease = store.begin("p").await.unwrap();
    store
        .finish(&lease, end(RunStatus::Succeeded))
        .await
        .unwrap();
    refused(store.commit(&lease, mark("a", 1)).await, &code::FENCED);
    let mut foreign = store.begin("p").await.unwrap();
    foreign.pipeline = "q".to_owned();
    refused(store.commit(&foreign, mark("a", 1)).await, &code::FENCED);
}

#[tokio::test]
async fn dropping_the_store_gives_its_pipelines_free() {
    let place = Place::new();
    let (first, second) = (place.open(), place.open());
    first.begin("p").await.unwrap();
    refused(second.begin("p").await, &code::PIPELINE_BUSY);
    drop(first);
    second.begin("p").await.unwrap();
}

#[tokio::test]
async fn a_lease_that_nobody_takes_is_given_back() {
    let place = Place::new();
    let store = place.open();
    for _ in 0..50 {
        let mut begin = store.begin("p");
        // Polled once, so that it is sent, then forgotten.
        let waker = std::task::Waker::noop();
        let _ = begin
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
        drop(begin);
    }
    // Jobs are done in order: the last one's end may still be under way at the first attempt.
    let taken = async {
        loop {
            match store.begin("p").await {
                Ok(lease) => break lease,
                Err(error) => assert_eq!(error.code(), &code::PIPELINE_BUSY, "{error:?}"),
            }
        }
    };
    let guard = std::time::Duration::from_secs(60);
    let lease = tokio::time::timeout(guard, taken)
        .await
        .expect("the pipeline stayed busy");
    store.commit(&lease, mark("a", 1)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_handles_take_turns_and_lose_nothing() {
    const ROUNDS: u64 = 60;
    let place = Place::new();
    let mut tasks = Vec::new();
    for _ in 0..2 {
        let store: Arc<dyn Store> = place.open();
        tasks.push(tokio::spawn(async move {
            let mut done = 0;
            while done < ROUNDS {
                let lease = match store.begin("p").await {
                    Ok(lease) => lease,
                    Err(error) => {
                        assert_eq!(error.code(), &code::PIPELINE_BUSY, "{error:?}");
                        tokio::task::yield_now().await;
                        continue;
                    }
                };
                // Read, add one, write: only safe if no other run comes between.
                let resume = store.resume("p").await.unwrap();
                let before: u64 = resume
                    .states
                    .first()
                    .map_or(0, |s| s.state.to_string().parse().unwrap());
                let after = state("a", &(before + 1).to_string());
                store.commit(&lease, states(&[after])).await.unwrap();
                store
                    .finish(&lease, end(RunStatus::Succeeded))
                    .await
                    .unwrap();
                done += 1;
            }
        }));
    }
    // Meanwhile a third one is busy with another pipeline in the same file.
    let other = place.open();
    let lease = other.begin("q").await.unwrap();
    for n in 0..ROUNDS {
        other
            .commit(&lease, states(&[state("b", &n.to_string())]))
            .await
            .unwrap();
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(shown(&*other).await, [format!("a {}", 2 * ROUNDS)]);
    run(&*other, &[]).await;
}
