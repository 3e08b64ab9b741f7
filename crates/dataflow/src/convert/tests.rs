use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Operation, RowSpans, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::event::Event;
use crossdock_core::stream::StreamId;
use proptest::prelude::*;
use serde_json::json;

use super::reading::{Reading, Wanted};
use super::writing::Writing;
use crate::wire::Response;

const NOW: i64 = 1_700_000_000_000;

fn read(lines: &[&str], wanted: Wanted) -> Vec<Event> {
    let mut reading = Reading::new("kafka", &ConfiguredCatalog::default(), wanted);
    for line in lines {
        let Response::Message(view) = Response::read(line.as_bytes()).unwrap() else {
            panic!("{line}");
        };
        reading.take(line.as_bytes(), &view, NOW).unwrap();
    }
    let mut events = Vec::new();
    reading.finish(None, &mut events);
    events
}

fn batches(events: Vec<Event>) -> Vec<Batch> {
    events
        .into_iter()
        .filter_map(|event| match event {
            Event::Batch(batch) => Some(batch),
            _ => None,
        })
        .collect()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const BOTH: Wanted = Wanted {
    lines: true,
    values: true,
};

#[test]
fn messages_become_records() {
    let check = |line: &str, stream: &str, after: &str, before: &str, metadata: &str| {
        let batches = batches(read(&[line], BOTH));
        let Body::Rows(rows) = &batches[0].body else {
            panic!("rows");
        };
        assert_eq!(batches[0].stream.to_string(), stream, "{line}");
        assert_eq!(text(rows.after(0)), after, "{line}");
        assert_eq!(text(rows.before(0).unwrap_or_default()), before, "{line}");
        assert_eq!(
            text(rows.metadata(0).unwrap_or_default()),
            metadata,
            "{line}"
        );
    };
    check(
        r#"{"type":"message","data":"{\"id\":12345678901234567890}","metadata":{"table":"t","schema":"s","x":[1]},"timestamp":"2026-01-15T10:30:00Z"}"#,
        "s.t",
        r#"{"id":12345678901234567890}"#,
        "",
        r#"{"table":"t","schema":"s","x":[1]}"#,
    );
    check(
        r#"{"type":"message","data":"{\"id\":1}","metadata":{"topic":"t"}}"#,
        "t",
        r#"{"id":1}"#,
        "",
        r#"{"topic":"t"}"#,
    );
    check(
        r#"{"type":"message","data":{"id": 1}}"#,
        "kafka",
        r#"{"id":1}"#,
        "",
        "",
    );
    check(
        r#"{"type":"message","data":"{\"id\":1}","metadata":{"operation":"delete"}}"#,
        "kafka",
        "",
        r#"{"id":1}"#,
        r#"{"operation":"delete"}"#,
    );
    check(
        r#"{"type":"message","data":"hello"}"#,
        "kafka",
        r#"{"raw":"hello"}"#,
        "",
        r#"{"crossdock.raw":"after"}"#,
    );
    check(
        r#"{"type":"message","data":"{\"half\":"}"#,
        "kafka",
        r#"{"raw":"{\"half\":"}"#,
        "",
        r#"{"crossdock.raw":"after"}"#,
    );
    check(
        r#"{"type":"message","data":"/wA=","metadata":{"dataflow.encoding":"base64","k":1}}"#,
        "kafka",
        r#"{"raw_base64":"/wA="}"#,
        "",
        r#"{"k":1,"crossdock.raw":"after"}"#,
    );
}

#[test]
fn what_came_goes_out_as_it_came_and_is_completed_where_parts_are_missing() {
    let check = |line: &str, expected: &str| {
        for values in [false, true] {
            let wanted = Wanted {
                lines: true,
                values,
            };
            let batches = batches(read(&[line], wanted));
            let messages = Writing::new(&ConfiguredCatalog::default()).messages(&batches[0]);
            assert_eq!(text(messages.unwrap().get(0)), expected, "{values}");
        }
    };
    check(
        r#"{"type":"message","data":"\u0041","metadata":{ },"timestamp":"2026-01-15T10:30:00+01:00","x":1}"#,
        r#""data":"\u0041","metadata":{ },"timestamp":"2026-01-15T10:30:00+01:00","x":1}"#,
    );
    check(
        r#"{"data":"a","type":"message","timestamp":"2026-01-15T10:30:00Z"}"#,
        r#""data":"a","metadata":{},"timestamp":"2026-01-15T10:30:00Z"}"#,
    );
    check(
        r#"{"type":"message","data":[1, 2],"metadata":{"a":1}}"#,
        r#""data":"[1,2]","metadata":{"a":1},"timestamp":"2023-11-14T22:13:20Z"}"#,
    );
}

#[test]
fn streams_are_told_with_their_columns_before_their_records() {
    let events = read(
        &[
            r#"{"type":"message","data":"{\"id\":1}","metadata":{"table":"a"}}"#,
            r#"{"type":"message","data":"{\"id\":\"x\"}","metadata":{"table":"b"}}"#,
            r#"{"type":"message","data":"{\"id\":2.5}","metadata":{"table":"a"}}"#,
        ],
        BOTH,
    );
    let told: Vec<_> = events
        .iter()
        .map(|event| match event {
            Event::Schema(stream) => {
                format!("{} {}", stream.name, stream.json_schema["properties"])
            }
            Event::Batch(batch) => format!("{} {}", batch.stream, batch.records()),
            _ => String::new(),
        })
        .collect();
    assert_eq!(
        told,
        [
            r#"a {"id":{"type":["null","number"]}}"#,
            r#"b {"id":{"type":["null","string"]}}"#,
            "a 2",
            "b 1",
        ]
    );
}

#[test]
fn records_of_others_say_their_stream_and_operation() {
    let check = |row: [&str; 4], operation: Operation, target: Option<StreamId>, expected: &str| {
        let mut buffer = Vec::new();
        let mut span = |part: &str| {
            let start = buffer.len();
            buffer.extend_from_slice(part.as_bytes());
            Span::new(start, buffer.len()).unwrap()
        };
        let mut rows = RowsBuilder::default();
        let [after, before, key, metadata] = row.map(&mut span);
        rows.push(RowSpans {
            after,
            before,
            key,
            metadata,
            emitted_at: NOW,
            operation,
            line: Span::NONE,
        });
        let id = StreamId::with_namespace("n", "s");
        let mut stream = Stream::new("s", json!({}));
        stream.namespace = Some("n".into());
        let mut configured = ConfiguredStream::new(stream);
        configured.target = target;
        let catalog = ConfiguredCatalog {
            streams: vec![configured],
            ..ConfiguredCatalog::default()
        };
        let batch = Batch {
            stream: id,
            body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
        };
        let messages = Writing::new(&catalog).messages(&batch).unwrap();
        let expected = format!("{expected},\"timestamp\":\"2023-11-14T22:13:20Z\"}}");
        assert_eq!(text(messages.get(0)), expected);
    };
    check(
        [r#"{"a":"x\"y"}"#, "", "", ""],
        Operation::Snapshot,
        None,
        r#""data":"{\"a\":\"x\\\"y\"}","metadata":{"schema":"n","table":"s","operation":"snapshot"}"#,
    );
    check(
        ["", "", r#"{"id":1}"#, r#"{"k":[1]}"#],
        Operation::Delete,
        Some(StreamId::new("t")),
        r#""data":"{\"id\":1}","metadata":{"k":[1],"table":"t","operation":"delete","id":1}"#,
    );
    check(
        [
            r#"{"raw":"hi"}"#,
            "",
            "",
            r#"{"topic":"x","operation":"insert","crossdock.raw":"after"}"#,
        ],
        Operation::Create,
        None,
        r#""data":"hi","metadata":{"topic":"x","operation":"insert"}"#,
    );
    check(
        [
            r#"{"raw_base64":"/wA="}"#,
            "",
            "",
            r#"{"crossdock.raw":"after"}"#,
        ],
        Operation::Create,
        None,
        r#""data":"/wA=","metadata":{"schema":"n","table":"s","operation":"insert","dataflow.encoding":"base64"}"#,
    );
}

proptest! {
    #[test]
    fn any_payload_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut line = b"{\"type\":\"message\",".to_vec();
        let message = crate::wire::Written { data: &bytes, metadata: b"", timestamp: NOW };
        crate::wire::write_message(&mut line, &message);
        line.push(b'}');
        let wanted = Wanted { lines: false, values: true };
        let batches = batches(read(&[text(&line)], wanted));
        let messages = Writing::new(&ConfiguredCatalog::default()).messages(&batches[0]).unwrap();
        let mut again = b"{\"type\":\"message\",".to_vec();
        again.extend_from_slice(messages.get(0));
        let Response::Message(view) = Response::read(&again).unwrap() else { panic!() };
        let mut payload = Vec::new();
        view.payload(&again, &mut payload).unwrap();
        if !bytes.trim_ascii().starts_with(b"{") {
            prop_assert_eq!(payload, bytes);
        }
    }
}
