//! Records to write, of every kind that a destination must have an answer to.

use std::collections::BTreeMap;

use bytes::Bytes;
use crossdock_conduit::wire::proto::opencdc::v1::data::Data as Kind;
use crossdock_conduit::wire::proto::opencdc::v1::{Change, Data, Operation, Record};
use prost_types::value::Kind as Value;
use prost_types::{ListValue, Struct};

use super::peer::Config;
use super::script::{Script, Step};
use crate::STORED;

/// A list of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sample {
    /// Three creates, structured.
    Usual,
    /// One create, structured.
    One,
    /// Three creates, raw.
    Raw,
    /// Two hundred.
    Many,
    /// Names and values from many scripts.
    Unicode,
    /// Numbers at the edges.
    Numbers,
    /// Nulls, lists and objects in objects.
    Nested,
    /// No key.
    Keyless,
    /// No payload at all.
    Empty,
    /// No metadata at all.
    Bare,
    /// Metadata that nobody knows, many and long.
    Metadata,
    /// A snapshot.
    Snapshot,
    /// An update without the image before.
    Update,
    /// A delete, by key alone.
    Delete,
    /// Positions of every byte, and a long one.
    Positions,
    /// Two records with one position.
    Twice,
    /// Of this many bytes.
    Large(usize),
}

fn text(text: &str) -> prost_types::Value {
    prost_types::Value {
        kind: Some(Value::StringValue(text.to_owned())),
    }
}

fn number(number: f64) -> prost_types::Value {
    prost_types::Value {
        kind: Some(Value::NumberValue(number)),
    }
}

fn structured(fields: impl IntoIterator<Item = (String, prost_types::Value)>) -> Data {
    let fields = fields.into_iter().collect();
    Data {
        data: Some(Kind::StructuredData(Struct { fields })),
    }
}

fn raw(bytes: &[u8]) -> Data {
    Data {
        data: Some(Kind::RawData(Bytes::copy_from_slice(bytes))),
    }
}

/// A create, its number in position, key and payload.
fn create(at: usize) -> Record {
    let metadata = [
        ("opencdc.version", "v1"),
        ("opencdc.readAt", "1700000000000000000"),
        ("opencdc.collection", "conformance"),
    ];
    let metadata = metadata.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Record {
        position: position(at),
        operation: Operation::Create as i32,
        metadata: BTreeMap::from(metadata),
        key: Some(structured([("id".to_owned(), number(at as f64))])),
        payload: Some(Change {
            before: None,
            after: Some(structured([
                ("id".to_owned(), number(at as f64)),
                ("name".to_owned(), text("conformance")),
            ])),
        }),
    }
}

fn with_after(at: usize, after: Data) -> Record {
    let mut record = create(at);
    record.payload = Some(Change {
        before: None,
        after: Some(after),
    });
    record
}

impl Sample {
    /// The records.
    pub(super) fn records(self) -> Vec<Record> {
        let mut one = create(1);
        match self {
            Self::Usual => return (1..=3).map(create).collect(),
            Self::One => {}
            Self::Many => return (1..=200).map(create).collect(),
            Self::Raw => {
                let raws = (1..=3).map(|at| Record {
                    key: Some(raw(b"key")),
                    ..with_after(at, raw(b"{\"id\":1}"))
                });
                return raws.collect();
            }
            Self::Unicode => {
                let name = "größe-名前-🚢-\u{202e}rtl-e\u{301}";
                one = with_after(1, structured([(name.to_owned(), text(name))]));
                one.metadata
                    .insert("opencdc.collection".to_owned(), name.to_owned());
            }
            Self::Numbers => {
                let edges = [
                    0.0,
                    -0.0,
                    0.1,
                    9_007_199_254_740_993.0,
                    -1e308,
                    5e-324,
                    f64::MAX,
                ];
                let edges = edges.into_iter().enumerate();
                one = with_after(
                    1,
                    structured(edges.map(|(n, edge)| (format!("n{n}"), number(edge)))),
                );
            }
            Self::Nested => {
                let null = prost_types::Value {
                    kind: Some(Value::NullValue(0)),
                };
                let list = ListValue {
                    values: vec![null.clone(), text(""), number(1.0)],
                };
                let list = prost_types::Value {
                    kind: Some(Value::ListValue(list)),
                };
                let inner = Struct {
                    fields: [("list".to_owned(), list.clone())].into(),
                };
                let inner = prost_types::Value {
                    kind: Some(Value::StructValue(inner)),
                };
                let fields = [("null", null), ("list", list), ("object", inner)];
                one = with_after(
                    1,
                    structured(fields.map(|(name, value)| (name.to_owned(), value))),
                );
            }
            Self::Keyless => one.key = None,
            Self::Empty => one.payload = None,
            Self::Bare => one.metadata.clear(),
            Self::Metadata => {
                let more = (0..100).map(|n| (format!("conformance.ключ.{n}"), "x".repeat(n * 10)));
                one.metadata.extend(more);
            }
            Self::Snapshot => one.operation = Operation::Snapshot as i32,
            Self::Update => one.operation = Operation::Update as i32,
            Self::Delete => {
                one.operation = Operation::Delete as i32;
                one.payload = None;
            }
            Self::Positions => {
                let bytes: Vec<u8> = (0..=255).collect();
                let positions = [bytes, vec![b'p'; 10_000], vec![0]];
                let each = positions.into_iter().enumerate();
                let each = each.map(|(at, position)| Record {
                    position: position.into(),
                    ..create(at)
                });
                return each.collect();
            }
            Self::Twice => return vec![create(1), create(1)],
            Self::Large(bytes) => one = with_after(1, raw(&vec![b'x'; bytes])),
        }
        vec![one]
    }
}

/// The position of a record of a number.
pub(super) fn position(at: usize) -> Bytes {
    format!("position-{at}").into_bytes().into()
}

/// A create of a number with a text that is looked for later.
pub(super) fn marked(at: usize, mark: &str) -> Record {
    // From 1: there are sources that do not read a key of 0.
    let id = ("id".to_owned(), number((at + 1) as f64));
    let name = ("name".to_owned(), text(mark));
    let mut record = with_after(at, structured([id.clone(), name]));
    record.key = Some(structured([id]));
    record
        .metadata
        .insert("opencdc.collection".to_owned(), STORED.to_owned());
    record
}

/// A whole life in which these records are written in one message.
pub(super) fn writing(versions: &str, config: &Config, sample: Sample) -> Script {
    Script::new(versions)
        .running(config, &Bytes::new())
        .then([
            Step::Send(sample.records()),
            Step::Hear,
            Step::Listen,
            Step::Stop,
            Step::Drain,
        ])
        .ended()
}
