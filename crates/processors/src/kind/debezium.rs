//! `unwrap.debezium`: the change that a record of Debezium tells of.

use crossdock_core::batch::Operation;

use super::unwrap::{object, unwrap_key, wrapped};
use super::{Change, Processor};
use crate::effect::Effect;
use crate::record::{Data, READ_AT, Record};
use crate::reference::Reference;
use crate::setting::Settings;
use crate::value::{Object, Value};

struct Debezium(Reference);

pub(super) fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Debezium(wrapped(settings)?)))
}

impl Change for Debezium {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let mut object = object(&self.0, record)?;
        let Some(Value::Object(mut change)) = object.remove("payload") else {
            return Err("the wrapped record has no object `payload`".to_owned());
        };
        for name in ["after", "source", "op"] {
            if change.get(name).is_none() {
                return Err(format!("the wrapped record has no `payload.{name}`"));
            }
        }
        let before = data(change.remove("before").unwrap_or_default(), "before")?;
        let after = data(change.remove("after").unwrap_or_default(), "after")?;
        let operation = match change.remove("op").map(|op| op.to_text()).as_deref() {
            Some("c") => Operation::Create,
            Some("u" | "$unset") => Operation::Update,
            Some("d") => Operation::Delete,
            Some("r") => Operation::Snapshot,
            other => {
                return Err(format!(
                    "the operation `{}` is none of Debezium's",
                    other.unwrap_or_default()
                ));
            }
        };
        metadata(&mut change, &mut record.metadata)?;
        unwrap_key(record)?;
        record.before = before;
        record.after = after;
        record.operation = operation;
        record.is_changed = true;
        Ok(())
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Whole]
    }
}

fn data(value: Value, name: &str) -> Result<Data, String> {
    match value {
        Value::List(_) | Value::Number(_) | Value::Bool(_) => Err(format!(
            "`payload.{name}` is {}, not an object",
            value.kind()
        )),
        value => Data::of(value),
    }
}

/// What is left of the change goes into the metadata; what it says of its source comes last and counts.
fn metadata(change: &mut Object, metadata: &mut Object) -> Result<(), String> {
    let source = change.remove("source").unwrap_or_default();
    for (name, value) in change.iter() {
        if name == "ts_ms" {
            let Some(ms) = value.as_integer() else {
                return Err("`payload.ts_ms` is no number".to_owned());
            };
            let nanos = i128::from(ms) * 1_000_000;
            metadata.insert(READ_AT, Value::String(nanos.to_string()));
        } else {
            flatten(&format!("debezium.{name}"), value, metadata);
        }
    }
    flatten("", &source, metadata);
    Ok(())
}

fn flatten(name: &str, value: &Value, metadata: &mut Object) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (inner, value) in members.iter() {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(&format!("{name}{dot}{inner}"), value, metadata);
            }
        }
        other => metadata.insert(name, Value::String(other.to_text())),
    }
}
