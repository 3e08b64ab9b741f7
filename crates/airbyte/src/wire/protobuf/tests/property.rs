//! Properties: what is written is read back, and foreign bytes never panic (P11).

use proptest::prelude::*;
use serde_json::json;

use super::super::FrameBuffer;
use super::*;

/// A property of each type, and strategies for JSON values that fit it, as they are written back.
fn fields() -> Vec<(&'static str, DataType, BoxedStrategy<String>)> {
    let quoted = |text: String| serde_json::Value::from(text).to_string();
    let number = prop_oneof![any::<f64>(), -1e6..1e6f64]
        .prop_filter("finite", |n| n.is_finite())
        .prop_map(|n| serde_json::Value::from(n).to_string());
    // Days of the years 1 to 9999, and microseconds of a day.
    let day = || {
        (-719_162i64..2_932_896).prop_map(|days| {
            let mut text = Vec::new();
            crossdock_core::convert::write_date(&mut text, days);
            String::from_utf8(text).unwrap()
        })
    };
    let clock = || {
        prop_oneof![
            0i64..86_400_000_000,
            (0i64..86_400).prop_map(|s| s * 1_000_000)
        ]
        .prop_map(|micros| {
            let mut text = Vec::new();
            crossdock_core::convert::write_time(&mut text, micros);
            String::from_utf8(text).unwrap()
        })
    };
    let stamp =
        |end: &'static str| (day(), clock()).prop_map(move |(d, c)| format!("\"{d}T{c}{end}\""));
    let json = prop_oneof![
        Just("{}".to_owned()),
        Just(r#"{"a":[1.50,{"b":null}],"c":"\u00e9"}"#.to_owned()),
        Just("[12345678901234567890]".to_owned()),
        Just("true".to_owned()),
    ];
    let binary = proptest::collection::vec(any::<u8>(), 0..20).prop_map(|bytes| {
        let mut text = vec![b'"'];
        crossdock_core::convert::write_base64(&mut text, &bytes);
        text.push(b'"');
        String::from_utf8(text).unwrap()
    });
    vec![
        ("z", DataType::String, "\\PC{0,40}".prop_map(quoted).boxed()),
        (
            "b",
            DataType::Boolean,
            any::<bool>().prop_map(|b| b.to_string()).boxed(),
        ),
        (
            "c",
            DataType::Integer,
            prop_oneof![any::<i64>(), -200..200i64]
                .prop_map(|i| i.to_string())
                .boxed(),
        ),
        ("n", DataType::Number, number.boxed()),
        ("d", DataType::Date, day().prop_map(quoted).boxed()),
        (
            "t",
            DataType::TimeWithoutTimezone,
            clock().prop_map(quoted).boxed(),
        ),
        (
            "u",
            DataType::TimeWithTimezone,
            clock().prop_map(|c| format!("\"{c}+05:30\"")).boxed(),
        ),
        ("w", DataType::TimestampWithTimezone, stamp("Z").boxed()),
        ("v", DataType::TimestampWithoutTimezone, stamp("").boxed()),
        ("j", DataType::Json, json.boxed()),
        ("a", DataType::Binary, binary.boxed()),
    ]
}

fn wide() -> ConfiguredStream {
    let properties: serde_json::Map<_, _> = fields()
        .into_iter()
        .map(|(name, data_type, _)| (name.to_owned(), schema::json_schema(data_type)))
        .collect();
    stream(&json!(properties))
}

/// Rows with a value or null for each field.
fn values() -> impl Strategy<Value = Vec<String>> {
    let members: Vec<_> = fields()
        .into_iter()
        .map(|(name, _, value)| {
            let value = prop_oneof![4 => value, 1 => Just("null".to_owned())];
            value.prop_map(move |value| format!("\"{name}\":{value}"))
        })
        .collect();
    let row = members.prop_map(|members| format!("{{{}}}", members.join(",")));
    proptest::collection::vec(row, 1..6)
}

fn sorted(row: &str) -> std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> {
    serde_json::from_str(row).unwrap()
}

fn texts(row: &str) -> Vec<(String, String)> {
    sorted(row)
        .into_iter()
        .map(|(name, value)| (name, value.get().to_owned()))
        .collect()
}

proptest! {
    #[test]
    fn rows_and_columns_come_back(lines in values(), old in any::<bool>(), partition in "[a-z]{0,9}") {
        let layout = if old { Layout::V1 } else { Layout::V2 };
        let stream = wide();
        let texts_of: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut writer = FrameWriter::new(layout, &stream);
        let mut frames = Vec::new();
        writer.rows(&rows(&texts_of), &partition, &mut frames).unwrap();
        let mut named = stream.clone();
        named.stream.name = "another".to_owned();
        let mut other = FrameWriter::new(layout, &named);
        let (mut expected, mut passed_on) = (Vec::new(), Vec::new());
        other.rows(&rows(&texts_of), "elsewhere", &mut expected).unwrap();
        for framed in decode(layout, &catalog(&stream), Wanted::Nothing, &frames) {
            let Framed::Records { body: Body::Rows(found), .. } = framed else {
                panic!("{framed:?}");
            };
            other.rows(&found, "elsewhere", &mut passed_on).unwrap();
        }
        prop_assert_eq!(passed_on, expected);
        for wanted in [Wanted::Rows, Wanted::Columns] {
            let framed = decode(layout, &catalog(&stream), wanted, &frames);
            prop_assert_eq!(framed.len(), 1);
            let Framed::Records { body, partition: of, .. } = &framed[0] else {
                panic!("{framed:?}");
            };
            prop_assert_eq!(&**of, partition.as_str());
            let mut again = Vec::new();
            let found = match body {
                Body::Rows(found) => {
                    writer.rows(found, &partition, &mut again).unwrap();
                    found.clone()
                }
                Body::Columns(columns) => {
                    writer.columns(columns, &partition, &mut again).unwrap();
                    columns_to_rows(columns, None).unwrap()
                }
            };
            prop_assert_eq!(&again, &frames);
            for (index, line) in lines.iter().enumerate() {
                let text = std::str::from_utf8(found.after(index)).unwrap();
                let (mut ours, mut theirs) = (texts(text), texts(line));
                for (a, b) in ours.iter_mut().zip(&mut theirs) {
                    if a.0 == "n" {
                        // The same number may be written in two ways.
                        let double = |text: &str| text.parse::<f64>().map(f64::to_bits).ok();
                        prop_assert_eq!(double(&a.1), double(&b.1));
                        a.1.clone_from(&b.1);
                    }
                }
                prop_assert_eq!(ours, theirs);
                prop_assert_eq!(found.metadata(index), None);
            }
        }
    }

    #[test]
    fn foreign_bytes_never_panic_and_cuts_change_nothing(
        bytes in proptest::collection::vec(prop_oneof![0u8..0x30, any::<u8>()], 0..200),
        cut in 0usize..200,
    ) {
        let stream = wide();
        let mut counts = Vec::new();
        for wanted in [Wanted::Rows, Wanted::Columns, Wanted::Nothing] {
            for parts in [vec![&bytes[..]], vec![&bytes[..cut.min(bytes.len())], &bytes[cut.min(bytes.len())..]]] {
                let mut frames = FrameBuffer::new(1 << 16);
                let mut decoder = FrameDecoder::new(Layout::V2, &catalog(&stream), wanted);
                let mut out = Vec::new();
                let mut failed = None;
                for part in parts {
                    frames.space().extend_from_slice(part);
                    match frames.take() {
                        Ok(Some(run)) => decoder.decode(&run, NOW, &mut out).unwrap(),
                        Ok(None) => {}
                        Err(fault) => failed = Some(fault),
                    }
                }
                let end = frames.finish().err();
                if failed.is_none() && wanted != Wanted::Nothing {
                    counts.push((show(&out), end));
                }
            }
        }
        for pair in counts.chunks(2) {
            if let [a, b] = pair {
                prop_assert_eq!(a, b);
            }
        }
    }

    /// The same with frames that are nearly good: one byte of them is another.
    #[test]
    fn a_wrong_byte_never_panics(lines in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let stream = wide();
        let texts_of: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut frames = Vec::new();
        FrameWriter::new(Layout::V2, &stream).rows(&rows(&texts_of), "p", &mut frames).unwrap();
        let at = at.index(frames.len());
        frames[at] = byte;
        for layout in [Layout::V1, Layout::V2] {
            for wanted in [Wanted::RowsAndFrames, Wanted::Columns] {
                let mut decoder = FrameDecoder::new(layout, &catalog(&stream), wanted);
                let mut out = Vec::new();
                let _ = decoder.decode(&Bytes::from(frames.clone()), NOW, &mut out);
                show(&out);
            }
        }
    }
}
