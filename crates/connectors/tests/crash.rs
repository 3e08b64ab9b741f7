//! Runs that die at every point, and what the next run makes of it (P4).

use std::ops::Range;
use std::path::Path;

use crossdock_core::checkpoint::Lane;
use crossdock_core::destination::{Ending, Mark};
use serde_json::{Value, json};

use crate::rig::{Keeper, Writer, copy_folder, ids, lane, open, open_as, scratch, stream};

#[derive(Clone, Debug)]
enum Step {
    Batch(&'static str, Range<u64>),
    Checkpoint(Lane),
    /// Commits whatever has been acknowledged.
    Commit,
    Finish(Ending),
}

/// What a script would make visible: rows with their items, and the checkpoints.
#[derive(Default)]
struct Expected {
    rows: Vec<(&'static str, u64, Range<u64>)>,
    checkpoints: Vec<(Lane, u64)>,
    committed: Vec<Mark>,
    finished: bool,
    last: u64,
}

impl Expected {
    fn ids(&self, of: &str, marks: &[Mark]) -> Vec<u64> {
        let covered = |seq: u64| {
            marks
                .iter()
                .any(|m| (m.lane == Lane::Global || m.lane == lane(of)) && seq <= m.seq.0)
        };
        let rows = self
            .rows
            .iter()
            .filter(|(stream, seq, _)| *stream == of && covered(*seq));
        rows.flat_map(|(_, _, ids)| ids.clone()).collect()
    }
}

async fn play(writer: &mut Writer, script: &[Step]) -> Expected {
    let mut expected = Expected::default();
    for step in script {
        match step {
            Step::Batch(stream, ids) => {
                expected.last += 1;
                writer.write(expected.last, stream, ids.clone()).await;
                expected.rows.push((stream, expected.last, ids.clone()));
            }
            Step::Checkpoint(lane) => {
                expected.last += 1;
                writer.checkpoint(expected.last, lane).await;
                expected.checkpoints.push((lane.clone(), expected.last));
            }
            Step::Commit => {
                for (lane, seq) in expected.checkpoints.clone() {
                    if seq <= writer.acks.up_to(&lane) {
                        writer.committed(&lane, seq).await;
                        expected.committed.push(writer.mark(&lane, seq));
                    }
                }
            }
            Step::Finish(ending) => {
                writer.inner.finish(*ending).await.unwrap();
                expected.finished = true;
            }
        }
    }
    expected
}

fn scripts() -> Vec<Vec<Step>> {
    use Step::{Batch, Checkpoint, Commit, Finish};
    let per_stream = vec![
        Batch("a", 0..10),
        Checkpoint(lane("a")),
        Batch("b", 0..3),
        Batch("a", 10..15),
        Commit,
        Checkpoint(lane("a")),
        Checkpoint(lane("b")),
        Batch("a", 15..16),
        Commit,
        Batch("b", 3..40),
        Checkpoint(lane("b")),
        Batch("b", 40..41),
    ];
    let global = vec![
        Batch("a", 0..10),
        Batch("b", 0..2),
        Checkpoint(Lane::Global),
        Batch("a", 10..40),
        Checkpoint(Lane::Global),
        Commit,
        Batch("b", 2..4),
        Checkpoint(Lane::Global),
        Batch("a", 40..41),
    ];
    let mut scripts = Vec::new();
    for script in [per_stream, global] {
        for ending in [Ending::Complete, Ending::Incomplete] {
            scripts.push(script.iter().cloned().chain([Finish(ending)]).collect());
        }
    }
    scripts
}

async fn reopened(connector: &str, config: &Value, epoch: i64, marks: &[Mark]) -> Writer {
    let streams = vec![stream("a"), stream("b")];
    let opened = open(connector, config, streams, epoch, marks).await;
    opened.unwrap()
}

async fn alone(connector: &str, config: &Value, epoch: i64) -> Writer {
    let streams = vec![stream("a"), stream("b")];
    let opened = open_as(connector, config, streams, epoch, &[], Keeper::Destination).await;
    opened.unwrap()
}

fn at(config: &Value, path: &Path) -> Value {
    let mut config = config.clone();
    config["path"] = json!(path);
    config
}

/// Dies after each step; recovers from each mark that the engine may have had on disk then; goes
/// on, and dies again without a trace.
async fn survive(connector: &str, config: &Value) {
    for script in scripts() {
        for end in 0..=script.len() {
            let root = scratch();
            let died = root.path().join("died");
            let mut writer = reopened(connector, &at(config, &died), 1, &[]).await;
            let expected = play(&mut writer, &script[..end]).await;
            // Ends the threads when they have done what they were given, and nothing more.
            writer.inner.close().await.unwrap();

            let mut possible: Vec<Vec<Mark>> = vec![expected.committed.clone()];
            for (lane, seq) in &expected.checkpoints {
                let newer = expected
                    .committed
                    .iter()
                    .all(|m| m.lane != *lane || m.seq.0 <= *seq);
                if *seq <= writer.acks.up_to(lane) && newer {
                    let one = [writer.mark(lane, *seq)];
                    possible.push(expected.committed.iter().cloned().chain(one).collect());
                }
            }
            if expected.finished {
                possible.push(vec![writer.mark(&Lane::Global, expected.last)]);
            }
            for (number, marks) in possible.iter().enumerate() {
                let path = root.path().join(format!("recovered-{number}"));
                copy_folder(&died, &path);
                let config = at(config, &path);
                for epoch in 2..4 {
                    let mut writer = reopened(connector, &config, epoch, marks).await;
                    for name in ["a", "b"] {
                        let context = format!("{connector} {name} {:?} {marks:?}", &script[..end]);
                        assert_eq!(ids(&path, name), expected.ids(name, marks), "{context}");
                    }
                    writer.write(1, "a", 900..905).await;
                    drop(writer);
                }
            }
        }
    }
}

/// Where a platform keeps states alone, a file may hold rows behind what was committed, and only the
/// destination knows where those begin.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_stays_without_an_engine() {
    for min_file_bytes in [0, 1500, 3500, 100_000_000] {
        for script in scripts() {
            for end in 0..=script.len() {
                let root = scratch();
                let config = json!({"path": root.path(), "min_file_bytes": min_file_bytes});
                let mut writer = alone("jsonl", &config, 1).await;
                let mut expected = play(&mut writer, &script[..end]).await;
                // What the end made durable is committed too.
                for (lane, seq) in expected.checkpoints.clone() {
                    if seq <= writer.acks.up_to(&lane) {
                        writer.committed(&lane, seq).await;
                        expected.committed.push(writer.mark(&lane, seq));
                    }
                }
                writer.inner.close().await.unwrap();
                for epoch in 2..4 {
                    let mut writer = alone("jsonl", &config, epoch).await;
                    for name in ["a", "b"] {
                        let marks = &expected.committed;
                        let context = format!("{name} {:?} {marks:?}", &script[..end]);
                        assert_eq!(
                            ids(root.path(), name),
                            expected.ids(name, marks),
                            "{context}"
                        );
                    }
                    writer.write(1, "a", 900..905).await;
                    writer.inner.close().await.unwrap();
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jsonl_with_a_file_for_each_checkpoint() {
    survive("jsonl", &json!({"min_file_bytes": 0})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jsonl_with_files_that_hold_several_checkpoints() {
    survive(
        "jsonl",
        &json!({"min_file_bytes": 6000, "compression": "gzip"}),
    )
    .await;
    survive(
        "jsonl",
        &json!({"min_file_bytes": 3500, "metadata_columns": false}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_with_files_that_hold_several_checkpoints() {
    survive(
        "csv",
        &json!({"min_file_bytes": 3000, "compression": "zstd"}),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_with_a_file_for_each_checkpoint() {
    survive("parquet", &json!({"min_file_bytes": 0})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_with_files_that_hold_several_checkpoints() {
    survive("parquet", &json!({"min_file_bytes": 100_000_000})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_data_appears_while_the_run_goes_on() {
    let root = scratch();
    let config = json!({"path": root.path(), "min_file_bytes": 0});
    let mut writer = reopened("jsonl", &config, 7, &[]).await;
    writer.write(1, "a", 0..5).await;
    writer.checkpoint(2, &lane("a")).await;
    writer.acks.wait(&lane("a"), 2);
    assert_eq!(ids(root.path(), "a"), [0; 0], "durable is not committed");
    writer.committed(&lane("a"), 2).await;
    writer.write(3, "a", 5..7).await;
    writer.checkpoint(4, &lane("a")).await;
    writer.acks.wait(&lane("a"), 4);
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 4).await;
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4, 5, 6]);
    writer.committed(&Lane::Global, 4).await;
    writer.inner.close().await.unwrap();
    assert_eq!(ids(root.path(), "a").len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_is_closed_when_its_checkpoint_is_old() {
    let root = scratch();
    let config = json!({"path": root.path(), "max_checkpoint_age_ms": 30});
    let mut writer = reopened("parquet", &config, 1, &[]).await;
    writer.write(1, "a", 0..5).await;
    writer.checkpoint(2, &lane("a")).await;
    // Nothing else happens: the writer's own timer must do it.
    writer.acks.wait(&lane("a"), 2);
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_the_committed_rows_are_visible_at_once() {
    let root = scratch();
    let config = json!({"path": root.path()});
    let mut writer = reopened("parquet", &config, 1, &[]).await;
    writer.write(1, "a", 0..5).await;
    writer.checkpoint(2, &lane("a")).await;
    writer.write(3, "a", 5..9).await;
    writer.inner.finish(Ending::Incomplete).await.unwrap();
    writer.committed(&lane("a"), 2).await;
    assert_eq!(ids(root.path(), "a"), [0, 1, 2, 3, 4]);
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn frequent_checkpoints_do_not_make_tiny_files() {
    let root = scratch();
    let config = json!({"path": root.path()});
    let mut writer = reopened("parquet", &config, 1, &[]).await;
    for at in 0..200 {
        writer.write(at * 2 + 1, "a", at * 10..at * 10 + 10).await;
        writer.checkpoint(at * 2 + 2, &lane("a")).await;
    }
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 400).await;
    assert_eq!(crate::rig::files(root.path(), "a").len(), 1);
    assert_eq!(ids(root.path(), "a"), (0..2000).collect::<Vec<_>>());
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_file_is_closed_without_a_checkpoint() {
    let root = scratch();
    let config = json!({"path": root.path(), "target_file_bytes": 5000});
    let mut writer = reopened("jsonl", &config, 1, &[]).await;
    for at in 0..10 {
        writer.write(at + 1, "a", at * 20..at * 20 + 20).await;
    }
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.committed(&Lane::Global, 10).await;
    let files = crate::rig::files(root.path(), "a");
    assert!(files.len() > 3, "{files:?}");
    assert_eq!(ids(root.path(), "a"), (0..200).collect::<Vec<_>>());
    writer.inner.close().await.unwrap();
}
