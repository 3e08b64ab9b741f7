//! The mappers of Airbyte: they hash, encrypt, rename or drop a field of a row, or leave rows out.
//!
//! A record has its row several times: after the change, before it, and its key. A mapper changes all of them,
//! since a value that is to be unreadable must not arrive by another way.

mod aes;
mod digest;
mod encryption;
mod field;
mod hashing;
mod row;
mod rsa;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::config::Config;
use super::{Change, Processor};
use crate::demand::{Demand, Keeps};
use crate::effect::{Effect, FieldEffect};
use crate::record::{Data, Record};
use crate::value::{Object, Value};

type Build = fn(&Config<'_>) -> Result<Box<dyn Processor>, String>;

/// A mapper.
struct Kind {
    name: &'static str,
    /// What it makes of a record, in a few words.
    what: &'static str,
    settings: &'static [&'static str],
    build: Build,
}

/// The mappers.
const TABLE: &[Kind] = &[
    Kind {
        name: "airbyte.encryption",
        what: "a field encrypted",
        settings: &[
            "algorithm",
            "fieldNameSuffix",
            "key",
            "mode",
            "padding",
            "publicKey",
            "targetField",
        ],
        build: encryption::build,
    },
    Kind {
        name: "airbyte.field-filtering",
        what: "a field taken away",
        settings: &["targetField"],
        build: field::filtering,
    },
    Kind {
        name: "airbyte.field-renaming",
        what: "a field with another name",
        settings: &["newFieldName", "originalFieldName"],
        build: field::renaming,
    },
    Kind {
        name: "airbyte.hashing",
        what: "a field's digest in its place",
        settings: &["fieldNameSuffix", "method", "targetField"],
        build: hashing::build,
    },
    Kind {
        name: "airbyte.row-filtering",
        what: "a record left out unless its conditions hold",
        settings: &["conditions"],
        build: row::build,
    },
];

/// The mappers and what each makes of a record, in a few words.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|kind| (kind.name, kind.what))
}

/// Makes the mapper of a name. `None`: there is none.
pub(super) fn build(
    name: &str,
    settings: &BTreeMap<String, Json>,
) -> Option<Result<Box<dyn Processor>, String>> {
    let kind = TABLE.iter().find(|kind| kind.name == name)?;
    Some(Config::new(settings, kind.settings).and_then(|config| (kind.build)(&config)))
}

/// The text of a value as Airbyte's mappers see it; digits stay as they came. `None`: it is null.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_json()),
    }
}

/// The rows of a record, each with whether it is a key. Raw data that are the JSON text of an object are a row.
fn rows(
    record: &mut Record,
    mut each: impl FnMut(&mut Object, bool) -> bool,
) -> Result<(), String> {
    let mut is_changed = false;
    let parts = [
        (&mut record.after, false),
        (&mut record.before, false),
        (&mut record.key, true),
    ];
    for (data, is_key) in parts {
        data.look()?;
        match data {
            Data::Absent | Data::Unread(_) => {}
            Data::Structured(row) => is_changed |= each(row, is_key),
            Data::Raw(bytes) => match Object::parse(bytes) {
                Ok(mut row) => {
                    if each(&mut row, is_key) {
                        *data = Data::Structured(row);
                        is_changed = true;
                    }
                }
                // Keys are mostly a bare value, which is no field.
                Err(_) if is_key => {}
                Err(_) => {
                    return Err(
                        "the record is raw data and has no fields; `json.decode` makes them"
                            .to_owned(),
                    );
                }
            },
        }
    }
    record.is_changed |= is_changed;
    Ok(())
}

/// Gives a member another name and value in its place. One that had the new name gives way.
fn replace(row: &mut Object, from: &str, to: &str, value: Value) {
    if from != to {
        row.remove(to);
        row.rename(from, to);
    }
    row.insert(to, value);
}

/// Makes another text of a value's.
trait Make: Send {
    /// The text in its place; `None`: there can be none.
    fn make(&self, text: &str) -> Option<String>;

    /// What is left of the values' sameness and order.
    fn keeps(&self) -> Keeps;
}

/// A field whose values are replaced by texts made of them.
struct Replacing<M> {
    from: String,
    to: String,
    make: M,
}

impl<M: Make + 'static> Replacing<M> {
    /// `suffix` is what the field's name has more than before.
    fn boxed(config: &Config<'_>, suffix: &str, make: M) -> Result<Box<dyn Processor>, String> {
        let from = config.need("targetField")?.to_owned();
        let suffix = config.text("fieldNameSuffix")?.unwrap_or(suffix);
        let to = format!("{from}{suffix}");
        Ok(Box::new(Self { from, to, make }))
    }
}

impl<M: Make> Change for Replacing<M> {
    fn change(&self, record: &mut Record) -> Result<(), String> {
        let mut has_failed = false;
        rows(record, |row, _| {
            let Some(value) = row.get(&self.from) else {
                return false;
            };
            // There is nothing to hide in null, and a text for it would be a value that nobody had.
            let made = match text(value) {
                None => Value::Null,
                Some(text) => match self.make.make(&text) {
                    Some(made) => Value::String(made),
                    None => {
                        has_failed = true;
                        Value::Null
                    }
                },
            };
            replace(row, &self.from, &self.to, made);
            true
        })?;
        if has_failed {
            record.nulled(&self.to);
        }
        Ok(())
    }

    fn effects(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.from != self.to {
            let renamed = FieldEffect::Renamed(self.to.clone());
            effects.push(Effect::Field(vec![self.from.clone()], renamed));
        }
        let typed = FieldEffect::Typed(crossdock_core::schema::DataType::String);
        effects.push(Effect::Field(vec![self.to.clone()], typed));
        effects
    }

    fn demands(&self) -> Vec<Demand> {
        vec![Demand::Moves {
            from: self.from.clone(),
            to: self.to.clone(),
            keeps: self.make.keeps(),
        }]
    }
}
