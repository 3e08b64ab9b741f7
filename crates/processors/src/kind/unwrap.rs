//! Records inside records: `unwrap.kafkaconnect`, and what the other ways of unwrapping share.

use bytes::Bytes;
use crossdock_core::batch::Operation;

use super::field::data_reference;
use super::{Change, Processor};
use crate::effect::Effect;
use crate::record::{Data, Record};
use crate::reference::Reference;
use crate::setting::Settings;
use crate::value::{Object, Value};

/// The field that holds the record.
pub(super) fn wrapped(settings: &mut Settings<'_>) -> Result<Reference, String> {
    data_reference(settings, Some(".Payload.After"))
}

/// The object at a field, also if it stands there as JSON text.
pub(super) fn object(field: &Reference, record: &mut Record) -> Result<Object, String> {
    let parsed = |bytes: &[u8]| {
        Object::parse(bytes).map_err(|why| format!("the wrapped record is no JSON: {why}"))
    };
    match field.get(record)? {
        Value::Object(object) => Ok(object),
        Value::Bytes(bytes) => parsed(&bytes),
        Value::String(text) => parsed(text.as_bytes()),
        Value::Null => Err("there is no wrapped record".to_owned()),
        other => Err(format!("the wrapped record is {}", other.kind())),
    }
}

/// A key that is wrapped in the same way gives its payload; any other stays.
pub(super) fn unwrap_key(record: &mut Record) -> Result<(), String> {
    let inside = match &record.key {
        Data::Raw(bytes) => Object::parse(bytes).ok(),
        _ => match record.key.value()? {
            Value::Object(object) => Some(object),
            _ => None,
        },
    };
    if let Some(payload) = inside.as_ref().and_then(|object| object.get("payload")) {
        record.key = match payload {
            Value::Object(object) => Data::Structured(object.clone()),
            other => Data::Raw(Bytes::from(other.to_text().into_bytes())),
        };
    }
    Ok(())
}

struct KafkaConnect(Reference);

pub(super) fn kafka_connect(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(KafkaConnect(wrapped(settings)?)))
}

impl Change for KafkaConnect {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let mut object = object(&self.0, record)?;
        let Some(Value::Object(payload)) = object.remove("payload") else {
            return Err("the wrapped record has no object `payload`".to_owned());
        };
        unwrap_key(record)?;
        record.before = Data::Absent;
        record.after = Data::Structured(payload);
        record.operation = Operation::Create;
        record.is_changed = true;
        Ok(())
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Whole]
    }
}
