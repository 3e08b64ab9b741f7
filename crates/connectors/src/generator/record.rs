//! One record of a collection.

use bytes::Bytes;
use crossdock_core::batch::{Operation, RowSpans, Span};
use crossdock_core::convert::write_string;
use crossdock_core::raw;
use crossdock_core::schema::{DataType, json_schema};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::config::{Collection, Kind};

/// Syllables of words.
const SYLLABLES: [&str; 24] = [
    "an", "ba", "cor", "da", "el", "fi", "gra", "ho", "in", "ka", "lo", "ma", "ne", "or", "pi",
    "qui", "ra", "so", "ta", "um", "va", "wi", "xe", "zo",
];

#[derive(Clone, Copy, Debug)]
enum Type {
    Int,
    String,
    Time,
    Bool,
    Duration,
}

impl Type {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text.trim() {
            "int" => Self::Int,
            "string" => Self::String,
            "time" => Self::Time,
            "bool" => Self::Bool,
            "duration" => Self::Duration,
            other => {
                return Err(format!(
                    "`{other}` is none of int, string, time, bool, duration"
                ));
            }
        })
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Int | Self::Duration => DataType::Integer,
            Self::String => DataType::String,
            Self::Time => DataType::TimestampWithTimezone,
            Self::Bool => DataType::Boolean,
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        let text = match self {
            Self::Int => fastrand::i64(0..).to_string(),
            Self::String => return write_string(out, word().as_bytes()),
            Self::Time => return write_string(out, Timestamp::now().to_string().as_bytes()),
            Self::Bool => fastrand::bool().to_string(),
            // Nanoseconds, as Go writes durations.
            Self::Duration => (fastrand::u64(0..1000) * 1_000_000_000).to_string(),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// A word that is made up.
fn word() -> String {
    (0..fastrand::usize(2..5))
        .map(|_| fastrand::choice(SYLLABLES).unwrap_or_default())
        .collect()
}

/// What the records of a collection are made of.
#[derive(Debug)]
pub(super) struct Maker {
    /// Empty for records of no collection.
    pub(super) collection: String,
    operations: Vec<Operation>,
    kind: Kind,
    fields: Vec<(String, Type)>,
    file: Bytes,
}

impl Maker {
    /// The error says what is wrong with the settings.
    pub(super) fn new(name: &str, collection: &Collection) -> Result<Self, String> {
        let operations = collection
            .operations
            .split(',')
            .map(|name| match name.trim() {
                "create" => Ok(Operation::Create),
                "update" => Ok(Operation::Update),
                "delete" => Ok(Operation::Delete),
                "snapshot" => Ok(Operation::Snapshot),
                other => Err(format!(
                    "`{other}` is none of create, update, delete, snapshot"
                )),
            });
        let format = &collection.format;
        let (mut fields, mut file) = (Vec::new(), Bytes::new());
        if format.kind == Kind::File {
            let path = format
                .options
                .get("path")
                .ok_or("`format.options.path` is missing")?;
            let text = std::fs::read(path).map_err(|cause| format!("`{path}`: {cause}"))?;
            file = text.into();
        } else {
            for (name, kind) in &format.options {
                fields.push((name.clone(), Type::parse(kind)?));
            }
        }
        Ok(Self {
            collection: name.to_owned(),
            operations: operations.collect::<Result<_, _>>()?,
            kind: format.kind,
            fields,
            file,
        })
    }

    pub(super) fn schema(&self) -> Value {
        let properties: Map<String, Value> = match self.kind {
            Kind::Structured => {
                let fields = self.fields.iter();
                fields
                    .map(|(name, kind)| (name.clone(), json_schema(kind.data_type())))
                    .collect()
            }
            Kind::Raw | Kind::File => {
                let name = raw::member_name(&self.file).to_owned();
                Map::from_iter([(name, json_schema(DataType::String))])
            }
        };
        json!({"type": "object", "properties": properties})
    }

    fn object(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for (at, (name, kind)) in self.fields.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            write_string(out, name.as_bytes());
            out.push(b':');
            kind.write(out);
        }
        out.push(b'}');
    }

    fn payload(&self, buffer: &mut Vec<u8>) -> Option<Span> {
        let start = buffer.len();
        match self.kind {
            Kind::Structured => self.object(buffer),
            Kind::File => raw::wrap(&self.file, buffer),
            Kind::Raw => {
                let mut text = Vec::new();
                self.object(&mut text);
                raw::wrap(&text, buffer);
            }
        }
        Span::new(start, buffer.len())
    }

    /// Appends a record; `None` if the buffer is full. `marks`: further metadata.
    pub(super) fn record(
        &self,
        now_ms: i64,
        marks: &str,
        buffer: &mut Vec<u8>,
    ) -> Option<RowSpans> {
        let operation = fastrand::choice(&self.operations)
            .copied()
            .unwrap_or_default();
        let (mut before, mut after) = (Span::NONE, Span::NONE);
        if matches!(operation, Operation::Update | Operation::Delete) {
            before = self.payload(buffer)?;
        }
        if operation != Operation::Delete {
            after = self.payload(buffer)?;
        }
        let start = buffer.len();
        raw::wrap(word().as_bytes(), buffer);
        let key = Span::new(start, buffer.len())?;
        let is_raw = self.kind != Kind::Structured;
        let parts = raw::RawParts {
            key: true,
            before: is_raw && !before.is_empty(),
            after: is_raw && !after.is_empty(),
        };
        let start = buffer.len();
        let nanos = i128::from(now_ms) * 1_000_000;
        let text = format!(
            r#"{{"opencdc.createdAt":"{nanos}","opencdc.readAt":"{nanos}","{}":"{}"{marks}"#,
            raw::RAW_PARTS,
            parts.text().unwrap_or_default(),
        );
        buffer.extend_from_slice(text.as_bytes());
        if !self.collection.is_empty() {
            buffer.extend_from_slice(b",\"opencdc.collection\":");
            write_string(buffer, self.collection.as_bytes());
        }
        buffer.push(b'}');
        Some(RowSpans {
            after,
            before,
            key,
            metadata: Span::new(start, buffer.len())?,
            emitted_at: now_ms,
            operation,
            line: Span::NONE,
        })
    }
}
