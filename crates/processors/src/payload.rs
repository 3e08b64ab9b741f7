//! A record as DataFlow knows it: one payload, mostly JSON, and metadata beside it.

use bytes::Bytes;
use crossdock_core::batch::Operation;

use crate::path::Path;
use crate::record::{Data, Record};
use crate::value::{Object, Value};

/// The payload of a record, taken out of it: what it is after the change, of a delete what it was before.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) value: Value,
    was_before: bool,
    raw: Option<Bytes>,
}

impl Payload {
    /// Takes the payload out. `None`: there is none, or it is no JSON, and the record is as it was. It has
    /// to be given back.
    pub(crate) fn take(record: &mut Record) -> Result<Option<Self>, String> {
        let was_before = matches!(record.after, Data::Absent);
        let data = side(record, was_before);
        data.look()?;
        let (value, raw) = match data {
            Data::Absent | Data::Unread(_) => return Ok(None),
            Data::Structured(members) => (Value::Object(std::mem::take(members)), None),
            // JSON that is no object is carried as raw data, and so are bytes that happen to be JSON.
            Data::Raw(bytes) => match Value::parse(bytes) {
                Ok(value) => (value, Some(bytes.clone())),
                Err(_) => return Ok(None),
            },
        };
        Ok(Some(Self {
            value,
            was_before,
            raw,
        }))
    }

    /// The place of the payload for another value.
    pub(crate) fn with(&self, value: Value) -> Self {
        Self {
            value,
            was_before: self.was_before,
            raw: None,
        }
    }

    /// Gives an unchanged payload back.
    pub(crate) fn restore(self, record: &mut Record) {
        *side(record, self.was_before) = match self.raw {
            Some(bytes) => Data::Raw(bytes),
            None => of(self.value),
        };
    }

    /// Gives a changed payload back.
    pub(crate) fn replace(self, record: &mut Record) {
        *side(record, self.was_before) = of(self.value);
        record.is_changed = true;
    }
}

fn side(record: &mut Record, is_before: bool) -> &mut Data {
    if is_before {
        &mut record.before
    } else {
        &mut record.after
    }
}

/// A payload that is no object is raw data with its JSON text.
fn of(value: Value) -> Data {
    match value {
        Value::Object(members) => Data::Structured(members),
        other => Data::Raw(other.to_json().into_bytes().into()),
    }
}

/// A name in the metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetadataName {
    name: String,
    path: Option<Path>,
}

impl MetadataName {
    pub(crate) fn parse(name: &str) -> Result<Self, String> {
        if name.is_empty() {
            return Err("`metadata.` has no name after it".to_owned());
        }
        Ok(Self {
            path: Path::parse(name).ok(),
            name: name.to_owned(),
        })
    }

    /// What stands there; of a member of this very name first, dots and all.
    pub(crate) fn find(&self, record: &Record) -> Option<Value> {
        let metadata: &Object = &record.metadata;
        if let Some(value) = metadata.get(&self.name) {
            return Some(value.clone());
        }
        let inside = self.path.as_ref().and_then(|path| path.find_in(metadata));
        if let Some(value) = inside {
            return Some(value.into_owned());
        }
        // What DataFlow's sources say of every record, records of other protocols know in their own way.
        let known = match self.name.as_str() {
            "table" => record.target().name.to_string(),
            "operation" => change_name(record.operation).to_owned(),
            _ => return None,
        };
        Some(Value::String(known))
    }
}

/// What DataFlow calls a change.
pub(crate) fn change_name(operation: Operation) -> &'static str {
    match operation {
        Operation::Create | Operation::Snapshot => "insert",
        Operation::Update => "update",
        Operation::Delete => "delete",
    }
}
