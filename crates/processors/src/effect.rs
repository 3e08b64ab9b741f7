//! What processors do to the columns of a stream, as far as it can be told before a record comes.

use crossdock_core::catalog::{ConfiguredStream, FieldPath, Stream};
use crossdock_core::schema::{DataType, data_type, json_schema};
use serde_json::{Map, Value};

use crate::case::Case;
use crate::reference::{Part, Reference};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A field of the value after the change, by its way.
    Field(Vec<String>, FieldEffect),
    /// The whole value is another.
    Whole,
    /// The value has these members and no others: where each comes from, the empty way being the value
    /// itself, and its name.
    Only(Vec<(Vec<String>, String)>),
    /// All fields have their names in another case; `true`: those inside of fields, too.
    Cased(Case, bool),
    /// Fields that hold objects are fields for what is inside, named with this between.
    Flat(String),
    /// All fields may be anything, and others may come.
    Mixed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldEffect {
    /// It is of this type now.
    Typed(DataType),
    /// It is of this type now, in records that have what it is made of.
    Perhaps(DataType),
    /// It may be anything.
    Any,
    Removed,
    Renamed(String),
}

impl Effect {
    /// The effect of a change at `reference`; none if that is no column.
    pub(crate) fn at(reference: &Reference, effect: FieldEffect) -> Vec<Self> {
        match reference.data() {
            Some((Part::After, [])) => vec![Self::Whole],
            Some((Part::After, path)) => vec![Self::Field(path.to_vec(), effect)],
            _ => Vec::new(),
        }
    }
}

/// The columns of a stream on their way through processors.
#[derive(Debug)]
pub(crate) struct Shape {
    properties: Map<String, Value>,
    /// Top-level fields that have another name in every record, or (`None`) are in none any more; in the order
    /// in which that happens.
    renamed: Vec<(String, Option<String>)>,
    /// Columns may come that nobody knows yet.
    pub(crate) is_open: bool,
}

impl Shape {
    pub(crate) fn of(stream: &Stream) -> Self {
        let properties = stream
            .json_schema
            .get("properties")
            .and_then(Value::as_object);
        Self {
            properties: properties.cloned().unwrap_or_default(),
            renamed: Vec::new(),
            is_open: false,
        }
    }

    /// Takes a change into account; `always`: it is one of every record.
    pub(crate) fn take(&mut self, effect: &Effect, always: bool) {
        match effect {
            Effect::Field(path, effect) => self.field(path, effect, always),
            Effect::Whole if always => {
                self.properties.clear();
                self.is_open = true;
            }
            Effect::Whole | Effect::Mixed => {
                self.properties
                    .values_mut()
                    .for_each(|schema| *schema = any());
                self.is_open = true;
            }
            Effect::Only(members) => self.only(members, always),
            Effect::Cased(case, deep) => self.cased(*case, *deep, always),
            Effect::Flat(between) => self.flat(between, always),
        }
    }

    fn only(&mut self, members: &[(Vec<String>, String)], always: bool) {
        let schema = |path: &[String]| match path {
            [name] => self.properties.get(name).cloned().unwrap_or_else(any),
            _ => any(),
        };
        let new: Vec<_> = members
            .iter()
            .map(|(path, name)| (name, schema(path)))
            .collect();
        // Of columns that nobody knows there may be none, and then the value may stay as it is.
        let is_known = |(path, _): &(Vec<String>, String)| match path.first() {
            Some(name) => self.properties.contains_key(name),
            None => true,
        };
        self.is_open |= !members.iter().any(is_known);
        if always {
            self.properties.clear();
        }
        for (name, schema) in new {
            // Of two that end up under one name either may be there.
            self.typed(name, schema, false);
        }
    }

    fn cased(&mut self, case: Case, deep: bool, always: bool) {
        let known = std::mem::take(&mut self.properties);
        for (name, schema) in &known {
            let to = case.of(name);
            let schema = if deep && is_nested(schema) {
                any()
            } else {
                schema.clone()
            };
            if !always || *name == to {
                self.typed(name, schema.clone(), false);
            } else {
                self.renamed.push((name.clone(), Some(to.clone())));
            }
            self.typed(&to, schema, false);
        }
    }

    fn flat(&mut self, between: &str, always: bool) {
        if always {
            self.properties.retain(|_, schema| !is_object(schema));
        }
        for (name, schema) in &mut self.properties {
            // It may be what was inside of another.
            if name.contains(between) {
                *schema = any();
            }
        }
        self.is_open = true;
    }

    fn field(&mut self, path: &[String], effect: &FieldEffect, always: bool) {
        let Some((name, rest)) = path.split_first() else {
            return;
        };
        if !rest.is_empty() {
            // Inside a column: what is there can no longer be told.
            self.properties.insert(name.clone(), any());
            return;
        }
        match effect {
            FieldEffect::Typed(data_type) => self.typed(name, json_schema(*data_type), always),
            FieldEffect::Perhaps(data_type) => self.typed(name, json_schema(*data_type), false),
            FieldEffect::Any => self.typed(name, any(), always),
            FieldEffect::Removed if always => {
                self.properties.shift_remove(name);
                self.renamed.push((name.clone(), None));
            }
            FieldEffect::Removed => {}
            FieldEffect::Renamed(to) => {
                let schema = self.properties.get(name).cloned().unwrap_or_else(any);
                // A record without the field keeps what it has under the other name.
                self.typed(to, schema, always && !self.properties.contains_key(to));
                if always {
                    self.properties.shift_remove(name);
                    self.renamed.push((name.clone(), Some(to.clone())));
                }
            }
        }
    }

    fn typed(&mut self, name: &str, schema: Value, always: bool) {
        let known = self.properties.get(name);
        let both = match known {
            Some(known) if !always && data_type(known) != data_type(&schema) => any(),
            _ => schema,
        };
        self.properties.insert(name.to_owned(), both);
    }

    /// Whether a record may have a field of this name, as far as is known.
    pub(crate) fn may_have(&self, name: &str) -> bool {
        self.is_open || self.properties.is_empty() || self.properties.contains_key(name)
    }

    /// The fields that are known.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.properties.keys().map(String::as_str)
    }

    /// A path as it is by now. `None`: what it leads to is gone.
    pub(crate) fn now(&self, path: &FieldPath) -> Option<FieldPath> {
        let mut path = path.clone();
        for (from, to) in &self.renamed {
            if let Some(first) = path.first_mut().filter(|first| *first == from) {
                first.clone_from(to.as_ref()?);
            }
        }
        Some(path)
    }

    /// A key of which every part is still there.
    fn key(&self, key: &Option<Vec<FieldPath>>) -> Option<Vec<FieldPath>> {
        key.as_ref()?.iter().map(|path| self.now(path)).collect()
    }

    /// The stream with these columns. What is left of a key is none.
    pub(crate) fn describe(&self, stream: &mut Stream) {
        let schema = serde_json::json!({"type": "object", "properties": self.properties});
        stream.json_schema = schema;
        stream.source_defined_primary_key = self.key(&stream.source_defined_primary_key);
        let cursor = stream.default_cursor_field.as_ref();
        stream.default_cursor_field = cursor.and_then(|path| self.now(path));
    }

    /// The stream as it is configured, with these columns.
    pub(crate) fn configure(&self, stream: &mut ConfiguredStream) {
        self.describe(&mut stream.stream);
        stream.primary_key = self.key(&stream.primary_key);
        let cursor = stream.cursor_field.as_ref();
        stream.cursor_field = cursor.and_then(|path| self.now(path));
    }
}

/// Whether a column holds objects, and nothing else.
fn is_object(schema: &Value) -> bool {
    let is = |wanted: &str| match &schema["type"] {
        Value::String(name) => name == wanted,
        Value::Array(names) => names.iter().any(|name| name == wanted),
        _ => false,
    };
    is("object") && !is("array")
}

/// Whether there may be an object or a list in a column.
fn is_nested(schema: &Value) -> bool {
    data_type(schema) == DataType::Json
}

fn any() -> Value {
    json_schema(DataType::Json)
}
