//! `base64.encode` and `base64.decode`.

use crossdock_core::convert::{decode_base64, write_base64};
use crossdock_core::schema::DataType;

use super::field::reference;
use super::{Change, Processor};
use crate::effect::{Effect, FieldEffect};
use crate::record::Record;
use crate::reference::Reference;
use crate::setting::Settings;
use crate::value::Value;

struct Base64 {
    field: Reference,
    encodes: bool,
}

pub(super) fn encode(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let field = reference(settings, "field")?;
    Ok(Box::new(Base64 {
        field,
        encodes: true,
    }))
}

pub(super) fn decode(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let field = reference(settings, "field")?;
    Ok(Box::new(Base64 {
        field,
        encodes: false,
    }))
}

impl Change for Base64 {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let bytes = match self.field.get(record)? {
            Value::Null => return Ok(()),
            Value::Bytes(bytes) => bytes,
            Value::String(text) => text.into_bytes(),
            value @ (Value::Number(_) | Value::Bool(_)) if self.encodes => {
                value.to_text().into_bytes()
            }
            other => return Err(format!("{} has no bytes", other.kind())),
        };
        let mut out = Vec::new();
        if self.encodes {
            write_base64(&mut out, &bytes);
        } else if !decode_base64(&bytes, &mut out) {
            return Err("the field is no base64".to_owned());
        }
        let value = match String::from_utf8(out) {
            Ok(text) => Value::String(text),
            Err(error) => Value::Bytes(error.into_bytes()),
        };
        self.field.set(record, value)
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.field, FieldEffect::Typed(DataType::String))
    }
}
