//! The codec of frames against a second implementation (`peer/data_channel/`, Python with the package
//! `protobuf`), which was written from the protocol alone. `cargo xtask test` installs the package and names
//! its interpreter; without that, the tests say that they did not run.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use bytes::Bytes;
use crossdock_airbyte::wire::Message;
use crossdock_airbyte::wire::protobuf::{
    FrameBuffer, FrameDecoder, FrameWriter, Framed, Layout, Wanted,
};
use crossdock_core::batch::{Body, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::convert::columns_to_rows;
use serde_json::{Value, json};

/// The interpreter that has the package.
fn python() -> Option<String> {
    const VARIABLE: &str = "CROSSDOCK_TEST_PROTOBUF_PYTHON";
    let found = std::env::var(VARIABLE).ok();
    let required = std::env::var_os("CROSSDOCK_TEST_REQUIRED").is_some();
    assert!(
        found.is_some() || !required,
        "{VARIABLE} is not set: run `cargo xtask test`"
    );
    found
}

/// What the stranger makes of `input`; `None` where it cannot run.
fn stranger(
    way: &str,
    layout: Layout,
    catalog: &ConfiguredCatalog,
    input: &[u8],
) -> Option<Vec<u8>> {
    let python = python()?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.json");
    std::fs::write(&file, serde_json::to_vec(catalog).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer/data_channel/stranger.py");
    let mut child = Command::new(python)
        .arg("-B")
        .arg(script)
        .args([way, layout.version()])
        .arg(file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    Some(output.stdout)
}

fn catalog() -> ConfiguredCatalog {
    let text = |format: &str, airbyte_type: &str| json!({"type": ["null", "string"], "format": format, "airbyte_type": airbyte_type});
    let mut stream = Stream::new(
        "orders",
        json!({"properties": {
            "id": {"type": "integer"},
            "total": {"type": ["null", "number"]},
            "Name": {"type": "string"},
            "paid": {"type": "boolean"},
            "day": {"type": "string", "format": "date"},
            "opens": text("time", "time_without_timezone"),
            "closes": text("time", "time_with_timezone"),
            "at": text("date-time", "timestamp_with_timezone"),
            "clock": text("date-time", "timestamp_without_timezone"),
            "tags": {"type": "array"},
            "photo": {"type": "string", "contentEncoding": "base64"},
            "é": {"type": ["null", "string"]},
            "\u{1f600}": {"type": ["null", "string"]},
            "\u{fb01}": {"type": ["null", "string"]},
        }}),
    );
    stream.namespace = Some("shop".into());
    ConfiguredCatalog {
        streams: vec![ConfiguredStream::new(stream)],
        ..ConfiguredCatalog::default()
    }
}

/// Values of every type at their edges, as each side writes them.
fn texts() -> Vec<String> {
    let numbers = [
        "0",
        "1",
        "-1",
        "63",
        "-64",
        "64",
        "150",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "-123456789012345678901234567890",
    ];
    let totals = [
        "1.5",
        "-0.1",
        "1e300",
        "0.12345678901234567890123",
        "123456789.123456789123456789",
    ];
    let stamps = [
        ("1970-01-01", "00:00:00", "Z"),
        ("1969-12-31", "23:59:59.999", "+00:01"),
        ("2021-01-23", "01:02:03.123456", "-04:45"),
        ("9999-12-31", "23:59:59.999999999", "+18:00"),
        ("0001-01-01", "12:00:00", "-18:00"),
    ];
    let mut rows = Vec::new();
    for index in 0..numbers.len() {
        let (day, clock, zone) = stamps[index % stamps.len()];
        let number =
            |text: &str| serde_json::from_str::<Box<serde_json::value::RawValue>>(text).unwrap();
        let photo = ["", "AAE=", "/+8="][index % 3];
        let row = json!({
            "Name": format!("{}\"\\\n{}", "é".repeat(index), "x".repeat(index * 40)),
            "paid": index % 2 == 0,
            "day": day,
            "opens": clock,
            "closes": format!("{clock}{zone}"),
            "at": format!("{day}T{clock}{zone}"),
            "clock": format!("{day}T{clock}"),
            "tags": [index, {"a": null}],
            "photo": photo,
            "é": if index % 2 == 0 { Value::Null } else { "first".into() },
            "\u{1f600}": "second",
            "\u{fb01}": "third",
        });
        let mut text = row.to_string();
        text.pop();
        let (id, total) = (number(numbers[index]), number(totals[index % totals.len()]));
        rows.push(format!("{text},\"id\":{id},\"total\":{total}}}"));
    }
    rows.push(r#"{"id":null,"total":null}"#.into());
    rows
}

/// Numbers by their value and all of their digits, everything else as it is.
fn plain(row: &str) -> Vec<(String, String)> {
    let members: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
        serde_json::from_str(row).unwrap();
    let mut plain = Vec::new();
    for (name, value) in members {
        let text = value.get();
        let text = match serde_json::from_str::<Value>(text).unwrap() {
            Value::Null => continue,
            Value::Number(_) if name == "total" && text.len() < 10 => {
                text.parse::<f64>().unwrap().to_string()
            }
            Value::Number(_) => text.to_owned(),
            value => value.to_string(),
        };
        plain.push((name, text));
    }
    plain
}

/// The metadata of row `index`: each reason once.
fn meta(index: usize) -> String {
    let reasons = [
        "SOURCE_RECORD_SIZE_LIMITATION",
        "DESTINATION_RECORD_SIZE_LIMITATION",
        "PLATFORM_RECORD_SIZE_LIMITATION",
        "SOURCE_FIELD_SIZE_LIMITATION",
        "DESTINATION_FIELD_SIZE_LIMITATION",
        "PLATFORM_FIELD_SIZE_LIMITATION",
        "SOURCE_SERIALIZATION_ERROR",
        "DESTINATION_SERIALIZATION_ERROR",
        "PLATFORM_SERIALIZATION_ERROR",
        "SOURCE_RETRIEVAL_ERROR",
        "DESTINATION_TYPECAST_ERROR",
    ];
    let change = ["NULLED", "TRUNCATED"][index % 2];
    let reason = reasons[index % reasons.len()];
    json!({"changes": [{"field": "id", "change": change, "reason": reason}]}).to_string()
}

fn rows(values: &[String]) -> Rows {
    let mut buffer = String::new();
    let mut rows = RowsBuilder::default();
    for (index, value) in values.iter().enumerate() {
        let after = Span::new(buffer.len(), buffer.len() + value.len()).unwrap();
        buffer.push_str(value);
        let start = buffer.len();
        buffer.push_str(&meta(index));
        rows.push(RowSpans {
            after,
            metadata: Span::new(start, buffer.len()).unwrap(),
            emitted_at: 1_795_289_451_713,
            ..RowSpans::default()
        });
    }
    rows.finish(Bytes::from(buffer), None)
}

const STATE: &str = r#"{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"orders","namespace":"shop"},"stream_state":{"at":1.50}},"id":1,"partition_id":"p"}}"#;

#[test]
fn a_stranger_reads_our_frames() {
    for layout in [Layout::V1, Layout::V2] {
        let catalog = catalog();
        let mut frames = Vec::new();
        let mut writer = FrameWriter::new(layout, &catalog.streams[0]);
        writer
            .rows(&rows(&texts()), "k3jx81mq", &mut frames)
            .unwrap();
        FrameWriter::probe(&mut frames);
        FrameWriter::message(format!("{STATE}\n").as_bytes(), &mut frames);
        let Some(lines) = stranger("decode", layout, &catalog, &frames) else {
            return;
        };
        let lines = String::from_utf8(lines).unwrap();
        let mut lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.pop(), Some(STATE));
        assert_eq!(lines.len(), texts().len());
        for (index, (line, row)) in lines.iter().zip(texts()).enumerate() {
            #[derive(serde::Deserialize)]
            struct Line<'a> {
                #[serde(borrow)]
                record: Record<'a>,
            }
            #[derive(serde::Deserialize)]
            struct Record<'a> {
                #[serde(borrow)]
                data: &'a serde_json::value::RawValue,
            }
            let value: Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["record"]["partition_id"], "k3jx81mq");
            assert_eq!(value["record"]["meta"].to_string(), meta(index));
            assert_eq!(value["record"]["emitted_at"], 1_795_289_451_713_i64);
            let line: Line = serde_json::from_str(line).unwrap();
            assert_eq!(plain(line.record.data.get()), plain(&row), "{layout:?}");
        }
    }
}

#[test]
fn we_read_a_strangers_frames_which_are_ours_byte_for_byte() {
    for layout in [Layout::V1, Layout::V2] {
        let catalog = catalog();
        let mut input = String::new();
        for (index, row) in texts().iter().enumerate() {
            let meta = meta(index);
            input.push_str(&format!(
                r#"{{"type":"RECORD","record":{{"stream":"orders","namespace":"shop","emitted_at":1795289451713,"partition_id":"k3jx81mq","data":{row},"meta":{meta}}}}}"#
            ));
            input.push('\n');
        }
        let Some(records) = stranger("encode", layout, &catalog, input.as_bytes()) else {
            return;
        };
        let input = format!("{{\"probe\":true}}\n{STATE}\n");
        let others = stranger("encode", layout, &catalog, input.as_bytes()).unwrap();

        let mut ours = Vec::new();
        let mut writer = FrameWriter::new(layout, &catalog.streams[0]);
        writer.rows(&rows(&texts()), "k3jx81mq", &mut ours).unwrap();
        assert!(ours == records, "{layout:?}");
        for wanted in [Wanted::Rows, Wanted::Columns] {
            let mut buffer = FrameBuffer::new(1 << 20);
            let mut decoder = FrameDecoder::new(layout, &catalog, wanted);
            let mut framed = Vec::new();
            for part in [&records[..], &others].concat().chunks(1000) {
                buffer.space().extend_from_slice(part);
                if let Some(frames) = buffer.take().unwrap() {
                    decoder.decode(&frames, 0, &mut framed).unwrap();
                }
            }
            buffer.finish().unwrap();
            let mut found = Vec::new();
            let mut rest = Vec::new();
            for framed in framed {
                match framed {
                    Framed::Records {
                        stream,
                        partition,
                        body,
                    } => {
                        assert_eq!(
                            (stream.to_string().as_str(), &*partition),
                            ("shop.orders", "k3jx81mq")
                        );
                        let rows = match body {
                            Body::Rows(rows) => rows,
                            Body::Columns(columns) => columns_to_rows(&columns, None).unwrap(),
                        };
                        for index in 0..rows.len() {
                            assert_eq!(rows.emitted_at(index), 1_795_289_451_713);
                            // Columns may add that they hold no nanoseconds.
                            let meta = meta(found.len());
                            let sent = meta.strip_suffix("]}").unwrap();
                            assert!(rows.metadata(index).unwrap().starts_with(sent.as_bytes()));
                            found.push(String::from_utf8(rows.after(index).to_vec()).unwrap());
                        }
                    }
                    Framed::Message(Message::State(state)) => {
                        rest.push(format!("state {:?}", state.id))
                    }
                    Framed::Message(other) => panic!("{other:?}"),
                    Framed::Probe => rest.push("probe".into()),
                }
            }
            assert_eq!(rest, ["probe", "state Some(1)"]);
            assert_eq!(found.len(), texts().len());
            for (found, row) in found.iter().zip(texts()) {
                if wanted == Wanted::Rows {
                    assert_eq!(plain(found), plain(&row), "{layout:?}");
                }
            }
        }
    }
}
