//! A record as processors see it: one row of a batch, its parts parsed only when somebody looks inside.

use bytes::Bytes;
use crossdock_core::batch::{Operation, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::raw::{self, RAW_PARTS, RawParts};
use crossdock_core::stream::StreamId;

use crate::value::{Object, Value};

/// The member of the metadata that names a record's stream.
pub(crate) const COLLECTION: &str = "opencdc.collection";

/// The member that tells when a record was read, in nanoseconds since the epoch.
pub(crate) const READ_AT: &str = "opencdc.readAt";
const VERSION: &str = "opencdc.version";

/// The member that lists what had to be changed in a record, as in Airbyte.
const CHANGES: &str = "changes";

/// Data of a record: its key, or its value before or after the change.
#[derive(Clone, Debug, Default)]
pub(crate) enum Data {
    /// None.
    #[default]
    Absent,
    /// Bytes without a structure.
    Raw(Bytes),
    /// An object that nobody has looked into: its JSON text.
    Unread(Bytes),
    /// An object.
    Structured(Object),
}

impl Data {
    /// A row's part. `is_raw`: it is the object that stands for bytes.
    fn read(rows: &Rows, part: Option<&[u8]>, is_raw: bool) -> Self {
        let Some(text) = part.filter(|text| !text.is_empty()) else {
            return Self::Absent;
        };
        if is_raw && let Some(bytes) = raw::unwrap(text) {
            return Self::Raw(bytes.into_owned().into());
        }
        Self::Unread(rows.buffer().slice_ref(text))
    }

    /// Parses what nobody has looked into yet.
    pub(crate) fn look(&mut self) -> Result<(), String> {
        if let Self::Unread(text) = self {
            *self = Self::Structured(Object::parse(text)?);
        }
        Ok(())
    }

    /// The data as a value.
    pub(crate) fn value(&mut self) -> Result<Value, String> {
        self.look()?;
        Ok(match self {
            Self::Absent | Self::Unread(_) => Value::Null,
            Self::Raw(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Structured(object) => Value::Object(object.clone()),
        })
    }

    /// Data of a value, as far as it can be data.
    pub(crate) fn of(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::Null => Self::Absent,
            Value::String(text) => Self::Raw(text.into_bytes().into()),
            Value::Bytes(bytes) => Self::Raw(bytes.into()),
            Value::Object(object) => Self::Structured(object),
            other => return Err(format!("{} cannot be a key or a payload", other.kind())),
        })
    }

    /// The object inside; an absent one is made.
    pub(crate) fn object(&mut self, name: &str) -> Result<&mut Object, String> {
        self.look()?;
        if matches!(self, Self::Absent) {
            *self = Self::Structured(Object::default());
        }
        match self {
            Self::Structured(object) => Ok(object),
            _ => Err(format!(
                "{name} is raw data and has no fields; `json.decode` makes them"
            )),
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Absent => {}
            Self::Raw(bytes) => raw::wrap(bytes, out),
            Self::Unread(text) => out.extend_from_slice(text),
            Self::Structured(object) => object.write_json(out),
        }
        matches!(self, Self::Raw(_))
    }
}

/// A record.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The stream that it came in.
    pub(crate) stream: StreamId,
    /// What it does.
    pub(crate) operation: Operation,
    /// Its metadata; mostly texts.
    pub(crate) metadata: Object,
    /// Its key.
    pub(crate) key: Data,
    /// Its value before the change.
    pub(crate) before: Data,
    /// Its value after the change.
    pub(crate) after: Data,
    /// Where its source is with it; known to destinations only.
    pub(crate) position: Option<String>,
    emitted_at: i64,
    /// The collection was named for processors only.
    lent_collection: bool,
    /// A processor has changed it.
    pub(crate) is_changed: bool,
}

impl Record {
    /// Record `at` of a batch of `stream`.
    pub(crate) fn read(stream: &StreamId, rows: &Rows, at: usize) -> Result<Self, String> {
        let text = rows.metadata(at).filter(|text| !text.is_empty());
        let mut metadata = text.map_or_else(|| Ok(Object::default()), Object::parse)?;
        let parts = match metadata.remove(RAW_PARTS) {
            Some(Value::String(text)) => RawParts::parse(&text),
            _ => RawParts::default(),
        };
        // Conduit's own records may have none; others are of a stream, and are told so.
        let is_opencdc = metadata
            .iter()
            .any(|(name, _)| name.starts_with("opencdc."));
        if !is_opencdc {
            metadata.insert(COLLECTION, Value::String(stream.to_string()));
        }
        let after = rows.after(at);
        Ok(Self {
            stream: stream.clone(),
            operation: rows.operation(at),
            metadata,
            key: Data::read(rows, rows.key(at), parts.key),
            before: Data::read(rows, rows.before(at), parts.before),
            after: Data::read(rows, Some(after), parts.after),
            position: None,
            emitted_at: rows.emitted_at(at),
            lent_collection: !is_opencdc,
            is_changed: false,
        })
    }

    /// Tells a record that does not come from Conduit what each of its records says of itself.
    pub(crate) fn introduce(&mut self) {
        if self.lent_collection {
            let nanos = i128::from(self.emitted_at) * 1_000_000;
            let text = |value: String| Value::String(value);
            self.metadata.insert(READ_AT, text(nanos.to_string()));
            self.metadata.insert(VERSION, text("v1".to_owned()));
        }
    }

    /// Notes that a field had a value which is null now, as Airbyte's platform does (§3.11).
    pub(crate) fn nulled(&mut self, field: &str) {
        let text = |text: &str| Value::String(text.to_owned());
        let change = [
            ("field", field),
            ("change", "NULLED"),
            ("reason", "PLATFORM_SERIALIZATION_ERROR"),
        ];
        let change = change.map(|(name, value)| (name.to_owned(), text(value)));
        let change = Value::Object(change.into_iter().collect());
        match self.metadata.get_mut(CHANGES) {
            Some(Value::List(changes)) => changes.push(change),
            _ => self.metadata.insert(CHANGES, Value::List(vec![change])),
        }
    }

    /// The stream that it goes to: another one if its collection was changed.
    #[must_use]
    pub(crate) fn target(&self) -> StreamId {
        match self.metadata.get(COLLECTION) {
            Some(Value::String(name)) if !name.is_empty() => {
                if *name == self.stream.to_string() || **name == *self.stream.name {
                    self.stream.clone()
                } else {
                    StreamId::new(name.as_str())
                }
            }
            _ => self.stream.clone(),
        }
    }

    /// Appends the record to a batch.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>, rows: &mut RowsBuilder) -> Result<(), String> {
        let mut parts = RawParts::default();
        let (after, is_raw) = written(&self.after, buffer)?;
        parts.after = is_raw;
        let (before, is_raw) = written(&self.before, buffer)?;
        parts.before = is_raw;
        let (key, is_raw) = written(&self.key, buffer)?;
        parts.key = is_raw;
        let mut after = after;
        if after.is_empty() && self.operation != Operation::Delete {
            let start = buffer.len();
            buffer.extend_from_slice(b"{}");
            after = span(start, buffer.len())?;
        }
        let start = buffer.len();
        let is_lent =
            |name: &str| name == COLLECTION && self.lent_collection && self.target() == self.stream;
        let marked = parts.text().map(|text| Value::String(text.to_owned()));
        let own = self.metadata.iter().filter(|(name, _)| !is_lent(name));
        let all: Object = own
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .chain(marked.map(|value| (RAW_PARTS.to_owned(), value)))
            .collect();
        if !all.is_empty() {
            all.write_json(buffer);
        }
        rows.push(RowSpans {
            after,
            before,
            key,
            metadata: span(start, buffer.len())?,
            emitted_at: self.emitted_at,
            operation: self.operation,
            line: Span::NONE,
        });
        Ok(())
    }
}

fn written(data: &Data, buffer: &mut Vec<u8>) -> Result<(Span, bool), String> {
    let start = buffer.len();
    let is_raw = data.write(buffer);
    Ok((span(start, buffer.len())?, is_raw))
}

fn span(start: usize, end: usize) -> Result<Span, String> {
    if start == end {
        return Ok(Span::NONE);
    }
    Span::new(start, end).ok_or_else(|| "a batch became larger than 4 GiB".to_owned())
}

/// The name of an operation, as templates and settings have it.
pub(crate) fn operation_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "create",
        Operation::Update => "update",
        Operation::Delete => "delete",
        Operation::Snapshot => "snapshot",
    }
}

/// The operation of a name.
pub(crate) fn operation_of(name: &str) -> Result<Operation, String> {
    Ok(match name {
        "create" => Operation::Create,
        "update" => Operation::Update,
        "delete" => Operation::Delete,
        "snapshot" => Operation::Snapshot,
        other => {
            return Err(format!(
                "`{other}` is no operation: create, update, delete or snapshot"
            ));
        }
    })
}
