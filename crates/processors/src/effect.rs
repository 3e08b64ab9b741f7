//! What processors do to the columns of a stream, as far as it can be told before a record comes.

use crossdock_core::catalog::{ConfiguredStream, FieldPath, Stream};
use crossdock_core::schema::{DataType, data_type, json_schema};
use serde_json::{Map, Value};

use crate::reference::{Part, Reference};

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// A field of the value after the change, by its way.
    Field(Vec<String>, FieldEffect),
    /// The whole value is another.
    Whole,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FieldEffect {
    /// It is of this type now.
    Typed(DataType),
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
    /// Top-level fields that have another name in every record.
    renamed: Vec<(String, String)>,
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
        let Effect::Field(path, effect) = effect else {
            if always {
                self.properties.clear();
            } else {
                self.properties
                    .values_mut()
                    .for_each(|schema| *schema = any());
            }
            self.is_open = true;
            return;
        };
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
            FieldEffect::Any => self.typed(name, any(), always),
            FieldEffect::Removed if always => drop(self.properties.shift_remove(name)),
            FieldEffect::Removed => {}
            FieldEffect::Renamed(to) => {
                let schema = self.properties.get(name).cloned().unwrap_or_else(any);
                self.typed(to, schema, always);
                if always {
                    self.properties.shift_remove(name);
                    self.renamed.push((name.clone(), to.clone()));
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

    fn rename(&self, path: &mut FieldPath) {
        for (from, to) in &self.renamed {
            if let Some(first) = path.first_mut().filter(|first| *first == from) {
                first.clone_from(to);
            }
        }
    }

    /// The stream with these columns.
    pub(crate) fn describe(&self, stream: &mut Stream) {
        let schema = serde_json::json!({"type": "object", "properties": self.properties});
        stream.json_schema = schema;
        let keys = stream.source_defined_primary_key.iter_mut().flatten();
        keys.chain(&mut stream.default_cursor_field)
            .for_each(|path| self.rename(path));
    }

    /// The stream as it is configured, with these columns.
    pub(crate) fn configure(&self, stream: &mut ConfiguredStream) {
        self.describe(&mut stream.stream);
        let keys = stream.primary_key.iter_mut().flatten();
        keys.chain(&mut stream.cursor_field)
            .for_each(|path| self.rename(path));
    }
}

fn any() -> Value {
    json_schema(DataType::Json)
}
