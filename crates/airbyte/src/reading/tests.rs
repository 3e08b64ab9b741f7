use super::*;
use crate::wire::Decoder;
use bytes::Bytes;
use crossdock_core::catalog::{ConfiguredStream, Stream};

fn reading(names: &[&str]) -> Reading {
    let streams = names
        .iter()
        .map(|name| ConfiguredStream::new(Stream::new(*name, json!({}))))
        .collect();
    let catalog = ConfiguredCatalog {
        streams,
        ..ConfiguredCatalog::default()
    };
    Reading::new(&catalog, &[], false)
}

fn show(steps: &[Step]) -> Vec<String> {
    steps
        .iter()
        .map(|step| match step {
            Step::Emit(Event::Batch(batch)) => format!("{} x{}", batch.stream, batch.records()),
            Step::Emit(Event::Checkpoint(c)) => format!("{} at {}", c.lane, c.state),
            Step::Emit(Event::Status { stream, status }) => format!("{stream} {status:?}"),
            Step::Emit(Event::StreamFailed { stream, error }) => {
                format!("{stream} failed: {}", error.code().name)
            }
            Step::Emit(Event::Refused(_)) => unreachable!("processors refuse"),
            Step::Emit(Event::Passed { .. }) => unreachable!("it is made of checkpoints"),
            Step::Emit(Event::Dropped { records, .. }) => format!("dropped {records}"),
            Step::Emit(Event::Estimate(e)) => format!("estimate {:?} {:?}", e.stream, e.records),
            Step::Emit(Event::Schema(stream)) => format!("schema of {}", stream.name),
            Step::Emit(Event::End) => "end".into(),
            Step::Warn(_) => "warn".into(),
            Step::StreamFailed(stream, error) => format!("{stream} failed: {}", error.message),
            Step::Fail(error) => format!("fail {}", error.code().name),
        })
        .collect()
}

fn check(mut reading: Reading, lines: &[&str], expected: &[&str]) -> Reading {
    let text = lines.join("\n") + "\n";
    let mut messages = Vec::new();
    Decoder::new().decode(&Bytes::from(text), 0, &mut messages);
    let mut steps = Vec::new();
    for message in messages {
        reading.take(message, &mut steps);
    }
    reading.complete(&mut steps);
    assert_eq!(show(&steps), expected);
    reading
}

const A: &str = r#"{"type":"RECORD","record":{"stream":"a","data":{},"emitted_at":1}}"#;
const STARTED: &str = r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"stream_descriptor":{"name":"a"},"status":"STARTED"}}}"#;
const COMPLETE: &str = r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"stream_descriptor":{"name":"a"},"status":"COMPLETE"}}}"#;
const INCOMPLETE: &str = r#"{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1,"stream_status":{"stream_descriptor":{"name":"a"},"status":"INCOMPLETE"}}}"#;
const STATE: &str = r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"a"},"stream_state":{"n":1}}}}"#;
const GLOBAL: &str = r#"{"type":"STATE","state":{"type":"GLOBAL","global":{"stream_states":[]}}}"#;
const ERROR: &str = r#"{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"no","stream_descriptor":{"name":"a"}}}}"#;

#[test]
fn statuses_and_commit_points_are_made_up_where_absent() {
    check(
        reading(&["a", "b"]),
        &[A, A],
        &[
            "a Started",
            "a Running",
            "a x2",
            "a at {}",
            "a Complete",
            "b at {}",
            "b Complete",
        ],
    );
    check(
        reading(&["a"]),
        &[STARTED, A, STATE, COMPLETE],
        &[
            "a Started",
            "a Running",
            "a x1",
            "a at {\"n\":1}",
            "a Complete",
        ],
    );
    check(
        reading(&["a"]),
        &[A, GLOBAL],
        &[
            "a Started",
            "a Running",
            "a x1",
            "(whole source) at {\"stream_states\":[]}",
            "a Complete",
        ],
    );
}

#[test]
fn a_resumable_stream_gets_no_made_up_state() {
    let mut stream = Stream::new("a", json!({}));
    stream.is_resumable = Some(true);
    let catalog = ConfiguredCatalog {
        streams: vec![ConfiguredStream::new(stream)],
        ..ConfiguredCatalog::default()
    };
    check(Reading::new(&catalog, &[], false), &[], &["a Complete"]);
}

#[test]
fn incomplete_streams_fail_though_the_exit_was_good() {
    check(
        reading(&["a", "b"]),
        &[INCOMPLETE],
        &[
            "a Incomplete",
            "a failed: connector.stream_incomplete",
            "b failed: connector.stream_incomplete",
            "b Incomplete",
        ],
    );
    check(
        reading(&["a"]),
        &[STARTED, A],
        &[
            "a Started",
            "a Running",
            "a x1",
            "a failed: connector.stream_incomplete",
            "a Incomplete",
        ],
    );
    let reading = check(
        reading(&["a"]),
        &[ERROR, INCOMPLETE],
        &["a failed: no", "a Incomplete"],
    );
    assert_eq!(reading.cause().unwrap().message, "no");
}

#[test]
fn a_source_that_tells_of_streams_has_to_complete_every_one() {
    let of_b = |line: &str| line.replace("\"a\"", "\"b\"");
    check(
        reading(&["a", "b"]),
        &[STARTED, A, STATE, COMPLETE, &of_b(A)],
        &[
            "a Started",
            "a Running",
            "a x1",
            "a at {\"n\":1}",
            "a Complete",
            "b Started",
            "b Running",
            "b x1",
            "b failed: connector.stream_incomplete",
            "b Incomplete",
        ],
    );
    // What is not of this catalog says nothing of the streams that are.
    check(
        reading(&["a"]),
        &[&of_b(COMPLETE)],
        &["warn", "a at {}", "a Complete"],
    );
}

#[test]
fn what_was_not_asked_for_is_dropped_and_counted() {
    let other = A.replace("\"a\"", "\"x\"");
    check(
        reading(&[]),
        &[
            &other,
            &other,
            &COMPLETE.replace("\"a\"", "\"x\""),
            &other,
            STATE,
        ],
        &["warn", "dropped 2", "warn", "dropped 1", "warn"],
    );
}

#[test]
fn mixed_states_and_unreadable_lines_end_the_read() {
    let seen = |lines: &[&str], expected: &str| {
        let mut steps = Vec::new();
        let mut reading = reading(&["a"]);
        let mut messages = Vec::new();
        Decoder::new().decode(&Bytes::from(lines.join("\n") + "\n"), 0, &mut messages);
        for message in messages {
            reading.take(message, &mut steps);
        }
        assert_eq!(show(&steps).last().map(String::as_str), Some(expected));
    };
    seen(&[STATE, GLOBAL], "fail protocol.state_mixed");
    seen(
        &[GLOBAL, r#"{"type":"STATE","state":{"data":{}}}"#],
        "fail protocol.state_mixed",
    );
    seen(
        &[r#"{"type":"RECORD","record":{"stream":"a","da"#],
        "fail protocol.record_unreadable",
    );
    seen(
        &[r#"{"type":"STATE","state":{"type":"#],
        "fail protocol.state_invalid",
    );
}
