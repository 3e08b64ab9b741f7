//! Overwriting by generation: old data stays until the new is complete.

use crossdock_core::checkpoint::Lane;
use crossdock_core::destination::{Ending, Mark};
use serde_json::{Value, json};

use crate::rig::{Writer, ids, lane, open, replacing, scratch, stream};

async fn opened(config: &Value, epoch: i64, generation: i64, marks: &[Mark]) -> Writer {
    open(
        "jsonl",
        config,
        vec![replacing("a", generation)],
        epoch,
        marks,
    )
    .await
    .unwrap()
}

/// Writes a complete generation and commits its end.
async fn complete(config: &Value, epoch: i64, generation: i64, range: std::ops::Range<u64>) {
    let mut writer = opened(config, epoch, generation, &[]).await;
    writer.write(1, "a", range).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 1).await;
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_data_stays_until_the_new_is_complete() {
    let root = scratch();
    let config = json!({"path": root.path(), "min_file_bytes": 0});
    complete(&config, 1, 1, 0..5).await;
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);
    std::fs::write(root.path().join("a/notes.jsonl"), "{\"id\":77}\n").unwrap();

    let mut writer = opened(&config, 2, 2, &[]).await;
    writer.write(1, "a", 10..12).await;
    writer.checkpoint(2, &lane("a")).await;
    writer.acks.wait(&lane("a"), 2);
    writer.committed(&lane("a"), 2).await;
    writer.write(3, "a", 12..13).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    assert_eq!(
        ids(root.path(), "a"),
        [0, 1, 2, 3, 4, 77],
        "not yet committed to the end"
    );
    writer.committed(&Lane::Global, 3).await;
    // Only our own files are replaced.
    assert_eq!(ids(root.path(), "a"), [10, 11, 12, 77]);
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_generation_is_resumed_or_replaced() {
    for (generation, expected) in [(2, vec![10, 11, 12]), (3, vec![12])] {
        let root = scratch();
        let config = json!({"path": root.path(), "min_file_bytes": 0});
        complete(&config, 1, 1, 0..5).await;

        let mut writer = opened(&config, 2, 2, &[]).await;
        writer.write(1, "a", 10..12).await;
        writer.checkpoint(2, &lane("a")).await;
        writer.write(3, "a", 90..95).await;
        writer.inner.finish(Ending::Incomplete).await.unwrap();
        writer.committed(&lane("a"), 2).await;
        writer.inner.close().await.unwrap();
        let mark = writer.mark(&lane("a"), 2);
        assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);

        // A run in between that does not get anywhere, and no longer knows the mark.
        let mut writer = opened(&config, 3, generation, &[mark]).await;
        writer.inner.close().await.unwrap();

        let mut writer = opened(&config, 4, generation, &[]).await;
        writer.write(1, "a", 12..13).await;
        writer.inner.finish(Ending::Complete).await.unwrap();
        assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);
        writer.committed(&Lane::Global, 1).await;
        writer.inner.close().await.unwrap();
        assert_eq!(ids(root.path(), "a"), expected, "generation {generation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_last_commit_is_made_good() {
    let root = scratch();
    let config = json!({"path": root.path()});
    complete(&config, 1, 1, 0..5).await;
    let mut writer = opened(&config, 2, 2, &[]).await;
    writer.write(1, "a", 10..12).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    // The engine wrote its last mark and died before it could say so.
    writer.inner.close().await.unwrap();
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);
    let mark = writer.mark(&Lane::Global, 1);
    let mut writer = opened(&config, 3, 3, &[mark]).await;
    assert_eq!(ids(root.path(), "a"), [10, 11]);
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_last_commit_changes_nothing() {
    let root = scratch();
    let config = json!({"path": root.path()});
    complete(&config, 1, 1, 0..5).await;
    let mut writer = opened(&config, 2, 2, &[]).await;
    writer.write(1, "a", 10..12).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.inner.close().await.unwrap();
    let mut writer = opened(&config, 3, 3, &[]).await;
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_generation_empties_the_stream() {
    let root = scratch();
    let config = json!({"path": root.path()});
    complete(&config, 1, 1, 0..5).await;
    let mut writer = opened(&config, 2, 2, &[]).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 0).await;
    writer.inner.close().await.unwrap();
    assert_eq!(ids(root.path(), "a"), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn appending_goes_on_in_the_same_generation() {
    let root = scratch();
    let config = json!({"path": root.path()});
    complete(&config, 1, 4, 0..5).await;
    let mut append = stream("a");
    (append.generation_id, append.minimum_generation_id) = (Some(4), Some(0));
    let mut writer = open("jsonl", &config, vec![append], 2, &[]).await.unwrap();
    writer.write(1, "a", 5..7).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 1).await;
    writer.inner.close().await.unwrap();
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4, 5, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_store_does_not_leave_old_data_in_place() {
    let root = scratch();
    let config = json!({"path": root.path()});
    complete(&config, 5, 3, 0..5).await;
    // The store is gone, so all numbers begin anew.
    complete(&config, 1, 1, 10..12).await;
    assert_eq!(ids(root.path(), "a"), [10, 11]);
    complete(&config, 1, 1, 20..22).await;
    assert_eq!(ids(root.path(), "a"), [20, 21]);
}

#[tokio::test(flavor = "multi_thread")]
async fn appended_files_of_a_lost_store_are_not_overwritten() {
    let root = scratch();
    let config = json!({"path": root.path()});
    for range in [0..3, 3..6] {
        let mut writer = open("jsonl", &config, vec![stream("a")], 1, &[])
            .await
            .unwrap();
        writer.write(1, "a", range).await;
        writer.inner.finish(Ending::Complete).await.unwrap();
        writer.committed(&Lane::Global, 1).await;
        writer.inner.close().await.unwrap();
    }
    let mut all = ids(root.path(), "a");
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
}
