//! What goes wrong on the channel (§4.9), both ends in one process, on a clock that stands still until nothing
//! else is left to do.

use std::path::Path;

use bytes::Bytes;
use crossdock_core::batch::{Body, Columns, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::convert::RowsToColumns;
use crossdock_core::schema::StreamSchema;
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};
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

fn schema() -> Value {
    json!({"properties": {"text": {"type": "string"}}})
}

fn catalog() -> ConfiguredCatalog {
    let stream = |name: &str| ConfiguredStream::new(Stream::new(name, schema()));
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

/// Columns of so many records, each with its number and a text of this length.
fn columns(records: usize, size: usize) -> Columns {
    let mut columns = RowsToColumns::new(&StreamSchema::from_json_schema(&schema()), None);
    let (mut text, mut rows) = (String::new(), RowsBuilder::default());
    for number in 0..records {
        let start = text.len();
        text.push_str(&json!({"text": format!("{number} {}", "x".repeat(size))}).to_string());
        rows.push(RowSpans {
            after: Span::new(start, text.len()).unwrap(),
            emitted_at: 1,
            ..RowSpans::default()
        });
    }
    columns
        .append(&rows.finish(Bytes::from(text), None))
        .unwrap();
    columns.finish().unwrap()
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

#[tokio::test]
async fn a_large_batch_comes_whole_and_in_order() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let channel = channel(folder.path(), format);
        let mut outbound = Outbound::listen(&channel, &catalog()).unwrap();
        let mut inbound = connect(&channel);
        let a = StreamId::new("a");
        let (records, size) = (5000, 300);
        let body = Body::Columns(columns(records, size));
        let sending = async {
            outbound
                .records(&a, body, records * size, "p".into())
                .await
                .unwrap();
            outbound.finish().await.unwrap();
        };
        let receiving = async {
            let mut texts = Vec::new();
            while let Some(incoming) = inbound.next().await.unwrap() {
                for incoming in incoming {
                    let Incoming::Records {
                        body: Body::Rows(rows),
                        ..
                    } = incoming
                    else {
                        panic!("{incoming:?}");
                    };
                    for row in 0..rows.len() {
                        texts.push(String::from_utf8_lossy(rows.after(row)).into_owned());
                    }
                }
            }
            texts
        };
        let ((), texts) = tokio::join!(sending, receiving);
        let rest = "x".repeat(size);
        let expected = (0..records).map(|number| format!(r#"{{"text":"{number} {rest}"}}"#));
        assert!(texts.into_iter().eq(expected), "{format:?}");
    }
}
