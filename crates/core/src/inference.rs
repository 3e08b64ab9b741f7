//! The schema of JSON values, told from those that were seen.
//!
//! What was seen only ever grows: a value of a new type widens its field, and nothing narrows it. So
//! whoever reads a stream without end can tell when its schema has changed.

mod text;

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// An object with more names than this is a map whose keys are data, not a struct.
const MOST_MEMBERS: usize = 256;

/// What a value is, by its outermost type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `true` or `false`.
    Boolean,
    /// A whole number of 64 bits.
    Integer,
    /// Any other number.
    Number,
    /// Text.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

impl ValueKind {
    const ALL: [(Self, &str); 6] = [
        (Self::Boolean, "boolean"),
        (Self::Integer, "integer"),
        (Self::Number, "number"),
        (Self::String, "string"),
        (Self::Array, "array"),
        (Self::Object, "object"),
    ];

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The types that the values of a field had.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    kinds: u8,
    elements: Option<Box<Seen>>,
    members: Members,
}

/// What was seen of each member, in the order of first sight.
#[derive(Clone, Debug, Default)]
pub struct Members {
    seen: Vec<(String, Seen)>,
    places: HashMap<String, usize>,
}

impl Members {
    /// Takes an object into account. `true` if it had something new.
    pub fn see(&mut self, object: &Map<String, Value>) -> bool {
        let mut grown = false;
        for (name, value) in object {
            let (seen, is_new) = self.member(name);
            grown |= seen.see(value) | is_new;
        }
        grown
    }

    /// What was seen of the member `name`, and whether it is new.
    pub fn member(&mut self, name: &str) -> (&mut Seen, bool) {
        let place = self.places.get(name).copied();
        let at = place.unwrap_or_else(|| {
            let next = self.seen.len();
            self.places.insert(name.to_owned(), next);
            self.seen.push((name.to_owned(), Seen::default()));
            next
        });
        (&mut self.seen[at].1, place.is_none())
    }

    /// The `properties` of their schema.
    #[must_use]
    pub fn properties(&self) -> Map<String, Value> {
        let property = |(name, seen): &(String, Seen)| (name.clone(), seen.schema());
        self.seen.iter().map(property).collect()
    }

    /// What was seen by either.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        for (name, seen) in other.seen {
            let (own, _) = self.member(&name);
            *own = std::mem::take(own).merged(seen);
        }
        self
    }

    /// What a schema says was seen: the reverse of [`Members::properties`].
    #[must_use]
    pub fn of_properties(properties: &Map<String, Value>) -> Self {
        let mut members = Self::default();
        for (name, schema) in properties {
            *members.member(name).0 = Seen::of_schema(schema);
        }
        members
    }
}

impl Seen {
    /// Takes a value into account. `true` if it was something new.
    pub fn see(&mut self, value: &Value) -> bool {
        match value {
            Value::Null => false,
            Value::Bool(_) => self.mark(ValueKind::Boolean),
            Value::Number(number) if number.is_i64() => self.mark(ValueKind::Integer),
            Value::Number(_) => self.mark(ValueKind::Number),
            Value::String(_) => self.mark(ValueKind::String),
            Value::Array(elements) => {
                let mut grown = self.mark(ValueKind::Array);
                let seen = self.elements();
                for element in elements {
                    grown |= seen.see(element);
                }
                grown
            }
            Value::Object(members) => {
                let grown = self.mark(ValueKind::Object);
                let more = self.members().is_some_and(|seen| seen.see(members));
                grown | more
            }
        }
    }

    /// Takes a value of this kind into account. `true` if there was none before. Its parts, if it has
    /// any, are for [`Seen::elements`] and [`Seen::members`].
    pub fn mark(&mut self, kind: ValueKind) -> bool {
        // A whole number among others is no news.
        let known = match kind {
            ValueKind::Integer => ValueKind::Integer.bit() | ValueKind::Number.bit(),
            other => other.bit(),
        };
        let is_new = self.kinds & known == 0;
        self.kinds |= kind.bit();
        is_new
    }

    /// What was seen of an array's elements.
    pub fn elements(&mut self) -> &mut Self {
        self.elements.get_or_insert_default()
    }

    /// What was seen of an object's members; `None` if its keys are data.
    pub fn members(&mut self) -> Option<&mut Members> {
        (self.members.seen.len() <= MOST_MEMBERS).then_some(&mut self.members)
    }

    fn merged(self, other: Self) -> Self {
        let elements = match (self.elements, other.elements) {
            (Some(one), Some(other)) => Some(Box::new(one.merged(*other))),
            (one, other) => one.or(other),
        };
        Self {
            kinds: self.kinds | other.kinds,
            elements,
            members: self.members.merged(other.members),
        }
    }

    fn has(&self, kind: ValueKind) -> bool {
        self.kinds & kind.bit() != 0
    }

    /// The names of the types, `null` aside.
    fn types(&self) -> Vec<&'static str> {
        let seen = ValueKind::ALL.iter().filter(|(kind, _)| match kind {
            ValueKind::Integer => self.has(*kind) && !self.has(ValueKind::Number),
            other => self.has(*other),
        });
        seen.map(|(_, name)| *name).collect()
    }

    fn schema(&self) -> Value {
        let mut types = self.types();
        if types.is_empty() {
            types.push("string");
        }
        types.insert(0, "null");
        let mut schema = Map::from_iter([("type".to_owned(), json!(types))]);
        // What was never seen must not be said to be of a type.
        let elements = self.elements.iter().filter(|seen| !seen.types().is_empty());
        for seen in elements {
            schema.insert("items".to_owned(), seen.schema());
        }
        if (1..=MOST_MEMBERS).contains(&self.members.seen.len()) {
            schema.insert("properties".to_owned(), self.members.properties().into());
        }
        schema.into()
    }

    fn of_schema(schema: &Value) -> Self {
        let is = |name: &str| match &schema["type"] {
            Value::String(one) => one == name,
            Value::Array(many) => many.iter().any(|one| one == name),
            _ => false,
        };
        let mut seen = Self::default();
        for (kind, name) in ValueKind::ALL {
            if is(name) {
                seen.kinds |= kind.bit();
            }
        }
        if let Some(items) = schema.get("items") {
            seen.elements = Some(Box::new(Self::of_schema(items)));
        }
        if let Some(properties) = schema["properties"].as_object() {
            seen.members = Members::of_properties(properties);
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(objects: &[Value]) -> Value {
        let mut members = Members::default();
        for object in objects {
            members.see(object.as_object().unwrap());
        }
        let properties = members.properties();
        let again = Members::of_properties(&properties).properties();
        assert_eq!(again, properties);
        for object in objects {
            assert!(
                !members.see(object.as_object().unwrap()),
                "{object} is no news"
            );
        }
        properties.into()
    }

    #[test]
    fn types_join() {
        let objects = [
            json!({"b": 1, "a": true, "n": null, "x": 1}),
            json!({"b": 1.5, "a": null, "x": "text"}),
        ];
        let expected = json!({
            "b": {"type": ["null", "number"]},
            "a": {"type": ["null", "boolean"]},
            "n": {"type": ["null", "string"]},
            "x": {"type": ["null", "integer", "string"]},
        });
        assert_eq!(properties(&objects), expected);
    }

    #[test]
    fn parts_are_declared() {
        let objects = [
            json!({"o": {"a": 1, "l": []}, "l": [{"x": 1}, null]}),
            json!({"o": {"b": "text"}, "l": [{"y": [[2]]}], "m": [], "e": {}}),
        ];
        let list = json!({"type": ["null", "array"], "items": {"type": ["null", "array"],
            "items": {"type": ["null", "integer"]}}});
        let expected = json!({
            "o": {"type": ["null", "object"], "properties": {
                "a": {"type": ["null", "integer"]},
                "l": {"type": ["null", "array"]},
                "b": {"type": ["null", "string"]},
            }},
            "l": {"type": ["null", "array"], "items": {"type": ["null", "object"], "properties": {
                "x": {"type": ["null", "integer"]},
                "y": list,
            }}},
            "m": {"type": ["null", "array"]},
            "e": {"type": ["null", "object"]},
        });
        assert_eq!(properties(&objects), expected);
    }

    #[test]
    fn keys_that_are_data_are_not_declared() {
        let objects: Vec<_> = (0..=MOST_MEMBERS)
            .map(|n| json!({"o": {format!("key {n}"): n}}))
            .collect();
        let expected = json!({"o": {"type": ["null", "object"]}});
        assert_eq!(properties(&objects), expected);
    }
}
