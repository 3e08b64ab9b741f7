//! `json.decode` and `json.encode`.

use crossdock_core::schema::DataType;

use super::field::data_reference;
use super::{Change, Processor};
use crate::effect::{Effect, FieldEffect};
use crate::record::Record;
use crate::reference::Reference;
use crate::setting::Settings;
use crate::value::Value;

struct Decode(Reference);

pub(super) fn decode(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Decode(data_reference(settings, None)?)))
}

impl Change for Decode {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let bytes = match self.0.get(record)? {
            Value::Bytes(bytes) => bytes,
            Value::String(text) => text.into_bytes(),
            // It is decoded already.
            Value::Null | Value::Object(_) => return Ok(()),
            other => return Err(format!("{} is no JSON text", other.kind())),
        };
        let value = if bytes.is_empty() {
            Value::Null
        } else {
            Value::parse(&bytes).map_err(|why| format!("the field is no JSON: {why}"))?
        };
        self.0.set(record, value)
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.0, FieldEffect::Any)
    }
}

struct Encode(Reference);

pub(super) fn encode(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Encode(data_reference(settings, None)?)))
}

impl Change for Encode {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        match self.0.get(record)? {
            Value::Null => Ok(()),
            value => self.0.set(record, Value::String(value.to_go_json(true))),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.0, FieldEffect::Typed(DataType::String))
    }
}
