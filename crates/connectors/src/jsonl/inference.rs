//! The schema of JSON values, told from a sample of them.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// An object with more names than this is a map whose keys are data, not a struct.
const MOST_MEMBERS: usize = 256;

/// The types that the values of a field had.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    boolean: bool,
    integer: bool,
    number: bool,
    string: bool,
    array: bool,
    object: bool,
    elements: Option<Box<Seen>>,
    members: Members,
}

/// What was seen of each member, in the order of first sight.
#[derive(Clone, Debug, Default)]
pub(super) struct Members {
    seen: Vec<(String, Seen)>,
    places: HashMap<String, usize>,
}

impl Members {
    /// Takes an object into account.
    pub(super) fn see(&mut self, object: &Map<String, Value>) {
        for (name, value) in object {
            let place = self.places.get(name).copied().unwrap_or_else(|| {
                let next = self.seen.len();
                self.places.insert(name.clone(), next);
                self.seen.push((name.clone(), Seen::default()));
                next
            });
            self.seen[place].1.see(value);
        }
    }

    /// The `properties` of their schema.
    pub(super) fn properties(&self) -> Map<String, Value> {
        let property = |(name, seen): &(String, Seen)| (name.clone(), seen.schema());
        self.seen.iter().map(property).collect()
    }
}

impl Seen {
    fn see(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(_) => self.boolean = true,
            Value::Number(number) if number.is_i64() => self.integer = true,
            Value::Number(_) => self.number = true,
            Value::String(_) => self.string = true,
            Value::Array(elements) => {
                self.array = true;
                let seen = self.elements.get_or_insert_default();
                elements.iter().for_each(|element| seen.see(element));
            }
            Value::Object(members) => {
                self.object = true;
                if self.members.seen.len() <= MOST_MEMBERS {
                    self.members.see(members);
                }
            }
        }
    }

    /// The names of the types, `null` aside.
    fn types(&self) -> Vec<&'static str> {
        let all = [
            (self.boolean, "boolean"),
            (self.integer && !self.number, "integer"),
            (self.number, "number"),
            (self.string, "string"),
            (self.array, "array"),
            (self.object, "object"),
        ];
        let seen = all.iter().filter(|(has, _)| *has);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(objects: &[Value]) -> Value {
        let mut members = Members::default();
        for object in objects {
            members.see(object.as_object().unwrap());
        }
        members.properties().into()
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
