//! `avro.decode` and `avro.encode`: data behind a header of Confluent's, a zero and the schema's number.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_avro::Schema;
use serde_json::json;

use super::field::data_reference;
use super::{Outcome, Processor};
use crate::effect::{Effect, FieldEffect};
use crate::record::Record;
use crate::reference::Reference;
use crate::registry::{Found, Wish};
use crate::setting::Settings;
use crate::value::{Object, Value};

/// Schemas that are kept in memory; of more, the first are forgotten.
const KEPT: usize = 1000;

/// Schemas that were asked for; `None`: there is no such schema, or it is broken.
#[derive(Default)]
struct Known {
    schemas: HashMap<Wish, Result<(i32, Arc<Schema>), String>>,
}

impl Known {
    fn get(&self, wish: &Wish) -> Option<Result<(i32, Arc<Schema>), String>> {
        self.schemas.get(wish).cloned()
    }

    fn give(&mut self, wish: Wish, found: Found) {
        if self.schemas.len() >= KEPT {
            self.schemas.clear();
        }
        let schema = match found {
            None => Err(match &wish {
                Wish::Id(id) => format!("the registry has no schema {id}"),
                Wish::Version(subject, version) => {
                    format!("the registry has no version {version} of `{subject}`")
                }
                Wish::Create { subject, .. } => format!("`{subject}` could not be kept"),
            }),
            Some((id, text)) => Schema::parse(text.as_bytes())
                .map(|schema| (id, Arc::new(schema)))
                .map_err(|fault| fault.to_string()),
        };
        self.schemas.insert(wish, schema);
    }
}

struct Decode {
    field: Reference,
    known: Known,
}

pub(super) fn decode(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    Ok(Box::new(Decode {
        field: data_reference(settings, Some(".Payload.After"))?,
        known: Known::default(),
    }))
}

impl Decode {
    /// A wish if a schema is needed.
    fn decoded(&self, record: &mut Record) -> Result<Option<Wish>, String> {
        let bytes = match self.field.get(record)? {
            Value::Bytes(bytes) => bytes,
            Value::String(text) => text.into_bytes(),
            other => return Err(format!("the field is {}, not raw data", other.kind())),
        };
        let (id, data) = match bytes.split_first_chunk::<5>() {
            Some(([0, id @ ..], data)) => (i32::from_be_bytes(*id), data),
            _ => return Err("the data do not begin with a zero and the schema's number".to_owned()),
        };
        let wish = Wish::Id(id);
        let Some(schema) = self.known.get(&wish) else {
            return Ok(Some(wish));
        };
        let mut text = Vec::new();
        schema?
            .1
            .write_json(data, &mut text)
            .map_err(|fault| fault.to_string())?;
        self.field.set(record, Value::parse(&text)?)?;
        Ok(None)
    }
}

/// Either done, or a schema is needed, or it failed.
fn outcome(record: Record, done: Result<Option<Wish>, String>) -> Outcome {
    match done {
        Ok(None) => Outcome::One(record),
        Ok(Some(wish)) => Outcome::Needs(wish, Box::new(record)),
        Err(why) => Outcome::Failed(why),
    }
}

impl Processor for Decode {
    fn process(&mut self, mut record: Record) -> Outcome {
        let done = self.decoded(&mut record);
        outcome(record, done)
    }

    fn give(&mut self, wish: Wish, found: Found) {
        self.known.give(wish, found);
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.field, FieldEffect::Any)
    }
}

enum Strategy {
    Kept(Wish),
    /// The schema is made of the record and kept under this subject.
    Made(String),
}

struct Encode {
    field: Reference,
    strategy: Strategy,
    known: Known,
}

pub(super) fn encode(settings: &mut Settings<'_>) -> Result<Box<dyn Processor>, String> {
    let field = data_reference(settings, Some(".Payload.After"))?;
    let kept = (
        settings.get("schema.preRegistered.subject"),
        settings.get("schema.preRegistered.version"),
    );
    let made = settings.get("schema.autoRegister.subject");
    let strategy = match settings.need("schema.strategy")? {
        "preRegistered" => {
            let subject = kept
                .0
                .ok_or("the setting `schema.preRegistered.subject` is missing")?;
            let version = kept
                .1
                .and_then(|text| text.parse().ok())
                .filter(|version| *version > 0);
            let version = version
                .ok_or("the setting `schema.preRegistered.version` is a number that is not zero")?;
            Strategy::Kept(Wish::Version(subject.to_owned(), version))
        }
        "autoRegister" => Strategy::Made(
            made.ok_or("the setting `schema.autoRegister.subject` is missing")?
                .to_owned(),
        ),
        other => {
            return Err(format!(
                "the setting `schema.strategy`: `{other}` is neither preRegistered nor autoRegister"
            ));
        }
    };
    Ok(Box::new(Encode {
        field,
        strategy,
        known: Known::default(),
    }))
}

impl Encode {
    fn encoded(&self, record: &mut Record) -> Result<Option<Wish>, String> {
        let object = match self.field.get(record)? {
            Value::Object(object) => object,
            Value::Bytes(bytes) => Object::parse(&bytes)?,
            Value::String(text) => Object::parse(text.as_bytes())?,
            other => return Err(format!("the field is {}, not an object", other.kind())),
        };
        let wish = match &self.strategy {
            Strategy::Kept(wish) => wish.clone(),
            Strategy::Made(subject) => Wish::Create {
                subject: subject.clone(),
                text: schema_of(&object, "record").to_string(),
            },
        };
        let Some(schema) = self.known.get(&wish) else {
            return Ok(Some(wish));
        };
        let (id, schema) = schema?;
        let mut out = vec![0];
        out.extend_from_slice(&id.to_be_bytes());
        let text = Value::Object(object).to_json();
        schema
            .write_binary(text.as_bytes(), &mut out)
            .map_err(|fault| fault.to_string())?;
        self.field.set(record, Value::Bytes(out))?;
        Ok(None)
    }
}

impl Processor for Encode {
    fn process(&mut self, mut record: Record) -> Outcome {
        let done = self.encoded(&mut record);
        outcome(record, done)
    }

    fn give(&mut self, wish: Wish, found: Found) {
        self.known.give(wish, found);
    }

    fn effects(&self) -> Vec<Effect> {
        Effect::at(&self.field, FieldEffect::Any)
    }
}

/// The schema of an object by its values. Of what is null nothing is known: it may be text.
fn schema_of(object: &Object, name: &str) -> serde_json::Value {
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by_key(|(name, _)| *name);
    let fields = fields.into_iter().map(
        |(field, value)| json!({"name": field, "type": type_of(value, &format!("{name}.{field}"))}),
    );
    json!({"name": name, "type": "record", "fields": fields.collect::<Vec<_>>()})
}

fn type_of(value: &Value, name: &str) -> serde_json::Value {
    match value {
        Value::Null => json!(["null", "string"]),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) if value.as_integer().is_some() => json!("long"),
        Value::Number(_) => json!("double"),
        Value::String(_) | Value::Time(_) => json!("string"),
        Value::Bytes(_) => json!("bytes"),
        Value::Object(object) => schema_of(object, name),
        Value::List(items) => {
            let mut types: Vec<serde_json::Value> = Vec::new();
            for item in items {
                let item = type_of(item, name);
                if !types.contains(&item) {
                    types.push(item);
                }
            }
            let items = match types.as_slice() {
                [] => json!(["null", "string"]),
                [one] => one.clone(),
                // One of several: no union is in a union.
                _ => types
                    .into_iter()
                    .flat_map(|t| match t {
                        serde_json::Value::Array(branches) => branches,
                        other => vec![other],
                    })
                    .collect(),
            };
            json!({"type": "array", "items": items})
        }
    }
}
