//! Runs into SQLite that die at every point: what readers see is what the stored checkpoints cover,
//! no more and no less (P4).

use std::ops::Range;

use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::destination::{Ending, Mark, Stored};
use crossdock_core::session::Session;
use serde_json::{Value, json};

use crate::rig::{
    Keeper, Writer, copy_folder, lane, open, open_as, registry, replacing, scratch, stream,
};
use crate::sqlite_table::{config, reader};

#[derive(Clone, Debug)]
enum Step {
    Batch(&'static str, Range<u64>),
    Checkpoint(Lane),
    Finish(Ending),
}

async fn stored(config: &Value) -> Vec<Stored> {
    let destination = registry()
        .get("sqlite")
        .unwrap()
        .destination
        .clone()
        .unwrap();
    destination
        .stored(config.clone(), "test pipeline", &Session::default())
        .await
        .unwrap()
}

fn ids(config: &Value, table: &str) -> Vec<u64> {
    let connection = reader(config);
    if !connection.table_exists(None, table).unwrap() {
        return Vec::new();
    }
    let mut select = connection
        .prepare(&format!("SELECT id FROM {table} ORDER BY rowid"))
        .unwrap();
    let rows = select.query_map([], |row| row.get::<_, i64>(0)).unwrap();
    rows.map(|id| u64::try_from(id.unwrap()).unwrap()).collect()
}

/// The rows of `name` that the stored states cover; a state is its checkpoint's number.
fn covered(script: &[Step], stored: &[LaneState], name: &str) -> Vec<u64> {
    let through = stored
        .iter()
        .filter(|s| s.lane == Lane::Global || s.lane == lane(name))
        .map(|s| s.state.to_value().unwrap().as_u64().unwrap())
        .max()
        .unwrap_or(0);
    let batches = script.iter().zip(1..).filter_map(|(step, seq)| match step {
        Step::Batch(of, ids) if *of == name && seq <= through => Some(ids.clone()),
        _ => None,
    });
    batches.flatten().collect()
}

/// Writes the script from the first step on.
async fn play(writer: &mut Writer, script: &[Step]) {
    for (step, seq) in script.iter().zip(1u64..) {
        match step {
            Step::Batch(stream, ids) => writer.write(seq, stream, ids.clone()).await,
            Step::Checkpoint(lane) => writer.checkpoint(seq, lane).await,
            Step::Finish(ending) => writer.inner.finish(*ending).await.unwrap(),
        }
    }
}

fn scripts() -> Vec<Vec<Step>> {
    use Step::{Batch, Checkpoint, Finish};
    let per_stream = vec![
        Batch("a", 0..10),
        Batch("b", 0..3),
        Checkpoint(lane("a")),
        Batch("a", 10..15),
        Checkpoint(lane("b")),
        Batch("b", 3..4),
        Checkpoint(lane("b")),
        Batch("a", 15..16),
        Checkpoint(lane("a")),
        Batch("b", 4..40),
    ];
    let global = vec![
        Batch("a", 0..10),
        Batch("b", 0..2),
        Checkpoint(Lane::Global),
        Batch("a", 10..40),
        Checkpoint(Lane::Global),
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

async fn begin(config: &Value, epoch: i64) -> Writer {
    open("sqlite", config, vec![stream("a"), stream("b")], epoch, &[])
        .await
        .unwrap()
}

/// Dies after each step, without an end. Then the script's rest is written from what the
/// destination remembers: every row is there once.
async fn survive(settings: Value) {
    let mut crashes = 0;
    for script in scripts() {
        for end in 0..script.len() {
            let root = scratch();
            let mut config = config(&root);
            for (key, value) in settings.as_object().unwrap() {
                config[key] = value.clone();
            }
            let mut writer = begin(&config, 1).await;
            play(&mut writer, &script[..end]).await;
            writer.inner.close().await.unwrap();
            let states: Vec<_> = stored(&config).await.into_iter().map(|s| s.state).collect();
            for name in ["a", "b"] {
                let context = format!("{name} {:?} {states:?}", &script[..end]);
                let expected = covered(&script, &states, name);
                assert_eq!(ids(&config, name), expected, "{context}");
            }
            recover(&config, &script, &states).await;
            crashes += 1;
        }
    }
    assert!(crashes >= 36, "{crashes}");
}

/// A source that goes on from the stored states.
async fn recover(config: &Value, script: &[Step], states: &[LaneState]) {
    let mut writer = begin(config, 2).await;
    let mut seq = 0;
    for name in ["a", "b"] {
        let done = covered(script, states, name).len();
        let all = script.iter().filter_map(|step| match step {
            Step::Batch(of, ids) if *of == name => Some(ids.clone()),
            _ => None,
        });
        let all: Vec<u64> = all.flatten().collect();
        let (from, to) = (done as u64, all.len() as u64);
        seq += 1;
        writer.write(seq, name, from..to).await;
    }
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.inner.close().await.unwrap();
    for (name, rows) in [("a", all_of(script, "a")), ("b", all_of(script, "b"))] {
        assert_eq!(ids(config, name), rows, "{name} {states:?}");
    }
}

fn all_of(script: &[Step], name: &str) -> Vec<u64> {
    let batches = script.iter().filter_map(|step| match step {
        Step::Batch(of, ids) if *of == name => Some(ids.clone()),
        _ => None,
    });
    batches.flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_checkpoint_in_a_transaction_of_its_own() {
    survive(json!({"transaction_bytes": 0})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_checkpoints_in_one_transaction() {
    survive(json!({"transaction_bytes": 1_000_000, "max_checkpoint_age_ms": 600_000})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_journal_does_it_too() {
    survive(json!({"transaction_bytes": 3000, "journal_mode": "delete"})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_without_checkpoints_holds_nobody_up() {
    let root = scratch();
    let config = config(&root);
    let mut writer = begin(&config, 1).await;
    // More than is held in memory.
    for seq in 1..=60 {
        writer
            .write(seq, "b", (seq - 1) * 20_000..seq * 20_000)
            .await;
    }
    writer.write(61, "a", 0..5).await;
    writer.checkpoint(62, &lane("a")).await;
    writer.acks.wait(&lane("a"), 62);
    assert_eq!(ids(&config, "a"), [0, 1, 2, 3, 4]);
    assert_eq!(ids(&config, "b"), [0; 0]);
    writer.checkpoint(63, &lane("b")).await;
    writer.acks.wait(&lane("b"), 63);
    assert_eq!(ids(&config, "b"), (0..60 * 20_000).collect::<Vec<_>>());
    writer.inner.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_overtaken_writes_no_more() {
    let root = scratch();
    let config = config(&root);
    let mut old = begin(&config, 1).await;
    old.write(1, "a", 0..5).await;
    let new = begin(&config, 2).await;
    old.checkpoint(2, &lane("a")).await;
    let error = old.inner.finish(Ending::Complete).await.unwrap_err();
    assert_eq!(error.code().name, "store.fenced");
    drop(new);
    assert_eq!(ids(&config, "a"), [0; 0]);
    assert!(stored(&config).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_lost_twice_is_filled_twice() {
    let root = scratch();
    let config = config(&root);
    let mut writer = begin(&config, 7).await;
    writer.write(1, "a", 0..5).await;
    writer.checkpoint(2, &lane("a")).await;
    writer.inner.finish(Ending::Complete).await.unwrap();
    writer.inner.close().await.unwrap();
    let first = stored(&config).await;
    assert_eq!(first.len(), 1);
    for _ in 0..2 {
        // The numbers of a new store begin anew, and there is nothing to move.
        let mut writer = begin(&config, 1).await;
        writer.inner.finish(Ending::Complete).await.unwrap();
        writer.inner.close().await.unwrap();
        let again = stored(&config).await;
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].state, first[0].state);
    }
}

/// The rows of `name` up to the marks.
fn marked(script: &[Step], marks: &[Mark], name: &str) -> Vec<u64> {
    let of = |mark: &&Mark| mark.lane == Lane::Global || mark.lane == lane(name);
    let through = marks.iter().filter(of).map(|mark| mark.seq.0).max();
    let batches = script.iter().zip(1..).filter_map(|(step, seq)| match step {
        Step::Batch(of, ids) if *of == name && Some(seq) <= through => Some(ids.clone()),
        _ => None,
    });
    batches.flatten().collect()
}

/// Beside another destination the engine's marks decide, however far this one was: dies after each
/// step, and goes on from every mark that the engine may have had, or from none.
async fn survive_beside(streams: fn() -> Vec<ConfiguredStream>, is_visible: bool) {
    let mut resumed = 0;
    for script in scripts() {
        for end in 0..=script.len() {
            let root = scratch();
            let died = root.path().join("died");
            std::fs::create_dir(&died).unwrap();
            let at = |folder: &std::path::Path| json!({"path": folder.join("out.db"), "transaction_bytes": 0});
            let config = at(&died);
            let opened = open_as(
                "sqlite",
                &config,
                streams(),
                1,
                &[],
                Keeper::EngineOfSeveral,
            )
            .await;
            let mut writer = opened.unwrap();
            play(&mut writer, &script[..end]).await;
            writer.inner.close().await.unwrap();
            let mut possible = vec![Vec::new()];
            for (step, seq) in script[..end].iter().zip(1..) {
                match step {
                    Step::Checkpoint(lane) if seq <= writer.acks.up_to(lane) => {
                        possible.push(vec![writer.mark(lane, seq)]);
                    }
                    Step::Finish(Ending::Complete) => {
                        possible.push(vec![writer.mark(&Lane::Global, seq)]);
                    }
                    _ => {}
                }
            }
            for (number, marks) in possible.iter().enumerate() {
                let again = root.path().join(format!("again-{number}"));
                copy_folder(&died, &again);
                let config = at(&again);
                let context = format!("{marks:?} after {:?}", &script[..end]);
                let opened = open_as(
                    "sqlite",
                    &config,
                    streams(),
                    2,
                    marks,
                    Keeper::EngineOfSeveral,
                )
                .await;
                let mut writer = opened.unwrap();
                let mut seq = 0;
                for name in ["a", "b"] {
                    let done = marked(&script, marks, name);
                    if is_visible {
                        assert_eq!(ids(&config, name), done, "{name} {context}");
                    }
                    let (from, to) = (done.len() as u64, all_of(&script, name).len() as u64);
                    seq += 1;
                    writer.write(seq, name, from..to).await;
                }
                writer.inner.finish(Ending::Complete).await.unwrap();
                writer.inner.close().await.unwrap();
                for name in ["a", "b"] {
                    assert_eq!(
                        ids(&config, name),
                        all_of(&script, name),
                        "{name} {context}"
                    );
                }
                resumed += 1;
            }
        }
    }
    assert!(resumed > 100, "{resumed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_others_the_marks_decide() {
    survive_beside(|| vec![stream("a"), stream("b")], true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_beside_others_too() {
    survive_beside(|| vec![replacing("a", 5), replacing("b", 5)], false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_is_not_taken_back() {
    let root = scratch();
    let config = config(&root);
    let mut writer = begin(&config, 1).await;
    writer.write(1, "a", 0..5).await;
    writer.checkpoint(2, &lane("a")).await;
    writer.inner.finish(Ending::Incomplete).await.unwrap();
    writer.inner.close().await.unwrap();
    let connection = rusqlite::Connection::open(config["path"].as_str().unwrap()).unwrap();
    let theirs = "INSERT INTO a SELECT * FROM a WHERE id = 0; UPDATE a SET id = 99 WHERE rowid = 6";
    connection.execute_batch(theirs).unwrap();
    let streams = vec![stream("a"), stream("b")];
    let opened = open_as("sqlite", &config, streams, 2, &[], Keeper::EngineOfSeveral).await;
    opened.unwrap().inner.close().await.unwrap();
    assert_eq!(ids(&config, "a"), [99]);
}

/// Where a platform keeps states alone, the destination knows by itself what was committed: dies after each
/// step, with every acknowledged checkpoint committed or all but the last, also right after its commit.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_stays_without_an_engine() {
    let open = async |config: &Value, epoch| {
        let streams = vec![stream("a"), stream("b")];
        let opened = open_as("sqlite", config, streams, epoch, &[], Keeper::Destination).await;
        opened.unwrap()
    };
    let mut deaths = 0;
    for script in scripts() {
        for end in 0..=script.len() {
            for left in 0..2 {
                let root = scratch();
                let config = json!({"path": root.path().join("out.db"), "transaction_bytes": 0});
                let mut writer = open(&config, 1).await;
                play(&mut writer, &script[..end]).await;
                let mut marks = Vec::new();
                for (step, seq) in script[..end].iter().zip(1..) {
                    match step {
                        Step::Checkpoint(lane) if seq <= writer.acks.up_to(lane) => {
                            marks.push(writer.mark(lane, seq));
                        }
                        Step::Finish(Ending::Complete) => {
                            marks.push(writer.mark(&Lane::Global, seq));
                        }
                        _ => {}
                    }
                }
                marks.truncate(marks.len().saturating_sub(left));
                for mark in &marks {
                    writer.inner.committed(mark).await.unwrap();
                }
                writer.inner.close().await.unwrap();
                for epoch in 2..4 {
                    let mut writer = open(&config, epoch).await;
                    for name in ["a", "b"] {
                        let context = format!("{name} {marks:?} after {:?}", &script[..end]);
                        assert_eq!(
                            ids(&config, name),
                            marked(&script, &marks, name),
                            "{context}"
                        );
                    }
                    writer.write(1, "a", 900..905).await;
                    writer.checkpoint(2, &lane("a")).await;
                    writer.inner.close().await.unwrap();
                }
                deaths += 1;
            }
        }
    }
    assert!(deaths > 70, "{deaths}");
}
