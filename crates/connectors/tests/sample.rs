//! The sample source.

use std::time::Duration;

use crossdock_core::batch::Body;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, LaneState};
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, StreamStatus};
use crossdock_core::session::Session;
use crossdock_core::source::{SourceOpening, SourceReader};
use serde_json::{Value, json};

use crate::rig::registry;

async fn start(config: &Value, state: Vec<LaneState>) -> Result<Box<dyn SourceReader>> {
    let source = registry().get("sample").unwrap().source.clone().unwrap();
    let catalog = source.discover(config.clone(), &Session::default()).await?;
    let streams = catalog.streams.into_iter().map(|stream| ConfiguredStream {
        sync_mode: SyncMode::Incremental,
        ..ConfiguredStream::new(stream)
    });
    let catalog = ConfiguredCatalog {
        streams: streams.collect(),
        ..ConfiguredCatalog::default()
    };
    source
        .open(
            config.clone(),
            SourceOpening {
                bounded: true,
                connector: String::new(),
                pipeline: "p".to_owned(),
                shape: crossdock_core::batch::BodyShape::Rows,

                verbatim: None,
                values: true,
                catalog,
                state,
                session: Session::default(),
            },
        )
        .await
}

/// What a read gave.
#[derive(Default, Debug)]
struct Heard {
    records: Vec<(String, Value)>,
    checkpoints: Vec<Checkpoint>,
    statuses: Vec<(String, StreamStatus)>,
    failed: Vec<String>,
    estimates: Vec<u64>,
    error: Option<Error>,
}

async fn listen(reader: &mut dyn SourceReader) -> Heard {
    let mut heard = Heard::default();
    loop {
        match reader.next().await {
            Ok(Event::Batch(batch)) => {
                let converted;
                let rows = match &batch.body {
                    Body::Rows(rows) => rows,
                    Body::Columns(columns) => {
                        converted = columns_to_rows(columns, None).unwrap();
                        &converted
                    }
                };
                for at in 0..rows.len() {
                    let record = serde_json::from_slice(rows.after(at)).unwrap();
                    heard.records.push((batch.stream.to_string(), record));
                }
            }
            Ok(Event::Schema(stream)) => panic!("{} is no news", stream.name),
            Ok(Event::Checkpoint(checkpoint)) => heard.checkpoints.push(checkpoint),
            Ok(Event::Status { stream, status }) => {
                heard.statuses.push((stream.to_string(), status))
            }
            Ok(Event::StreamFailed { stream, .. }) => heard.failed.push(stream.to_string()),
            Ok(Event::Estimate(estimate)) => heard.estimates.extend(estimate.records),
            Ok(Event::Dropped { .. } | Event::Refused(_) | Event::Passed { .. }) => {
                panic!("nothing is dropped")
            }
            Ok(Event::End) => return heard,
            Err(error) => {
                heard.error = Some(error);
                return heard;
            }
        }
    }
}

async fn read(config: Value, state: Vec<LaneState>) -> Heard {
    let mut reader = start(&config, state).await.unwrap();
    let heard = listen(&mut *reader).await;
    reader.close().await.unwrap();
    heard
}

impl Heard {
    fn ids(&self, stream: &str) -> Vec<u64> {
        let of = self.records.iter().filter(|(name, _)| name == stream);
        of.map(|(_, record)| record["id"].as_u64().unwrap())
            .collect()
    }

    /// The last state of each lane.
    fn state(&self) -> Vec<LaneState> {
        let mut states: Vec<LaneState> = Vec::new();
        for Checkpoint {
            lane, kind, state, ..
        } in &self.checkpoints
        {
            states.retain(|s| s.lane != *lane);
            states.push(LaneState {
                lane: lane.clone(),
                kind: *kind,
                state: state.clone(),
            });
        }
        states
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_records_in_any_batches() {
    let one = read(
        json!({"count": 250, "streams": ["x", "y"], "seed": 3}),
        vec![],
    )
    .await;
    let other = read(
        json!({"count": 250, "streams": ["x", "y"], "seed": 3, "batch_records": 7, "checkpoint_every": 10}),
        vec![],
    )
    .await;
    assert_eq!(one.records, other.records);
    assert_eq!(one.ids("x"), (0..250).collect::<Vec<_>>());
    let another = read(
        json!({"count": 250, "streams": ["x", "y"], "seed": 4}),
        vec![],
    )
    .await;
    assert_ne!(one.records, another.records);
    assert_ne!(one.records[0].1, one.records[250].1, "streams differ");
}

#[tokio::test]
async fn columns_hold_what_rows_do() {
    let rows = read(json!({"count": 100, "columns": 13}), vec![]).await;
    let columns = read(
        json!({"count": 100, "columns": 13, "shape": "columns"}),
        vec![],
    )
    .await;
    assert_eq!(rows.ids("sample"), columns.ids("sample"));
    for name in [
        "name",
        "score",
        "is_active",
        "address",
        "tags",
        "account",
        "balance_cents",
        "note",
    ] {
        for (row, column) in rows.records.iter().zip(&columns.records) {
            assert_eq!(row.1[name], column.1[name], "{name}");
        }
    }
}

#[tokio::test]
async fn statuses_checkpoints_and_estimates() {
    let heard = read(
        json!({"count": 25, "checkpoint_every": 10, "streams": 2}),
        vec![],
    )
    .await;
    use StreamStatus::{Complete, Running, Started};
    let expected = ["sample_1", "sample_2"]
        .iter()
        .flat_map(|s| [Started, Running, Complete].map(|status| ((*s).to_owned(), status)));
    assert_eq!(heard.statuses, expected.collect::<Vec<_>>());
    let states: Vec<_> = heard
        .checkpoints
        .iter()
        .map(|c| c.state.to_string())
        .collect();
    let each = [r#"{"next":10}"#, r#"{"next":20}"#, r#"{"next":25}"#];
    assert_eq!(states, [each, each].concat());
    let counts: Vec<_> = heard
        .checkpoints
        .iter()
        .map(|c| c.source_count.unwrap())
        .collect();
    assert_eq!(counts, [10, 10, 5, 10, 10, 5]);
    assert_eq!(heard.estimates, [25, 25]);
    let none = read(json!({"count": 25, "checkpoints": false}), vec![]).await;
    assert_eq!((none.checkpoints.len(), none.records.len()), (0, 25));
}

#[tokio::test]
async fn a_second_run_reads_only_what_is_new() {
    let first = read(json!({"count": 25}), vec![]).await;
    let again = read(json!({"count": 25}), first.state()).await;
    assert_eq!((again.records.len(), again.checkpoints.len()), (0, 0));
    assert_eq!(again.statuses.last().unwrap().1, StreamStatus::Complete);
    let more = read(json!({"count": 40, "batch_records": 4}), first.state()).await;
    assert_eq!(more.ids("sample"), (25..40).collect::<Vec<_>>());
    assert_eq!(more.checkpoints[0].source_count, Some(15));
    let whole = read(json!({"count": 40}), vec![]).await;
    assert_eq!(whole.records[25..], more.records);
}

#[tokio::test]
async fn a_foreign_state_is_refused() {
    let mut state = read(json!({"count": 5}), vec![]).await.state();
    state[0].state = crossdock_core::Json::from_value(&json!({"offset": 3}));
    let error = start(&json!({"count": 5}), state).await.err().unwrap();
    assert_eq!(error.code().name, "protocol.state_invalid");
}

#[tokio::test]
async fn it_breaks_where_it_is_told_to() {
    let config = |how: &str| {
        json!({"count": 20, "streams": 2, "checkpoint_every": 5,
        "fail_after": {"records": 12, "how": how}})
    };
    let error = read(config("error"), vec![]).await;
    assert_eq!((error.records.len(), error.checkpoints.len()), (12, 2));
    assert_eq!(error.error.unwrap().code().name, "connector.failed");
    let incomplete = read(config("incomplete_stream"), vec![]).await;
    assert_eq!(incomplete.failed, ["sample_1"]);
    assert_eq!(incomplete.ids("sample_1").len(), 12);
    assert_eq!(incomplete.ids("sample_2").len(), 20);
    assert!(
        incomplete
            .statuses
            .contains(&("sample_1".to_owned(), StreamStatus::Incomplete))
    );

    let mut hanging = start(&config("hang"), vec![]).await.unwrap();
    let control = hanging.control();
    let mut records = 0;
    while records < 12 {
        if let Event::Batch(batch) = hanging.next().await.unwrap() {
            records += batch.records();
        }
    }
    assert_eq!(records, 12);
    let silence = tokio::time::timeout(Duration::from_millis(50), hanging.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    control.stop();
    let rest = listen(&mut *hanging).await;
    assert_eq!(rest.checkpoints[0].state.to_string(), r#"{"next":12}"#);
}

#[tokio::test]
async fn stopping_drains() {
    let config = json!({"count": 1_000_000_000_u64, "batch_records": 10});
    let mut reader = start(&config, vec![]).await.unwrap();
    let control = reader.control();
    let mut records = 0;
    while records < 30 {
        if let Event::Batch(batch) = reader.next().await.unwrap() {
            records += batch.records();
        }
    }
    control.stop();
    let rest = listen(&mut *reader).await;
    let state = rest.checkpoints.last().unwrap().state.to_string();
    assert_eq!(
        state,
        format!(r#"{{"next":{}}}"#, records + rest.records.len())
    );
    assert!(
        rest.statuses
            .iter()
            .all(|(_, status)| *status != StreamStatus::Complete)
    );
}

#[tokio::test]
async fn the_rate_is_kept_about() {
    let begun = std::time::Instant::now();
    let heard = read(json!({"count": 30, "rate": 100}), vec![]).await;
    assert_eq!(heard.records.len(), 30);
    // The last batch of ten is due after 200 ms.
    assert!(
        begun.elapsed() >= Duration::from_millis(190),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn configurations_that_make_no_sense() {
    let source = registry().get("sample").unwrap().source.clone().unwrap();
    let check = async |config: Value, says: &str| {
        let error = source
            .discover(config, &Session::default())
            .await
            .unwrap_err();
        assert_eq!(error.code().name, "config.invalid");
        assert!(format!("{error:?}").contains(says), "{error:?}");
    };
    check(json!({"streams": "x"}), "a number of streams or a list").await;
    check(json!({"streams": []}), "at least one").await;
    check(json!({"streams": ["a", "a"]}), "twice").await;
    check(json!({"batch_records": 0}), "batch_records").await;
    check(json!({"cuont": 5}), "cuont").await;
}
