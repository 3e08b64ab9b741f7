use std::collections::BTreeMap;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Rows};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::checkpoint::Seq;
use crossdock_core::event::Event;
use crossdock_core::raw::{RAW_PARTS, RawParts};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use prost::Message as _;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::{Value as Json, json};

use super::encode::Encoder;
use super::reading::{Reading, Refused, Wanted};
use super::unacknowledged::Unacknowledged;
use crate::wire::proto::opencdc::v1::{Change, Data, Record, data};
use crate::wire::version::Version;
use crossdock_avro as avro;

/// A message of `Run` holds records as its field 1.
#[derive(Clone, PartialEq, prost::Message)]
struct Message {
    #[prost(message, repeated, tag = "1")]
    records: Vec<Record>,
}

const ALL: Wanted = Wanted {
    lines: false,
    values: true,
};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Kind::NullValue(0)),
        any::<bool>().prop_map(Kind::BoolValue),
        (-(1i64 << 53)..1 << 53).prop_map(|n| Kind::NumberValue(n as f64)),
        // So many digits that the tests' own reader does not round.
        any::<i32>().prop_map(|n| Kind::NumberValue(f64::from(n) / 8.0)),
        ".{0,12}".prop_map(Kind::StringValue),
    ];
    let value = leaf.prop_map(|kind| Value { kind: Some(kind) });
    value.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| Kind::ListValue(ListValue { values })),
            btree_map(".{0,5}", inner, 0..4)
                .prop_map(|fields| Kind::StructValue(Struct { fields })),
        ]
        .prop_map(|kind| Value { kind: Some(kind) })
    })
}

fn structured() -> impl Strategy<Value = Data> {
    btree_map("[a-zä]{1,4}", value(), 0..5).prop_map(|fields| Data {
        data: Some(data::Data::StructuredData(Struct { fields })),
    })
}

fn any_data() -> impl Strategy<Value = Data> {
    let raw = vec(any::<u8>(), 0..12).prop_map(|bytes| Data {
        data: Some(data::Data::RawData(bytes.into())),
    });
    prop_oneof![structured(), raw]
}

fn records(data: impl Strategy<Value = Data> + 'static) -> impl Strategy<Value = Vec<Record>> {
    let data = data.boxed();
    let record = (
        1..5i32,
        btree_map("[a-z.]{1,6}", ".{0,8}", 0..3),
        option::of(data.clone()),
        option::of(data.clone()),
        option::of(data),
    );
    vec(record, 1..6).prop_map(|records| {
        let numbered = records.into_iter().enumerate();
        let record = |(at, (operation, metadata, key, before, after))| Record {
            position: format!("p{at}").into(),
            operation,
            metadata,
            key,
            payload: Some(Change { before, after }),
        };
        numbered.map(record).collect()
    })
}

fn plain(value: &Value) -> Json {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Json::Null,
        Some(Kind::BoolValue(value)) => json!(value),
        Some(Kind::NumberValue(number)) => json!(number),
        Some(Kind::StringValue(text)) => json!(text),
        Some(Kind::ListValue(list)) => list.values.iter().map(plain).collect(),
        Some(Kind::StructValue(fields)) => object(fields),
    }
}

fn object(fields: &Struct) -> Json {
    fields
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect()
}

/// What a row must have for the data. `None`: nothing.
fn expected(data: Option<&Data>) -> Option<Json> {
    match data?.data.as_ref()? {
        data::Data::StructuredData(fields) => Some(object(fields)),
        data::Data::RawData(bytes) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => json!({"raw": text}),
            Err(_) => {
                use base64::Engine as _;
                json!({"raw_base64": base64::engine::general_purpose::STANDARD.encode(bytes)})
            }
        }),
    }
}

fn is_raw(data: Option<&Data>) -> bool {
    matches!(
        data.and_then(|d| d.data.as_ref()),
        Some(data::Data::RawData(_))
    )
}

/// No bytes: whether that is nothing or something empty is lost on the wire.
fn is_empty(data: &Data) -> bool {
    matches!(&data.data, Some(data::Data::RawData(bytes)) if bytes.is_empty())
}

/// The text with every number as a double, as the wire has them.
fn parsed(text: &[u8]) -> Json {
    fn doubles(value: Json) -> Json {
        match value {
            Json::Number(number) => json!(number.as_f64()),
            Json::Array(items) => items.into_iter().map(doubles).collect(),
            Json::Object(members) => members.into_iter().map(|(k, v)| (k, doubles(v))).collect(),
            other => other,
        }
    }
    doubles(
        serde_json::from_slice(text)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(text))),
    )
}

fn take(records: &[Record], wanted: Wanted) -> (Bytes, Vec<Batch>) {
    let message = Bytes::from(
        Message {
            records: records.to_vec(),
        }
        .encode_to_vec(),
    );
    let mut reading = Reading::new("x", &ConfiguredCatalog::default(), wanted);
    let events = reading
        .take(
            std::slice::from_ref(&message),
            5,
            &mut Unacknowledged::default(),
        )
        .unwrap();
    let batches = events.into_iter().filter_map(|event| match event {
        Event::Batch(batch) => Some(batch),
        _ => None,
    });
    (message, batches.collect())
}

fn rows(batch: &Batch) -> &Rows {
    match &batch.body {
        Body::Rows(rows) => rows,
        Body::Columns(_) => panic!("rows"),
    }
}

fn encoder(version: Version) -> Encoder {
    let catalog = ConfiguredCatalog {
        streams: vec![ConfiguredStream::new(Stream::new("x", json!({})))],
        ..ConfiguredCatalog::default()
    };
    Encoder::new(version, 1, &catalog)
}

fn sent(messages: &[Bytes]) -> Vec<Record> {
    let records = messages
        .iter()
        .flat_map(|m| Message::decode(m.clone()).unwrap().records);
    records.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Another implementation writes records; rows say the same.
    #[test]
    fn records_become_rows(records in records(any_data())) {
        let (_, batches) = take(&records, ALL);
        let [batch] = batches.as_slice() else { panic!("one stream") };
        let rows = rows(batch);
        prop_assert_eq!(rows.len(), records.len());
        for (at, record) in records.iter().enumerate() {
            let payload = record.payload.as_ref().unwrap();
            let is_delete = record.operation == 3;
            let empty = |data: Option<&Data>| match data.and_then(|d| d.data.as_ref()) {
                Some(data::Data::RawData(bytes)) => bytes.is_empty() && is_delete,
                _ => false,
            };
            let image = |data: Option<&Data>| expected(data).filter(|_| !empty(data));
            let after = image(payload.after.as_ref());
            match (after, is_delete) {
                (Some(after), _) => prop_assert_eq!(parsed(rows.after(at)), after),
                (None, true) => prop_assert!(rows.after(at).is_empty()),
                (None, false) => prop_assert_eq!(parsed(rows.after(at)), json!({})),
            }
            prop_assert_eq!(rows.before(at).map(parsed), image(payload.before.as_ref()));
            prop_assert_eq!(rows.key(at).map(parsed), image(record.key.as_ref()));
            let mut metadata: BTreeMap<String, String> = match rows.metadata(at) {
                Some(text) => serde_json::from_slice(text).unwrap(),
                None => BTreeMap::new(),
            };
            let parts = RawParts::parse(&metadata.remove(RAW_PARTS).unwrap_or_default());
            prop_assert_eq!(&metadata, &record.metadata);
            let is_raw = |data: Option<&Data>| is_raw(data) && !empty(data);
            let expected = RawParts {
                key: is_raw(record.key.as_ref()),
                before: is_raw(payload.before.as_ref()),
                after: is_raw(payload.after.as_ref()),
            };
            prop_assert_eq!(parts, expected);
        }
    }

    /// What nobody looks into goes out as it came, whether the lines are kept beside values or alone.
    #[test]
    fn a_relay_changes_nothing(records in records(any_data()), values in any::<bool>()) {
        let (message, batches) = take(&records, Wanted { lines: true, values });
        let encoded = encoder(Version::V2).encode(Seq(1), &batches[0]).unwrap();
        let whole: Vec<u8> = encoded.messages.concat();
        prop_assert_eq!(&whole[..], &message[..]);
        prop_assert_eq!(encoded.positions.last(), records.last().map(|r| &r.position[..]));
        let single = encoder(Version::V1).encode(Seq(1), &batches[0]).unwrap();
        prop_assert_eq!(single.messages.len(), records.len());
        prop_assert_eq!(sent(&single.messages), records);
    }

    /// The platform's mark is one more entry of the metadata, also on records that nobody looks into.
    #[test]
    fn a_named_connector_marks_its_records(records in records(any_data()), values in any::<bool>()) {
        let message = Bytes::from(Message { records: records.clone() }.encode_to_vec());
        let wanted = Wanted { lines: true, values };
        let reading = Reading::new("x", &ConfiguredCatalog::default(), wanted);
        let mut reading = reading.named("p:c".into());
        let events = reading.take(&[message], 5, &mut Unacknowledged::default()).unwrap();
        let Some(Event::Batch(batch)) = events.last() else { panic!("a batch") };
        let encoded = encoder(Version::V2).encode(Seq(1), batch).unwrap();
        let mut expected = records;
        for record in &mut expected {
            record.metadata.insert("conduit.source.connector.id".into(), "p:c".into());
        }
        prop_assert_eq!(sent(&encoded.messages), expected);
    }

    /// Rows become records that another implementation reads, and raw data are raw again.
    #[test]
    fn rows_become_records(records in records(any_data())) {
        let (_, batches) = take(&records, ALL);
        for version in Version::ALL {
            let encoded = encoder(version).encode(Seq(7), &batches[0]).unwrap();
            let sent = sent(&encoded.messages);
            prop_assert_eq!(sent.len(), records.len());
            for (at, (sent, record)) in sent.iter().zip(&records).enumerate() {
                let position = format!("1/7/{at}");
                prop_assert_eq!(&sent.position[..], position.as_bytes());
                prop_assert_eq!(sent.operation, record.operation);
                prop_assert_eq!(&sent.metadata["opencdc.collection"], "x");
                let images = |record: &Record| {
                    let payload = record.payload.clone().unwrap_or_default();
                    let key = record.key.clone();
                    let parts = [key, payload.before].map(|data| data.filter(|d| !is_empty(d)));
                    parts.map(|data| (is_raw(data.as_ref()), expected(data.as_ref())))
                };
                prop_assert_eq!(images(sent), images(record));
            }
        }
    }

    /// P11: no bytes break the reading.
    #[test]
    fn strange_bytes_are_refused_or_read(bytes in vec(any::<u8>(), 0..200)) {
        let mut reading = Reading::new("x", &ConfiguredCatalog::default(), ALL);
        let _ = reading.take(&[bytes.into()], 5, &mut Unacknowledged::default());
    }

    /// The same for records with a byte that is not as it was.
    #[test]
    fn damaged_records_are_refused_or_read(records in records(any_data()), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Message { records }.encode_to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut reading = Reading::new("x", &ConfiguredCatalog::default(), ALL);
        let _ = reading.take(&[bytes.into()], 5, &mut Unacknowledged::default());
    }
}

#[test]
fn a_schema_is_asked_for_before_anything_is_taken() {
    let schema = br#"{"type":"record","name":"record","fields":[{"name":"n","type":"long"}]}"#;
    let record = |position: &str, named: bool, after: &[u8]| Record {
        position: position.to_owned().into(),
        operation: 1,
        metadata: if named {
            BTreeMap::from([
                ("opencdc.payload.schema.subject".into(), "s".into()),
                ("opencdc.payload.schema.version".into(), "3".into()),
            ])
        } else {
            BTreeMap::new()
        },
        key: None,
        payload: Some(Change {
            before: None,
            after: Some(Data {
                data: Some(data::Data::RawData(after.to_vec().into())),
            }),
        }),
    };
    let message = Message {
        records: vec![record("a", false, b"text"), record("b", true, &[14])],
    };
    let group = [Bytes::from(message.encode_to_vec())];
    let mut reading = Reading::new("x", &ConfiguredCatalog::default(), ALL);
    let mut book = Unacknowledged::default();
    let Err(Refused::Schema(name)) = reading.take(&group, 5, &mut book) else {
        panic!("the schema is not there");
    };
    assert_eq!(name, ("s".to_owned(), 3));
    reading.give(name, avro::Schema::parse(schema).unwrap());
    let events = reading.take(&group, 5, &mut book).unwrap();
    let [Event::Schema(stream), Event::Batch(batch)] = events.as_slice() else {
        panic!("{events:?}");
    };
    let columns: Vec<_> = stream.json_schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(columns, ["raw", "n"]);
    assert_eq!(rows(batch).after(0), br#"{"raw":"text"}"#);
    assert_eq!(rows(batch).after(1), br#"{"n":7}"#);
}

#[test]
fn messages_of_one_record_make_one_batch() {
    let message = |at: usize| {
        let record = Record {
            position: format!("p{at}").into(),
            ..Record::default()
        };
        Bytes::from(
            Message {
                records: vec![record],
            }
            .encode_to_vec(),
        )
    };
    let messages: Vec<_> = (0..100).map(message).collect();
    for values in [true, false] {
        let wanted = Wanted {
            lines: true,
            values,
        };
        let mut reading = Reading::new("x", &ConfiguredCatalog::default(), wanted);
        let events = reading
            .take(&messages, 5, &mut Unacknowledged::default())
            .unwrap();
        let batches: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Batch(batch) => Some(batch),
                _ => None,
            })
            .collect();
        assert_eq!(batches.len(), 1);
        let encoded = encoder(Version::V2).encode(Seq(1), batches[0]).unwrap();
        assert_eq!(encoded.messages.concat(), messages.concat(), "{values}");
    }
}

#[test]
fn messages_stay_below_what_a_connector_takes() {
    let long = "x".repeat(1 << 20);
    let record = |at: usize| Record {
        position: format!("{at}").into(),
        operation: 1,
        payload: Some(Change {
            before: None,
            after: Some(Data {
                data: Some(data::Data::StructuredData(Struct {
                    fields: BTreeMap::from([(
                        "t".into(),
                        Value {
                            kind: Some(Kind::StringValue(long.clone())),
                        },
                    )]),
                })),
            }),
        }),
        ..Record::default()
    };
    let records: Vec<_> = (0..10).map(record).collect();
    for lines in [true, false] {
        let (_, batches) = take(
            &records,
            Wanted {
                lines,
                values: true,
            },
        );
        let encoded = encoder(Version::V2).encode(Seq(1), &batches[0]).unwrap();
        assert!(
            encoded.messages.iter().all(|m| m.len() <= 4 << 20),
            "{lines}"
        );
        assert!(encoded.messages.len() <= 4, "{}", encoded.messages.len());
        assert_eq!(sent(&encoded.messages).len(), 10);
    }
}
