//! `unwrap.opencdc`: a whole record that stands in a field of another.

use bytes::Bytes;
use crossdock_core::convert::decode_base64;

use super::unwrap::{object, wrapped};
use super::{Change, Processor};
use crate::effect::Effect;
use crate::record::{Data, Record, operation_of};
use crate::reference::Reference;
use crate::setting::Settings;
use crate::value::{Object, Value};

struct OpenCdc(Reference);

pub(super) fn build(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(OpenCdc(wrapped(settings)?)))
}

impl Change for OpenCdc {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let mut inner = object(&self.0, record)?;
        let operation = match inner.remove("operation") {
            Some(Value::String(name)) => operation_of(&name)?,
            Some(other) => return Err(format!("`operation` is {}", other.kind())),
            None => return Err("the wrapped record has no `operation`".to_owned()),
        };
        let metadata = match inner.remove("metadata") {
            Some(Value::Object(members)) => {
                let texts = members.iter();
                texts
                    .map(|(name, value)| (name.to_owned(), Value::String(value.to_text())))
                    .collect::<Object>()
            }
            Some(other) => return Err(format!("`metadata` is {}", other.kind())),
            None => return Err("the wrapped record has no `metadata`".to_owned()),
        };
        let key = data(inner.remove("key"), "key")?;
        let Some(Value::Object(mut payload)) = inner.remove("payload") else {
            return Err("the wrapped record has no object `payload`".to_owned());
        };
        let before = data(payload.remove("before"), "payload.before")?;
        let after = data(payload.remove("after"), "payload.after")?;
        record.operation = operation;
        record.metadata = metadata;
        record.key = key;
        record.before = before;
        record.after = after;
        record.is_changed = true;
        Ok(())
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Whole]
    }
}

/// Raw data stand in JSON as base64.
fn data(value: Option<Value>, name: &str) -> Result<Data, String> {
    match value.unwrap_or_default() {
        Value::Null => Ok(Data::Absent),
        Value::Object(object) => Ok(Data::Structured(object)),
        Value::String(text) => {
            let mut bytes = Vec::new();
            if !decode_base64(text.as_bytes(), &mut bytes) {
                return Err(format!("`{name}` is a text, but not base64"));
            }
            Ok(Data::Raw(Bytes::from(bytes)))
        }
        other => Err(format!("`{name}` is {}", other.kind())),
    }
}
