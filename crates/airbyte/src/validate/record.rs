//! Records against the schema of their stream: what does not fit is told and never refused (§3.3).

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use super::{compile, words};

/// The schema of a stream, ready to look at records.
pub struct RecordSchema {
    validator: Validator,
    properties: Map<String, Value>,
}

/// What a look at a record has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// What does not fit, each with its place and without the value (P10).
    pub faults: Vec<String>,
    /// Top-level fields that the schema does not have.
    pub unexpected: Vec<String>,
}

impl RecordSchema {
    /// `None`: the schema says nothing of the fields, or is no JSON Schema.
    #[must_use]
    pub fn new(schema: &Value) -> Option<Self> {
        let properties = schema.get("properties")?.as_object()?;
        if properties.is_empty() {
            return None;
        }
        let mut schema = schema.clone();
        if let Some(Value::Array(required)) = schema.get_mut("required") {
            // Frames do not tell a null from a field that is not there (§4.4).
            required.retain(|name| {
                let property = name.as_str().and_then(|name| properties.get(name));
                !property.is_some_and(may_be_null)
            });
        }
        Some(Self {
            validator: compile(&schema)?,
            properties: properties.clone(),
        })
    }

    /// Looks at a record. Fields without a value fit every schema: sources seldom say which may be null, and
    /// destinations take null everywhere.
    #[must_use]
    pub fn look(&self, record: &[u8]) -> Look {
        let mut look = Look::default();
        let Ok(Value::Object(mut record)) = serde_json::from_slice(record) else {
            look.faults.push("the record is no JSON object".to_owned());
            return look;
        };
        let mut nulls = Vec::new();
        record.retain(|name, value| {
            let is_known = self.properties.contains_key(name);
            if !is_known {
                look.unexpected.push(name.clone());
            }
            if value.is_null() {
                nulls.push(name.clone());
            }
            is_known && !value.is_null()
        });
        let record = Value::Object(record);
        let faults = self.validator.iter_errors(&record).filter(|error| {
            let ValidationErrorKind::Required { property } = error.kind() else {
                return true;
            };
            let is_top = error.instance_path().as_str().is_empty();
            !(is_top && nulls.iter().any(|name| property == name))
        });
        look.faults = faults.map(|error| words(&error, "the record")).collect();
        look
    }
}

fn may_be_null(property: &Value) -> bool {
    match property.get("type") {
        Some(Value::Array(types)) => types.iter().any(|name| name == "null"),
        Some(_) => false,
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_named_without_its_value() {
        let schema = json!({"type": "object", "required": ["id", "note"], "additionalProperties": false, "properties": {
            "id": {"type": "integer"}, "name": {"type": "string"}, "note": {"type": ["string", "null"]},
            "o": {"type": "object", "properties": {"n": {"type": ["null", "number"]}}},
            "kind": {"oneOf": [{"type": "string"}, {"type": "string", "format": "date"}]}}});
        let schema = RecordSchema::new(&schema).unwrap();
        let check = |record: &str, faults: &[&str], unexpected: &[&str]| {
            let look = schema.look(record.as_bytes());
            assert_eq!(look.faults, faults, "{record}");
            assert_eq!(look.unexpected, unexpected, "{record}");
        };
        check(r#"{"id":1,"name":"x","o":{"n":1.5},"kind":"a"}"#, &[], &[]);
        check(r#"{"id":1,"name":null,"o":null}"#, &[], &[]);
        check(
            r#"{"id":"secret"}"#,
            &[r#"`id`: the value is not of type "integer""#],
            &[],
        );
        check(
            r#"{"id":1,"o":{"n":"secret"},"x":1,"y":2}"#,
            &[r#"`o.n`: the value is not of types "null", "number""#],
            &["x", "y"],
        );
        check(r#"{"id":null}"#, &[], &[]);
        check("{}", &[r#"`the record`: "id" is a required property"#], &[]);
        check("[1]", &["the record is no JSON object"], &[]);
        check("{", &["the record is no JSON object"], &[]);
    }

    #[test]
    fn a_schema_that_says_nothing_is_none() {
        for schema in [
            json!({}),
            json!({"properties": {}}),
            json!({"properties": []}),
            json!(true),
            json!({"properties": {"a": {"type": "nonsense"}}}),
        ] {
            assert!(RecordSchema::new(&schema).is_none(), "{schema}");
        }
    }
}
