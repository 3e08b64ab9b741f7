//! `flatten` and `structFlatten`: lists become records, objects become fields.

use super::config::{Config, of_setting};
use super::{Transform, Transforming};
use crate::effect::Effect;
use crate::kind::{Outcome, Processor};
use crate::path::Place;
use crate::payload::Payload;
use crate::record::Record;
use crate::value::{Object, Value};

/// More records than this are not made of one (P7).
const MOST: usize = 1_000_000;

/// The same where each of them keeps the whole list.
const MOST_WITH_LIST: usize = 2_000;

/// Deeper objects are refused, as in the original.
const DEEPEST: usize = 64;

struct Flatten {
    /// As it is written, since what is no object stands under it.
    name: String,
    place: Place,
}

pub(super) fn flatten(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let name = config.need("field")?;
    let place = of_setting("field", Place::parse(name))?;
    Ok(Box::new(Flatten {
        name: name.to_owned(),
        place,
    }))
}

impl Flatten {
    /// The items of the list, and what there is beside them; none if there is no list.
    fn parts(&self, payload: &Value) -> Result<Option<(Vec<Value>, Value)>, String> {
        let Some(items) = self.place.get(payload).and_then(items) else {
            return Ok(None);
        };
        if !matches!(payload, Value::Object(_)) {
            return Ok(None);
        }
        // Only a list at the top is taken away, as in the original.
        let is_top = self.place.names().len() == 1;
        let most = if is_top { MOST } else { MOST_WITH_LIST };
        if items.len() > most {
            let why = format!(
                "`{}` is a list of {} items; up to {most} can be flattened",
                self.name,
                items.len()
            );
            return Err(if is_top {
                why
            } else {
                why + " where each record keeps the list"
            });
        }
        let items = items.to_vec();
        let mut rest = payload.clone();
        if is_top {
            self.place.remove(&mut rest);
        }
        Ok(Some((items, rest)))
    }

    fn part(&self, mut rest: Value, item: Value) -> Value {
        if let Value::Object(members) = &mut rest {
            match item {
                Value::Object(inner) => {
                    for (name, value) in inner.into_members() {
                        members.insert(&name, value);
                    }
                }
                other => members.insert(&self.name, other),
            }
        }
        rest
    }

    fn flattened(&self, mut record: Record) -> Result<Outcome, String> {
        let Some(payload) = Payload::take(&mut record)? else {
            return Ok(Outcome::One(record));
        };
        let Some((items, rest)) = self.parts(&payload.value)? else {
            payload.restore(&mut record);
            return Ok(Outcome::One(record));
        };
        if items.is_empty() {
            payload.with(rest).replace(&mut record);
            return Ok(Outcome::One(record));
        }
        let parts = items.into_iter().map(|item| {
            let mut part = record.clone();
            let value = self.part(rest.clone(), item);
            payload.with(value).replace(&mut part);
            part
        });
        Ok(Outcome::Many(parts.collect()))
    }
}

/// The items of a list, also if it stands in an object as Avro's unions do.
fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(items) => Some(items),
        Value::Object(members) if members.len() == 1 => match members.get("array") {
            Some(Value::List(items)) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

impl Processor for Flatten {
    fn process(&mut self, record: Record) -> Outcome {
        self.flattened(record).unwrap_or_else(Outcome::Failed)
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Mixed]
    }

    fn multiplies(&self) -> bool {
        true
    }
}

struct StructFlatten {
    delimiter: String,
}

pub(super) fn struct_flatten(config: &Config<'_>) -> Result<Box<dyn Processor>, String> {
    let delimiter = config.text("delimiter")?.unwrap_or(".");
    if delimiter.is_empty() {
        return Err("the setting `delimiter` is empty".to_owned());
    }
    let delimiter = delimiter.to_owned();
    Ok(Transforming::boxed(StructFlatten { delimiter }))
}

impl StructFlatten {
    fn spread(
        &self,
        prefix: &str,
        members: Object,
        depth: usize,
        flat: &mut Object,
    ) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("objects are nested more than {DEEPEST} deep"));
        }
        for (name, value) in members.into_members() {
            let name = match depth {
                1 => name,
                _ => format!("{prefix}{}{name}", self.delimiter),
            };
            match value {
                Value::Object(inner) => self.spread(&name, inner, depth + 1, flat)?,
                other => flat.insert(&name, other),
            }
        }
        Ok(())
    }
}

impl Transform for StructFlatten {
    fn transform(&self, payload: &mut Value, _: &Record) -> Result<bool, String> {
        let Value::Object(members) = payload else {
            return Ok(false);
        };
        let is_flat = |(_, value): (&str, &Value)| !matches!(value, Value::Object(_));
        if members.iter().all(is_flat) {
            return Ok(false);
        }
        let mut flat = Object::default();
        self.spread("", std::mem::take(members), 1, &mut flat)?;
        *members = flat;
        Ok(true)
    }

    fn effects(&self) -> Vec<Effect> {
        vec![Effect::Flat(self.delimiter.clone())]
    }
}
