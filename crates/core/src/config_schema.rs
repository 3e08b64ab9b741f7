//! The schema of a configuration, from the struct that it is read into: title, descriptions, defaults and limits stand
//! there and nowhere else.
//!
//! Descriptions are the doc comments. What a comment cannot say is said by `#[schemars(…)]`: `title`, `range(min = 1)`,
//! `regex(pattern = …)`, and by `extend("order" = 0, "group" = "auth")` the rest of Airbyte's annotations (§1.8). A
//! [`Secret`](crate::secret::Secret) marks itself.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// JSON Schema (draft-07, without references) of a configuration.
#[must_use]
pub fn config_schema<C: JsonSchema>() -> Value {
    schema_of::<C>(settings().for_deserialize())
}

/// JSON Schema (draft-07, without references) of the records that a source emits, as they are written.
#[must_use]
pub fn record_schema<R: JsonSchema>() -> Value {
    schema_of::<R>(settings().for_serialize())
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft07().with(|s| s.inline_subschemas = true)
}

fn schema_of<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    simplify(&mut schema);
    schema
}

/// Turns alternatives that are all constants into one `enum`, and leaves out formats that only
/// name a Rust type. A form built from the schema (Airbyte §1.8) expects objects in a `oneOf`.
fn simplify(schema: &mut Value) {
    let Value::Object(map) = schema else {
        if let Value::Array(items) = schema {
            items.iter_mut().for_each(simplify);
        }
        return;
    };
    map.values_mut().for_each(simplify);
    if let Some(constants) = map.get("oneOf").and_then(constants) {
        map.remove("oneOf");
        map.insert("type".to_owned(), "string".into());
        map.insert("enum".to_owned(), constants);
    }
    if map
        .get("format")
        .and_then(Value::as_str)
        .is_some_and(|f| f.starts_with("uint"))
    {
        map.remove("format");
    }
}

fn constants(alternatives: &Value) -> Option<Value> {
    let values = alternatives.as_array()?.iter().map(|a| {
        let only = a
            .get("enum")
            .and_then(Value::as_array)
            .and_then(|v| v.first());
        a.get("const").or(only).cloned()
    });
    values.collect::<Option<Vec<_>>>().map(Value::Array)
}
