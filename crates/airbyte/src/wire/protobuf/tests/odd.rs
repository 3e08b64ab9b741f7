//! What is decoded and written beside plain values.

use serde_json::json;

use super::*;
use crossdock_core::batch::{Columns, Operation, Operations};

/// A frame around a message.
fn frame(message: &[u8]) -> Vec<u8> {
    assert!(message.len() < 128);
    [&[message.len() as u8], message].concat()
}

/// A frame around a record.
fn record(record: &[u8]) -> Vec<u8> {
    assert!(record.len() < 126);
    frame(&[&[0x0a, record.len() as u8], record].concat())
}

fn two_fields() -> ConfiguredStream {
    stream(&json!({"b": {"type": "string"}, "a": {"type": "integer"}}))
}

fn shown(wanted: Wanted, frames: &[u8]) -> Vec<String> {
    show(&decode(Layout::V2, &catalog(&two_fields()), wanted, frames))
}

/// Both shapes say the same.
fn check(frames: &[u8], expected: &[&str]) {
    for wanted in [Wanted::Rows, Wanted::Columns] {
        let mut found = shown(wanted, frames);
        for line in &mut found {
            // Rows have the order of the wire, columns that of the schema.
            *line = line.replace(r#"{"b":null,"a":1}"#, r#"{"a":1,"b":null}"#);
            *line = line.replace(r#"{"b":"x","a":1}"#, r#"{"a":1,"b":"x"}"#);
            *line = line.replace(r#"{"b":null,"a":null}"#, r#"{"a":null,"b":null}"#);
        }
        assert_eq!(found, expected, "{wanted:?}");
    }
}

const PLAIN: &[u8] = b"\x12\x01s\x18\x07\x22\x01p\x2a\x02\x18\x02\x2a\x03\x12\x01x";
const PLAIN_SHOWN: &str = r#"s/p 7 {"a":1,"b":"x"}  "#;
const HALF_SHOWN: &str = r#"s/p 7 {"a":1,"b":null}  "#;

#[test]
fn values_are_placed_by_the_order_of_names() {
    check(&record(PLAIN), &[PLAIN_SHOWN]);
    // Missing at the end, and too many.
    check(&record(&PLAIN[..12]), &[HALF_SHOWN]);
    check(
        &record(&[PLAIN, b"\x2a\x02\x18\x02"].concat()),
        &[PLAIN_SHOWN],
    );
    // A value of an unknown case is null, and an unknown field of a record or message is passed over.
    check(
        &record(b"\x12\x01s\x18\x07\x22\x01p\x2a\x02\x18\x02\x2a\x03\xf2\x01\x00"),
        &[HALF_SHOWN],
    );
    check(
        &record(&[PLAIN, b"\x3a\x01z\x45\0\0\0\0"].concat()),
        &[PLAIN_SHOWN],
    );
    check(
        &frame(&[&b"\x20\x01\x0a\x11"[..], PLAIN, b"\x28\x01"].concat()),
        &[PLAIN_SHOWN],
    );
}

#[test]
fn every_form_of_null_is_one() {
    for null in [
        &b"\x68\x01"[..],
        b"\x68\x00",
        b"\x68\x05",
        b"",
        b"\x6a\x00",
        b"\x18\x02\x68\x01",
    ] {
        let value = [&[0x2a, null.len() as u8], null].concat();
        let record = record(&[b"\x12\x01s\x18\x07\x22\x01p", &value[..]].concat());
        check(&record, &[r#"s/p 7 {"a":null,"b":null}  "#]);
    }
}

#[test]
fn of_several_cases_the_last_counts() {
    let value = b"\x12\x01y\x18\x02";
    let record = record(&[&b"\x12\x01s\x18\x07\x22\x01p\x2a\x05"[..], value].concat());
    check(&record, &[HALF_SHOWN]);
}

#[test]
fn the_head_may_stand_anywhere() {
    for odd in [
        &b"\x2a\x02\x18\x02\x2a\x03\x12\x01x\x12\x01s\x18\x07\x22\x01p"[..],
        b"\x22\x01p\x18\x07\x12\x01s\x2a\x02\x18\x02\x2a\x03\x12\x01x",
        b"\x12\x01t\x18\x09\x12\x01s\x18\x07\x22\x01p\x2a\x02\x18\x02\x2a\x03\x12\x01x",
    ] {
        // Also after a usual one, whose head is remembered.
        check(
            &[record(PLAIN), record(odd)].concat(),
            &[PLAIN_SHOWN, PLAIN_SHOWN],
        );
    }
    let later = record(&[PLAIN, b"\x22\x01q"].concat());
    let moved = PLAIN_SHOWN.replace("s/p", "s/q");
    check(&[record(PLAIN), later].concat(), &[PLAIN_SHOWN, &moved]);
}

#[test]
fn partitions_and_messages_part_the_batches() {
    let of = |partition: u8| {
        let mut record = PLAIN.to_vec();
        record[7] = partition;
        super::super::tests::odd::record(&record)
    };
    let state = br#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"s"}},"id":3}}"#;
    let mut message = Vec::new();
    FrameWriter::message(state, &mut message);
    let mut probe = Vec::new();
    FrameWriter::probe(&mut probe);
    let frames = [
        of(b'p'),
        of(b'p'),
        of(b'q'),
        message,
        of(b'q'),
        probe,
        of(b'q'),
    ]
    .concat();
    for wanted in [Wanted::Nothing, Wanted::Rows, Wanted::Columns] {
        let mut batches = Vec::new();
        for framed in decode(Layout::V2, &catalog(&two_fields()), wanted, &frames) {
            batches.push(match framed {
                Framed::Records {
                    partition, body, ..
                } => format!("{partition}{}", body.len()),
                Framed::Message(Message::State(state)) => format!("state {:?}", state.id),
                Framed::Message(other) => format!("{other:?}"),
                Framed::Probe => "probe".into(),
            });
        }
        assert_eq!(batches, ["p2", "q1", "state Some(3)", "q1", "probe", "q1"]);
    }
}

#[test]
fn frames_are_kept_where_they_are_wanted() {
    let frames = [record(PLAIN), record(PLAIN)].concat();
    let line = record(PLAIN).escape_ascii().to_string();
    let nothing = format!("s/p 7   {line}");
    assert_eq!(shown(Wanted::Nothing, &frames), [nothing.clone(), nothing]);
    let both = format!("{PLAIN_SHOWN}{line}");
    assert_eq!(shown(Wanted::RowsAndFrames, &frames), [both.clone(), both]);
    let framed = decode(
        Layout::V1,
        &catalog(&two_fields()),
        Wanted::Nothing,
        &frames,
    );
    let [
        Framed::Records {
            body: Body::Rows(rows),
            ..
        },
    ] = &framed[..]
    else {
        panic!("{framed:?}");
    };
    assert_eq!(rows.form(), Some(super::super::FORM_PROTOBUF_V1));
    // One slice of the memory that came.
    assert_eq!(rows.line_runs(), [&frames[..]]);
}

#[test]
fn records_of_other_streams_are_told_without_values() {
    let other = record(b"\x0a\x01n\x12\x01s\x18\x07\x2a\x02\x18\x02");
    for wanted in [Wanted::Nothing, Wanted::Columns] {
        let line = other.escape_ascii();
        assert_eq!(shown(wanted, &other), [format!("n.s/ 7   {line}")]);
    }
    check(
        &record(b"\x18\x07"),
        &["bad: the record names no stream, at byte 3 of the data channel, in the frame at byte 0"],
    );
}

#[test]
fn a_record_without_a_time_gets_one() {
    check(
        &record(b"\x12\x01s\x22\x01p\x2a\x02\x18\x02\x2a\x03\x12\x01x"),
        &[&PLAIN_SHOWN.replace('7', "42")],
    );
    let endless = b"\x12\x01s\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x22\x01p\x2a\x02\x18\x02";
    check(&record(endless), &[&HALF_SHOWN.replace('7', "42")]);
}

#[test]
fn what_cannot_be_read_is_told_in_its_place() {
    let check = |bad: &[u8], reason: &str, at: usize| {
        let frames = [record(PLAIN), frame(bad), record(PLAIN)].concat();
        let start = record(PLAIN).len();
        let told = format!(
            "bad: {reason}, at byte {} of the data channel, in the frame at byte {start}",
            start + at
        );
        super::odd::check(&frames, &[PLAIN_SHOWN, &told, PLAIN_SHOWN]);
    };
    let cut = "a message ends in the middle of a field";
    check(b"\x0a\x05\x12\x01s", cut, 3);
    check(b"\x0a\x03\x12\x05s", cut, 5);
    check(b"\x0a\x09\x12\x01s\x18\x07\x2a\x05\x18\x02", cut, 10);
    check(b"\x0a\x09\x12\x01s\x18\x07\x2a\x02\x12\x05", cut, 12);
    check(
        b"\x0a\x12\x12\x01s\x18\x07\x2a\x0b\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        cut,
        21,
    );
    check(b"\x0a\x03\x12\x01\xff", "a name is not UTF-8", 3);
    check(
        b"\x0a\x05\x12\x01s\x28\x01",
        "a field of the record is of another type",
        6,
    );
    check(b"\x0a\x00\x1a\x00", "a frame holds two messages", 5);
    check(b"\x0b", "a field is of no type that there is", 1);
    check(b"\x08\x01", cut, 1);
    let other_layout = b"\x0a\x0a\x12\x01s\x18\x07\x2a\x03\x3a\x01x";
    check(
        other_layout,
        "a value is not of the form that its case has in this version of the data channel",
        10,
    );
}

#[test]
fn frames_that_do_not_fit_together_are_an_error() {
    let mut decoder = FrameDecoder::new(Layout::V2, &catalog(&two_fields()), Wanted::Rows);
    for frames in [
        &b"\x05\x1a"[..],
        b"\xff",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ] {
        let error = decoder.decode(&Bytes::copy_from_slice(frames), NOW, &mut Vec::new());
        assert!(error.is_err(), "{frames:?}");
    }
}

#[test]
fn changes_travel_both_ways() {
    let changes = r#"{"changes":[{"field":"b","change":"TRUNCATED","reason":"SOURCE_FIELD_SIZE_LIMITATION"}]}"#;
    let meta = b"\x32\x09\x0a\x07\x0a\x01b\x10\x01\x18\x03";
    let frames = record(&[PLAIN, meta].concat());
    check(
        &frames,
        &[&format!(r#"s/p 7 {{"a":1,"b":"x"}} {changes} "#)],
    );
    for framed in [Wanted::Rows, Wanted::Columns]
        .map(|wanted| decode(Layout::V2, &catalog(&two_fields()), wanted, &frames))
    {
        let [Framed::Records { body, .. }] = &framed[..] else {
            panic!("{framed:?}");
        };
        let mut writer = FrameWriter::new(Layout::V2, &two_fields());
        let mut out = Vec::new();
        match body {
            Body::Rows(rows) => writer.rows(rows, "p", &mut out).unwrap(),
            Body::Columns(columns) => writer.columns(columns, "p", &mut out).unwrap(),
        }
        assert_eq!(out, frames);
    }
    // The reader's own come after those of the wire.
    let odd = [&b"\x12\x01s\x18\x07\x22\x01p\x2a\x03\x12\x01y"[..], meta].concat();
    let added = changes.replace(
        "]}",
        r#",{"field":"a","change":"NULLED","reason":"DESTINATION_TYPECAST_ERROR"}]}"#,
    );
    let found = shown(Wanted::Columns, &record(&odd));
    assert_eq!(found, [format!(r#"s/p 7 {{"b":null,"a":null}} {added} "#)]);
}

#[test]
fn values_that_do_not_suit_the_schema_are_nulled_and_told() {
    let mut writer = FrameWriter::new(Layout::V2, &two_fields());
    let mut out = Vec::new();
    let values = [
        r#"{"a":"x","b":5,"more":1}"#,
        r#" {"b":null , "a" : 1.0}"#,
        r#"{"a":1,"a":2}"#,
        r#"{"\u0061":12345678901234567890}"#,
        "{}",
    ];
    writer.rows(&rows(&values), "p", &mut out).unwrap();
    let told =
        r#"{"changes":[{"field":"a","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#;
    let expected = [
        format!(r#"s/p 7 {{"a":null,"b":"5"}} {told} "#),
        r#"s/p 7 {"a":1,"b":null}  "#.into(),
        r#"s/p 7 {"a":2,"b":null}  "#.into(),
        r#"s/p 7 {"a":12345678901234567890,"b":null}  "#.into(),
        r#"s/p 7 {"a":null,"b":null}  "#.into(),
    ];
    assert_eq!(shown(Wanted::Rows, &out), expected);
    for bad in ["", "[]", "{", "{}x", "{\"a\":}"] {
        let mut out = b"before".to_vec();
        assert!(
            writer.rows(&rows(&["{}", bad]), "p", &mut out).is_err(),
            "{bad}"
        );
        assert_eq!(out, b"before");
    }
    // What came after an error is whole again.
    let mut out = Vec::new();
    writer.rows(&rows(&["{\"a\":1}"]), "p", &mut out).unwrap();
    assert_eq!(shown(Wanted::Rows, &out), expected[1..2]);
}

#[test]
fn frames_of_every_length_have_their_lengths() {
    let mut writer = FrameWriter::new(Layout::V2, &two_fields());
    let mut out = Vec::new();
    let lengths = [
        0, 90, 100, 105, 110, 130, 5, 16_200, 16_360, 16_370, 16_400, 3_000_000, 1,
    ];
    let values: Vec<String> = lengths
        .iter()
        .map(|length| format!(r#"{{"a":1,"b":"{}"}}"#, "x".repeat(*length)))
        .collect();
    let texts: Vec<&str> = values.iter().map(String::as_str).collect();
    for around in 0..40 {
        let partition = "p".repeat(around);
        writer.rows(&rows(&texts), &partition, &mut out).unwrap();
        let expected: Vec<String> = values
            .iter()
            .map(|v| format!("s/{partition} 7 {v}  "))
            .collect();
        assert!(shown(Wanted::Rows, &out) == expected, "{around}");
        let mut frames = super::super::FrameBuffer::new(usize::MAX);
        frames.space().extend_from_slice(&out);
        assert_eq!(frames.take().unwrap().map(|run| run.len()), Some(out.len()));
        out.clear();
    }
}

#[test]
fn deletes_bear_the_mark_of_the_schema() {
    let deleted = |properties: serde_json::Value, expected: Option<&str>| {
        let stream = stream(&properties);
        let mut writer = FrameWriter::new(Layout::V2, &stream);
        let mut buffer = RowsBuilder::default();
        let text = r#"{"id":1}"#;
        let key = Span::new(0, text.len()).unwrap();
        buffer.push(RowSpans {
            key,
            operation: Operation::Delete,
            emitted_at: 1500,
            ..RowSpans::default()
        });
        let rows = buffer.finish(Bytes::from_static(text.as_bytes()), None);
        let mut out = Vec::new();
        let written = writer.rows(&rows, "p", &mut out);
        assert_eq!(written.is_ok(), expected.is_some());
        if let Some(expected) = expected {
            let framed = decode(Layout::V2, &catalog(&stream), Wanted::Columns, &out);
            let [
                Framed::Records {
                    body: Body::Columns(columns),
                    ..
                },
            ] = &framed[..]
            else {
                panic!("{framed:?}");
            };
            assert_eq!(show(&framed), [format!("s/p 1500 {expected}  ")]);
            let columns = Columns {
                operations: Operations::Uniform(Operation::Delete),
                ..columns.clone()
            };
            let mut again = Vec::new();
            writer.columns(&columns, "p", &mut again).unwrap();
            assert_eq!(again, out);
        }
    };
    let id = json!({"type": "integer"});
    deleted(
        json!({"id": id, "_ab_cdc_deleted_at": {"type": "string"}}),
        Some(r#"{"id":1,"_ab_cdc_deleted_at":"1970-01-01T00:00:01.500Z"}"#),
    );
    deleted(
        json!({"id": id, "_ab_cdc_deleted_at": {"type": "string", "format": "date-time"}}),
        Some(r#"{"id":1,"_ab_cdc_deleted_at":"1970-01-01T00:00:01.500Z"}"#),
    );
    deleted(json!({"id": id}), None);
}

#[test]
fn versions_are_told_apart() {
    for layout in [Layout::V1, Layout::V2] {
        assert_eq!(Layout::of_version(layout.version()), Some(layout));
        assert!(layout.form().ends_with(layout.version()));
    }
    assert_eq!(Layout::of_version("0.0.3"), None);
}
