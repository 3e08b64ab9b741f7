//! What a schema declares inside of objects and arrays.

use serde_json::Value;

use super::{DataType, Field, data_type};

/// Deeper than this everything is JSON text: types are walked by recursion (P11).
const DEPTH: usize = 32;

/// The name of a list's element: Parquet's own.
const ELEMENT: &str = "element";

/// The parts of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nested {
    /// An object with these members, one at least.
    Struct(Vec<Field>),
    /// An array of such elements.
    List(Box<Field>),
}

/// The fields that an object's schema declares.
pub(super) fn fields(schema: &Value, depth: usize) -> Vec<Field> {
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties = properties.into_iter().flatten();
    properties
        .map(|(name, property)| field(name, property, depth))
        .collect()
}

fn field(name: &str, property: &Value, depth: usize) -> Field {
    let field = Field::new(name, data_type(property));
    let nested = (field.data_type == DataType::Json && depth < DEPTH)
        .then(|| parts(property, depth + 1))
        .flatten();
    Field { nested, ..field }
}

/// The parts of a value that is one object or one array and nothing else.
fn parts(property: &Value, depth: usize) -> Option<Nested> {
    let says = |key: &str| property.get(key).is_some();
    if ["oneOf", "anyOf", "allOf", "$ref", "airbyte_type"]
        .into_iter()
        .any(says)
    {
        return None;
    }
    let declared = property.get("type")?;
    let types: Vec<&str> = match declared {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut types = types.into_iter().filter(|name| *name != "null");
    match (types.next()?, types.next()) {
        ("object", None) => {
            let members = fields(property, depth);
            (!members.is_empty()).then_some(Nested::Struct(members))
        }
        ("array", None) => {
            // What is not declared could be of any type, and of several.
            let items = property
                .get("items")
                .filter(|items| items.get("type").is_some())?;
            Some(Nested::List(Box::new(field(ELEMENT, items, depth))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::schema::StreamSchema;

    fn nested(property: &Value) -> Option<Nested> {
        let schema = json!({"properties": {"a": property}});
        let field = StreamSchema::nested_from_json_schema(&schema)
            .fields
            .remove(0);
        assert_eq!(field.data_type, data_type(property));
        field.nested
    }

    #[test]
    fn declared_parts_are_found() {
        let integer = Field::new(ELEMENT, DataType::Integer);
        let list = Nested::List(Box::new(integer));
        let schema = json!({"type": ["null", "array"], "items": {"type": "integer"}});
        assert_eq!(nested(&schema), Some(list.clone()));
        let members = vec![
            Field::new("b", DataType::String),
            Field {
                nested: Some(list),
                ..Field::new("c", DataType::Json)
            },
        ];
        let schema =
            json!({"type": "object", "properties": {"b": {"type": "string"}, "c": schema}});
        assert_eq!(nested(&schema), Some(Nested::Struct(members)));
    }

    #[test]
    fn what_could_be_anything_stays_json() {
        for schema in [
            json!({}),
            json!({"type": "string"}),
            json!({"type": "object"}),
            json!({"type": "object", "properties": {}}),
            json!({"type": "array"}),
            json!({"type": "array", "items": {}}),
            json!({"type": "array", "items": [{"type": "string"}]}),
            json!({"type": ["object", "array"], "properties": {"b": {"type": "string"}}}),
            json!({"type": "object", "properties": {"b": {}}, "oneOf": []}),
            json!({"type": "string", "airbyte_type": "json"}),
        ] {
            assert_eq!(nested(&schema), None, "{schema}");
        }
    }

    #[test]
    fn depth_has_an_end() {
        let mut schema = json!({"type": "integer"});
        for _ in 0..100 {
            schema = json!({"type": "array", "items": schema});
        }
        let mut depth = 0;
        let mut found = nested(&schema);
        while let Some(Nested::List(element)) = found {
            (found, depth) = (element.nested, depth + 1);
        }
        assert_eq!(depth, DEPTH);
    }
}
