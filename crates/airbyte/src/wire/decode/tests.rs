use super::*;
use crossdock_core::line::LineBuffer;
use proptest::prelude::*;

const NOW: i64 = 42;

/// A message as one line of text, so that tests can compare. Records are shown one by one.
fn show(messages: &[Message]) -> Vec<String> {
    let mut shown = Vec::new();
    for message in messages {
        match message {
            Message::Records { stream, rows } => {
                for index in 0..rows.len() {
                    let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
                    shown.push(format!(
                        "{stream} {} {} {} {}",
                        text(rows.after(index)),
                        rows.emitted_at(index),
                        rows.metadata(index).map(text).unwrap_or_default(),
                        text(rows.line(index).unwrap()).escape_debug(),
                    ));
                }
            }
            Message::State(s) => shown.push(format!("state {} {:?} {}", s.lane, s.kind, s.state)),
            Message::Log(log) => shown.push(format!("log {} {}", log.level, log.message)),
            Message::Trace(trace) => shown.push(format!("trace {}", trace.kind)),
            Message::Control(c) => shown.push(format!("control {}", c.kind)),
            Message::Spec(s) => shown.push(format!("spec {}", s.connection_specification)),
            Message::ConnectionStatus(s) => {
                shown.push(format!("status {} {:?}", s.status, s.message))
            }
            Message::Catalog(c) => shown.push(format!("catalog {}", c.streams.len())),
            Message::DestinationCatalog(c) => shown.push(format!("targets {}", c.operations.len())),
            Message::Unreadable {
                suspect, reason, ..
            } => shown.push(format!("bad {suspect:?}: {reason}")),
            Message::Text(text) => shown.push(format!("text {text}")),
        }
    }
    shown
}

fn decode(parts: &[&[u8]]) -> Vec<String> {
    let mut lines = LineBuffer::new(1 << 20);
    let mut decoder = Decoder::new();
    let mut out = Vec::new();
    for part in parts {
        lines.space().extend_from_slice(part);
        if let Some(run) = lines.take().unwrap() {
            decoder.decode(&run, NOW, &mut out);
        }
    }
    if let Some(rest) = lines.rest() {
        decoder.decode(&rest, NOW, &mut out);
    }
    show(&out)
}

fn check(line: &str, expected: &str) {
    let seen = decode(&[line.as_bytes()]);
    let expected: Vec<String> = expected.lines().map(str::to_owned).collect();
    assert_eq!(seen, expected, "{line}");
}

/// What real connectors print (§1.10).
const GOLDEN: &str = r#"{"type":"LOG","log":{"level":"INFO","message":"Check succeeded"}}
{"type":"CONNECTION_STATUS","connectionStatus":{"status":"SUCCEEDED"}}
{"type":"TRACE","trace":{"type":"STREAM_STATUS","emitted_at":1795289451711.345,"stream_status":{"stream_descriptor":{"name":"products"},"status":"STARTED"}}}
{"type":"TRACE","trace":{"type":"ESTIMATE","emitted_at":1795289451713,"estimate":{"name":"products","type":"STREAM","row_estimate":100,"byte_estimate":18000}}}
{"type":"RECORD","record":{"stream":"products","data":{"id":1,"make":"Mazda"},"emitted_at":1795289451713}}
{"type":"RECORD","record":{"stream":"products","data":{"id":2,"make":"}\\\""},"emitted_at":1795289451714}}
{"type": "RECORD", "record": {"stream": "users", "data": {"id": 18446744073709551616}, "emitted_at": 3}}
{"type":"RECORD","record":{"stream":"products","data":{"id":3},"emitted_at":1795289451715}}
{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"users"},"stream_state":{"seed":1}},"sourceStats":{"recordCount":20.0}}}
{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1795290866835,"error":{"message":"m","failure_type":"config_error"}}}
{"type":"CONTROL","control":{"type":"CONNECTOR_CONFIG","emitted_at":1.5,"connectorConfig":{"config":{"a":1}}}}
{"type": "DEBUG", "message": "Debug logs enabled", "data": {}}

plain text
{"type":"SPEC","spec":{"connectionSpecification":{}}}
{"type":"CATALOG","catalog":{"streams":[]}}
{"type":"DESTINATION_CATALOG","destination_catalog":{"operations":[]}}"#;

fn golden() -> Vec<String> {
    let products = |data: &str, time: &str| {
        let line = format!(
            r#"{{"type":"RECORD","record":{{"stream":"products","data":{data},"emitted_at":{time}}}}}"#
        );
        format!("products {data} {time}  {}\\n", line.escape_debug())
    };
    let users = r#"{"type": "RECORD", "record": {"stream": "users", "data": {"id": 18446744073709551616}, "emitted_at": 3}}"#;
    vec![
        "log INFO Check succeeded".into(),
        "status SUCCEEDED None".into(),
        "trace STREAM_STATUS".into(),
        "trace ESTIMATE".into(),
        products(r#"{"id":1,"make":"Mazda"}"#, "1795289451713"),
        products(r#"{"id":2,"make":"}\\\""}"#, "1795289451714"),
        products(r#"{"id":3}"#, "1795289451715"),
        format!(
            r#"users {{"id": 18446744073709551616}} 3  {}\n"#,
            users.escape_debug()
        ),
        r#"state users Stream {"seed":1}"#.into(),
        "trace ERROR".into(),
        "control CONNECTOR_CONFIG".into(),
        r#"text {"type": "DEBUG", "message": "Debug logs enabled", "data": {}}"#.into(),
        "text plain text".into(),
        "spec {}".into(),
        "catalog 0".into(),
        "targets 0".into(),
    ]
}

#[test]
fn golden_lines_are_understood() {
    assert_eq!(decode(&[GOLDEN.as_bytes()]), golden());
}

#[test]
fn records_come_out_the_same_wherever_the_input_is_cut() {
    // Sorting by stream depends on what arrives together, so sort before comparing.
    let sorted = |mut shown: Vec<String>| {
        shown.sort();
        shown
    };
    let expected = sorted(golden());
    for cut in 0..GOLDEN.len() {
        let (before, after) = GOLDEN.as_bytes().split_at(cut);
        assert_eq!(sorted(decode(&[before, after])), expected, "cut at {cut}");
    }
}

#[test]
fn what_deviates_is_read_leniently() {
    let line = |record: &str| format!(r#"{{"type":"RECORD","record":{{{record}}}}}"#);
    let shown = |data: &str, time: &str, meta: &str, record: &str| {
        format!("s {data} {time} {meta} {}\\n", line(record).escape_debug())
    };
    let unchanged = |data: &str, record: &str| check(&line(record), &shown(data, "1", "", record));
    unchanged("{}", r#""stream":"s","data":{},"emitted_at":1"#);
    unchanged(
        "{}",
        r#""stream":"s","namespace":null,"data":{},"emitted_at":1"#,
    );
    unchanged(
        r#"{"a":"NaN"}"#,
        r#""stream":"s","data":{"a":"NaN"},"emitted_at":1"#,
    );
    check(
        &line(r#""stream":"s","data":{"a":1}"#),
        &shown(
            r#"{"a":1}"#,
            "42",
            "",
            r#""stream":"s","data":{"a":1},"emitted_at":42"#,
        ),
    );
    check(
        &line(r#""stream":"s","data":{"a":1},"emitted_at":7.0"#),
        &shown(
            r#"{"a":1}"#,
            "7",
            "",
            r#""stream":"s","data":{"a":1},"emitted_at":7"#,
        ),
    );
    check(
        &line(r#""stream":"s","data":{},"emitted_at":7.9"#),
        &shown("{}", "7", "", r#""stream":"s","data":{},"emitted_at":7"#),
    );
    let meta =
        r#"{"changes":[{"field":"a","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#;
    check(
        &line(r#""stream": "s", "data": {"a": NaN, "b": "NaN"}, "emitted_at": 1"#),
        &shown(
            r#"{"a": null, "b": "NaN"}"#,
            "1",
            meta,
            &format!(
                r#""stream":"s","data":{{"a": null, "b": "NaN"}},"emitted_at":1,"meta":{meta}"#
            ),
        ),
    );
    check(
        &line(r#""stream":"s","data":null"#),
        "bad Record: `data` is not an object",
    );
    check(
        &line(r#""data":{}"#),
        "bad Record: `stream` is not a string",
    );
    check(r#"{"type":"RECORD"}"#, "bad Record: its payload is missing");
    check(
        r#"{"type":"RECORD","record":{"stream":"s","data":{"a":"#,
        "bad Record: expected a closing bracket at byte 52",
    );
    check(
        r#"{"type":"STATE","state":{"type":"STREAM"}}"#,
        "bad State: it has no `stream`",
    );
    check(
        r#"{"type":"LOG","log":{"level":"INFO"}}"#,
        r#"text {"type":"LOG","log":{"level":"INFO"}}"#,
    );
    check("\r\n\n  \n", "");
}

#[test]
fn rewritten_records_keep_their_place_in_the_stream() {
    let record = |n: usize, time: &str| {
        format!(
            "{{\"type\":\"RECORD\",\"record\":{{\"stream\":\"s\",\"data\":{{\"n\":{n}}}{time}}}}}\n"
        )
    };
    let text: String = (0..6)
        .map(|n| record(n, if n % 3 == 1 { "" } else { ",\"emitted_at\":5" }))
        .collect();
    let seen = decode(&[text.as_bytes()]);
    for (n, seen) in seen.iter().enumerate() {
        assert!(
            seen.starts_with(&format!("s {{\"n\":{n}}} ")),
            "{n}: {seen}"
        );
    }
    assert_eq!(seen.len(), 6);
}

#[test]
fn lines_of_a_stream_share_the_input() {
    let line =
        "{\"type\":\"RECORD\",\"record\":{\"stream\":\"s\",\"data\":{\"n\":1},\"emitted_at\":5}}\n";
    let chunk = Bytes::from(line.repeat(3));
    let mut out = Vec::new();
    Decoder::new().decode(&chunk, NOW, &mut out);
    let [Message::Records { rows, .. }] = out.as_slice() else {
        panic!("{out:?}");
    };
    assert_eq!(rows.line_runs(), std::slice::from_ref(&chunk));
    assert_eq!(rows.buffer().as_ptr(), chunk.as_ptr());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(parts in prop::collection::vec(any::<Vec<u8>>(), 0..4)) {
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        decode(&parts);
    }

    #[test]
    fn nearly_messages_never_panic_and_chunking_changes_nothing(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut text = GOLDEN.as_bytes().to_vec();
        for (index, byte) in edits {
            let at = index.index(text.len());
            text[at] = byte;
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|c| c.index(text.len())).collect();
        cuts.sort_unstable();
        let mut parts = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([text.len()]) {
            parts.push(&text[from..cut]);
            from = cut;
        }
        let mut whole = decode(&[&text]);
        let mut cut = decode(&parts);
        whole.sort();
        cut.sort();
        prop_assert_eq!(whole, cut);
    }
}
