//! `debeziumUnwrap`: the change that a record of Debezium tells of.

use crossdock_core::batch::Operation;

use super::config::Config;
use crate::effect::Effect;
use crate::kind::unwrap::unwrap_key;
use crate::kind::{Outcome, Processor};
use crate::payload::{Payload, change_name};
use crate::record::{Data, Record};
use crate::value::{Object, Value};

struct Unwrap {
    infers_delete: bool,
    keeps_source: bool,
    /// What a row of a snapshot is.
    snapshot: Operation,
    adds_operation: bool,
    /// What of the source becomes a field.
    source_fields: Vec<String>,
}

pub(super) fn build(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let snapshot = match config.text("snapshotOperation")? {
        None | Some("" | "insert") => Operation::Snapshot,
        Some("update") => Operation::Update,
        Some(other) => {
            return Err(format!(
                "the setting `snapshotOperation`: `{other}` is neither insert nor update"
            ));
        }
    };
    let source_fields = config.texts("addSourceFields")?.into_iter();
    Ok(Box::new(Unwrap {
        infers_delete: config.flag("inferDeleteFromTombstone")?,
        keeps_source: config.flag("includeSourceInMetadata")?,
        snapshot,
        adds_operation: config.flag("addOperationFields")?,
        source_fields: source_fields.map(str::to_owned).collect(),
    }))
}

/// A change as Debezium tells it.
struct Change {
    /// Its name there: `c`, `u`, `d`, `r`.
    op: String,
    operation: Operation,
    row: Object,
    source: Value,
}

impl Unwrap {
    fn unwrapped(&self, mut record: Record) -> Result<Outcome, String> {
        if is_tombstone(&mut record)? {
            return self.tombstone(record);
        }
        let Some(payload) = Payload::take(&mut record)? else {
            return Ok(Outcome::One(record));
        };
        let envelope = match &payload.value {
            Value::Object(members) => members.get("payload"),
            _ => None,
        };
        let change = match envelope {
            Some(Value::Object(envelope)) => self.change(envelope)?,
            _ => None,
        };
        match change {
            None => payload.restore(&mut record),
            Some(change) => self.put(change, &mut record)?,
        }
        Ok(Outcome::One(record))
    }

    /// `None`: it is no change of Debezium's.
    fn change(&self, envelope: &Object) -> Result<Option<Change>, String> {
        let op = match envelope.get("op") {
            None | Some(Value::Null) => return Ok(None),
            Some(op) => op.to_text(),
        };
        let (operation, side) = match op.as_str() {
            "c" => (Operation::Create, "after"),
            "u" => (Operation::Update, "after"),
            "r" => (self.snapshot, "after"),
            "d" => (Operation::Delete, "before"),
            other => {
                let start: String = other.chars().take(60).collect();
                return Err(format!("`payload.op` is `{start}`, none of c, u, d, r"));
            }
        };
        let row = match envelope.get(side) {
            Some(Value::Object(row)) => row.clone(),
            other => {
                let kind = other.map_or("nothing", Value::kind);
                return Err(format!(
                    "`payload.{side}` is {kind}, but `payload.op` is `{op}`"
                ));
            }
        };
        let source = envelope.get("source").cloned().unwrap_or_default();
        Ok(Some(Change {
            op,
            operation,
            row,
            source,
        }))
    }

    fn put(&self, change: Change, record: &mut Record) -> Result<(), String> {
        let Change {
            op,
            operation,
            mut row,
            source,
        } = change;
        let text = |text: &str| Value::String(text.to_owned());
        let is_delete = operation == Operation::Delete;
        if self.adds_operation {
            row.insert("__op", text(&op));
            row.insert("__deleted", text(if is_delete { "true" } else { "false" }));
        }
        if let Value::Object(source) = &source {
            for name in &self.source_fields {
                if let Some(value) = source.get(name) {
                    row.insert(&format!("source_{name}"), value.clone());
                }
            }
        }
        if self.keeps_source && source != Value::Null {
            record.metadata.insert("source", source);
        }
        let name = change_name(operation);
        record.metadata.insert("operation", text(name));
        unwrap_key(record)?;
        record.operation = operation;
        let row = Data::Structured(row);
        (record.before, record.after) = if is_delete {
            (row, Data::Absent)
        } else {
            (Data::Absent, row)
        };
        record.is_changed = true;
        Ok(())
    }

    /// A record without a payload: what Kafka keeps of a row that is gone.
    fn tombstone(&self, mut record: Record) -> Result<Outcome, String> {
        if !self.infers_delete {
            return Ok(Outcome::Filtered);
        }
        let Some(row) = key(&mut record)? else {
            return Ok(Outcome::Filtered);
        };
        let change = Change {
            op: "d".to_owned(),
            operation: Operation::Delete,
            row,
            source: Value::Null,
        };
        self.put(change, &mut record)?;
        Ok(Outcome::One(record))
    }
}

impl Processor for Unwrap {
    fn process(&mut self, record: Record) -> Outcome {
        self.unwrapped(record).unwrap_or_else(Outcome::Failed)
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Whole]
    }
}

/// Whether a record has no payload. A delete without values is one that its source knows as such.
fn is_tombstone(record: &mut Record) -> Result<bool, String> {
    if !matches!(record.before, Data::Absent) {
        return Ok(false);
    }
    record.after.look()?;
    Ok(match &record.after {
        Data::Absent => record.operation != Operation::Delete,
        // So a record without a payload is written.
        Data::Structured(members) => members.is_empty(),
        Data::Raw(bytes) => matches!(bytes.trim_ascii(), b"" | b"null"),
        Data::Unread(_) => false,
    })
}

/// The fields of the key: of `key` in the metadata, else of the record's own.
fn key(record: &mut Record) -> Result<Option<Object>, String> {
    let key = match record.metadata.get("key") {
        Some(Value::String(text)) => Value::parse(text.as_bytes()).unwrap_or_default(),
        Some(other) => other.clone(),
        None => match record.key.value()? {
            Value::Bytes(bytes) => Value::parse(&bytes).unwrap_or_default(),
            other => other,
        },
    };
    let Value::Object(mut members) = key else {
        return Ok(None);
    };
    // With a schema beside it.
    if members.get("schema").is_some()
        && let Some(Value::Object(inner)) = members.get_mut("payload")
    {
        members = std::mem::take(inner);
    }
    Ok(Some(members).filter(|members| !members.is_empty()))
}
