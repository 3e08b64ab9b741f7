//! Writes to a destination that echoes as it pleases.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use crossdock_airbyte::wire::{Decoder, Message};
use crossdock_core::batch::{Batch, Body};
use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::checkpoint::{Checkpoint, Lane, Seq};
use crossdock_core::destination::{
    Ack, Destination, DestinationOpening, DestinationWriter, Ending,
};
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};

use crate::rig::{GUARD, Rig, catalog};

fn batch(stream: &str, records: usize) -> Batch {
    let line = format!(
        "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"{stream}\",\"data\":{{\"n\": 1}},\"emitted_at\":1}}}}\n"
    );
    let mut messages = Vec::new();
    Decoder::new().decode(&Bytes::from(line.repeat(records)), 0, &mut messages);
    match messages.pop() {
        Some(Message::Records { stream, rows }) => Batch {
            stream,
            body: Body::Rows(rows),
        },
        other => panic!("{other:?}"),
    }
}

fn state(stream: &str, n: u64) -> Arc<Checkpoint> {
    let state = Json::from_value(&json!({"n": n}));
    Arc::new(Checkpoint::stream(StreamId::new(stream), state))
}

fn up_to(stream: &str, seq: u64) -> Ack {
    Ack::UpTo {
        lane: Lane::Stream(StreamId::new(stream)),
        seq: Seq(seq),
    }
}

async fn open(rig: &Rig, config: Value, catalog: ConfiguredCatalog) -> Box<dyn DestinationWriter> {
    let opening = DestinationOpening {
        whole_states: false,
        keeps_refused: false,
        connector: String::new(),
        catalog,
        pipeline: "p".into(),
        epoch: 1,
        marks: Vec::new(),
        marks_decide: false,
        keeps_marks: false,
        acks: rig.ears.clone(),
        session: rig.session.clone(),
    };
    Rig::destination().open(config, opening).await.unwrap()
}

/// Three records and a state of `a`, then of `b`, then of `a` again.
async fn write(writer: &mut Box<dyn DestinationWriter>) {
    for (seq, (stream, n)) in (1..).step_by(2).zip([("a", 1), ("b", 1), ("a", 2)]) {
        writer.write(Seq(seq), batch(stream, 3)).await.unwrap();
        writer
            .checkpoint(Seq(seq + 1), state(stream, n))
            .await
            .unwrap();
    }
}

async fn run(mode: &str) -> (Vec<Ack>, Rig) {
    let rig = Rig::new(|_| {});
    let mut writer = open(&rig, json!({"destination": mode}), catalog(&["a", "b"])).await;
    write(&mut writer).await;
    writer.finish(Ending::Complete).await.unwrap();
    writer.close().await.unwrap();
    let acks = rig.ears.acks.lock().unwrap().clone();
    (acks, rig)
}

#[tokio::test]
async fn echoes_are_acknowledgements() {
    let all = [up_to("a", 2), up_to("b", 4), up_to("a", 6)];
    for (mode, acks, warning) in [
        ("echo", all.to_vec(), None),
        ("no-ids", all.to_vec(), None),
        ("twice", all.to_vec(), Some("again")),
        ("unknown", all.to_vec(), Some("id 99, which it never got")),
        (
            "reverse",
            vec![up_to("a", 6), up_to("b", 4)],
            Some("after a later one"),
        ),
        ("never", Vec::new(), None),
    ] {
        let (seen, rig) = run(mode).await;
        assert_eq!(seen, acks, "{mode}");
        let log = rig.ears.log();
        match warning {
            Some(warning) => assert!(log.contains(warning), "{mode}: {log}"),
            None => assert!(!log.contains("Warn"), "{mode}: {log}"),
        }
    }
}

#[tokio::test]
async fn rejections_come_before_what_covers_them() {
    let (acks, rig) = run("reject").await;
    let rejected = Ack::RejectedCount {
        stream: StreamId::new("a"),
        records: 2,
    };
    assert_eq!(acks[..2], [rejected, up_to("a", 2)]);
    assert!(!rig.ears.log().contains("Warn"));
}

/// What reached the destination's stdin, for an ending and a catalog.
async fn received(
    ending: Ending,
    change: impl FnOnce(&mut ConfiguredCatalog),
) -> (Vec<String>, Rig) {
    let rig = Rig::new(|_| {});
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("stdin.jsonl");
    let mut catalog = catalog(&["a", "b"]);
    change(&mut catalog);
    let mut writer = open(&rig, json!({"destination": "no-ids", "log": log}), catalog).await;
    write(&mut writer).await;
    writer.finish(ending).await.unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    (text.lines().map(str::to_owned).collect(), rig)
}

#[tokio::test]
async fn lines_go_through_and_states_get_their_number() {
    let (lines, _) = received(Ending::Complete, |_| {}).await;
    assert_eq!(lines.len(), 14, "{lines:#?}");
    assert_eq!(
        lines[0],
        r#"{"type":"RECORD","record":{"stream":"a","data":{"n": 1},"emitted_at":1}}"#
    );
    assert_eq!(
        lines[3],
        r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"n":1}},"id":1,"sourceStats":{"recordCount":3}}}"#
    );
    assert!(lines[12].contains(r#"{"stream_descriptor":{"name":"a"},"status":"COMPLETE"}"#));
    assert!(lines[13].contains(r#"{"stream_descriptor":{"name":"b"},"status":"COMPLETE"}"#));
    let (lines, _) = received(Ending::Incomplete, |_| {}).await;
    assert_eq!(lines.len(), 12, "no stream may be finalised: {lines:#?}");
}

#[tokio::test]
async fn renamed_streams_come_back_under_their_own_name() {
    let rename = |catalog: &mut ConfiguredCatalog| {
        catalog.streams[0].target = Some(StreamId::with_namespace("n", "t"));
        catalog.streams[0].selected_fields = Some(vec!["x".into()]);
    };
    let (lines, rig) = received(Ending::Complete, rename).await;
    assert_eq!(
        lines[0],
        r#"{"type":"RECORD","record":{"stream":"t","namespace":"n","data":{},"emitted_at":1}}"#
    );
    assert!(
        lines[3].contains(r#""stream_descriptor":{"name":"t","namespace":"n"}"#),
        "{}",
        lines[3]
    );
    assert!(lines[12].contains(r#""stream_descriptor":{"name":"t","namespace":"n"}"#));
    let acks = rig.ears.acks.lock().unwrap().clone();
    assert_eq!(acks, [up_to("a", 2), up_to("b", 4), up_to("a", 6)]);
}

#[tokio::test]
async fn the_destinations_own_reason_is_told_not_the_broken_pipe() {
    for (mode, message) in [("die", "the disk is full"), ("quit", "closed its input")] {
        let rig = Rig::new(|_| {});
        let mut writer = open(&rig, json!({"destination": mode}), catalog(&["a"])).await;
        let start = std::time::Instant::now();
        let error = loop {
            assert!(start.elapsed() < GUARD, "the failure never shows");
            if let Err(error) = writer.write(Seq(1), batch("a", 2000)).await {
                break error;
            }
        };
        assert_eq!(
            error.message(),
            if mode == "die" {
                message
            } else {
                error.message()
            }
        );
        assert!(error.message().contains(message), "{error:?}");
        writer.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_failure_at_the_end_is_told() {
    let rig = Rig::new(|_| {});
    let mut writer = open(&rig, json!({"destination": "die"}), catalog(&["a"])).await;
    writer.write(Seq(1), batch("a", 1)).await.unwrap();
    let error = writer.finish(Ending::Complete).await.unwrap_err();
    assert_eq!(
        (error.code().name, error.message()),
        ("connector.failed", "the disk is full")
    );
}

#[tokio::test]
async fn a_destination_that_never_finishes_is_ended() {
    let rig = Rig::new(|limits| {
        limits.finish_timeout = Duration::from_millis(300);
        limits.grace = Duration::from_millis(300);
    });
    let mut writer = open(&rig, json!({"destination": "hang"}), catalog(&["a"])).await;
    let error = writer.finish(Ending::Complete).await.unwrap_err();
    assert_eq!(error.code().name, "connector.timeout");
    tokio::time::timeout(GUARD, writer.close())
        .await
        .unwrap()
        .unwrap();
}
