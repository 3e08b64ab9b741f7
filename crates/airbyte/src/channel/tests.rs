//! What goes wrong on the channel (§4.9), both ends in one process, on a clock that stands still until nothing
//! else is left to do.

use std::path::Path;

use bytes::Bytes;
use crossdock_core::batch::{Body, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::stream::StreamId;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixListener;
use tokio::time::{Duration, Instant};

use super::*;
use crate::wire::protobuf::{FrameWriter, Layout, Wanted};

const FORMATS: [Format; 2] = [Format::Jsonl, Format::Protobuf(Layout::V2)];
/// How long either side waits for the other (§4.3).
const PATIENCE: Duration = Duration::from_secs(15 * 60);

fn channel(folder: &Path, format: Format) -> DataChannel {
    DataChannel {
        format,
        paths: ["1", "2"].map(|name| folder.join(name)).into(),
    }
}

fn catalog() -> ConfiguredCatalog {
    let stream = |name: &str| {
        let schema = json!({"properties": {"text": {"type": "string"}}});
        ConfiguredStream::new(Stream::new(name, schema))
    };
    ConfiguredCatalog {
        streams: vec![stream("a"), stream("b")],
        ..ConfiguredCatalog::default()
    }
}

fn body(size: usize) -> Body {
    let text = json!({"text": "x".repeat(size)}).to_string();
    let mut rows = RowsBuilder::default();
    let after = Span::new(0, text.len()).unwrap();
    rows.push(RowSpans {
        after,
        emitted_at: 1,
        ..RowSpans::default()
    });
    Body::Rows(rows.finish(Bytes::from(text), None))
}

fn connect(channel: &DataChannel) -> Inbound {
    Inbound::connect(channel, &catalog(), Wanted::Rows, 1 << 20)
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_a_quarter_of_an_hour_for_the_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut inbound = connect(&channel(folder.path(), Format::Jsonl));
    let error = inbound.next().await.unwrap_err();
    assert_eq!(error.code().name, "connector.timeout");
    let waited = began.elapsed();
    assert!(
        waited >= PATIENCE && waited < PATIENCE + Duration::from_secs(5),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_does_not_wait_for_a_writer_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut inbound = connect(&channel(folder.path(), Format::Jsonl));
    inbound.writer_ended();
    // Whether something is missing by that, the states tell.
    assert!(inbound.next().await.unwrap().is_none());
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_writer_to_whom_nobody_connects_ends_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let mut outbound =
        Outbound::listen(&channel(folder.path(), Format::Jsonl), &catalog()).unwrap();
    let a = StreamId::new("a");
    outbound.records(&a, body(9), 9, "p".into()).await.unwrap();
    let error = outbound.finish().await.unwrap_err();
    assert_eq!(error.code().name, "connector.timeout");
    assert!(began.elapsed() >= PATIENCE);
}

#[tokio::test]
async fn a_writer_learns_that_its_reader_went_away() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let channel = channel(folder.path(), format);
        let mut outbound = Outbound::listen(&channel, &catalog()).unwrap();
        let a = StreamId::new("a");
        let mut inbound = connect(&channel);
        outbound.records(&a, body(9), 9, "p".into()).await.unwrap();
        assert!(inbound.next().await.unwrap().is_some());
        drop(inbound);
        let error = loop {
            // More than any socket holds back.
            let size = 1 << 16;
            if let Err(error) = outbound.records(&a, body(size), size, "p".into()).await {
                break error;
            }
        };
        assert_eq!(error.code().name, "connector.exit", "{format:?}");
    }
}

#[tokio::test]
async fn an_end_in_the_middle_of_a_frame_is_an_error_after_what_was_whole() {
    let folder = tempfile::tempdir().unwrap();
    let channel = channel(folder.path(), Format::Protobuf(Layout::V2));
    let listeners = channel
        .paths
        .iter()
        .map(|path| UnixListener::bind(path).unwrap());
    let listeners: Vec<_> = listeners.collect();
    let mut frames = Vec::new();
    let Body::Rows(rows) = body(9) else {
        unreachable!()
    };
    let mut writer = FrameWriter::new(Layout::V2, &catalog().streams[0]);
    writer.rows(&rows, "p", &mut frames).unwrap();
    let whole = frames.len();
    writer.rows(&rows, "p", &mut frames).unwrap();
    let mut inbound = connect(&channel);
    for (number, listener) in listeners.iter().enumerate() {
        let (mut socket, _) = listener.accept().await.unwrap();
        if number == 0 {
            socket.write_all(&frames[..whole + 7]).await.unwrap();
        }
    }
    let first = inbound.next().await.unwrap().unwrap();
    assert!(
        matches!(&first[..], [Incoming::Records { .. }]),
        "{first:?}"
    );
    let error = inbound.next().await.unwrap_err();
    assert_eq!(error.code().name, "protocol.line_truncated", "{error:?}");
}
