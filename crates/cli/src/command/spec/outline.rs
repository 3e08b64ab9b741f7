//! A specification as a list of settings, for people. Schemas are foreign: whatever does not have
//! the usual form is left out or named by what it is (P11).

use crossdock_config::ConnectorRef;
use crossdock_core::Spec;
use serde_json::Value;

use crate::text::{printable, shortened};

/// How deep nested settings are shown.
const DEEPEST: usize = 6;
/// A description is cut after so many characters.
const LONGEST: usize = 400;

/// The settings, each with its type, whether it is required, its default and what it means.
pub(super) fn outline(reference: &ConnectorRef, spec: &Spec) -> String {
    let schema = &spec.connection_specification;
    let mut text = reference.to_string();
    if let Some(title) = text_of(schema, "title") {
        text += &format!(": {}", shortened(title, LONGEST));
    }
    text.push('\n');
    if let Some(url) = &spec.documentation_url {
        text += &format!("documentation: {}\n", shortened(url, LONGEST));
    }
    if let Some(modes) = &spec.supported_destination_sync_modes {
        let modes: Vec<&str> = modes.iter().map(|mode| mode.as_str()).collect();
        text += &format!("destination sync modes: {}\n", modes.join(", "));
    }
    let mut settings = String::new();
    properties(&mut settings, schema, 0);
    if settings.is_empty() {
        return text + "\nno settings\n";
    }
    text + &settings
}

fn properties(text: &mut String, schema: &Value, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    let required: Vec<&str> = list(schema, "required")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for (name, setting) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let indent = 2 + 4 * depth;
        let head = head(name, setting, required.contains(&name.as_str()));
        *text += &format!("\n{:indent$}{head}\n", "");
        if let Some(description) = text_of(setting, "description") {
            *text += &format!("{:indent$}  {}\n", "", shortened(description, LONGEST));
        }
        properties(text, setting, depth + 1);
        for (at, alternative) in alternatives(setting).iter().enumerate() {
            if alternative.get("properties").is_none() {
                continue;
            }
            let title = text_of(alternative, "title").unwrap_or("untitled");
            *text += &format!(
                "\n{:indent$}  either {}: {}\n",
                "",
                at + 1,
                shortened(title, LONGEST)
            );
            properties(text, alternative, depth + 1);
        }
        if let Some(items) = setting
            .get("items")
            .filter(|items| items.get("properties").is_some())
        {
            properties(text, items, depth + 1);
        }
    }
}

fn head(name: &str, setting: &Value, required: bool) -> String {
    let mut head = format!("{}: {}", printable(name), type_name(setting));
    if let Some(constant) = setting.get("const") {
        head += &format!(", always {}", shortened(&constant.to_string(), LONGEST));
    }
    if required {
        head += ", required";
    }
    if setting.get("airbyte_secret") == Some(&Value::Bool(true)) {
        head += ", secret";
    }
    if let Some(default) = setting.get("default").filter(|default| !default.is_null()) {
        head += &format!(", default {}", shortened(&default.to_string(), LONGEST));
    }
    head
}

/// The type of a value of this schema, in words.
pub(crate) fn type_name(schema: &Value) -> String {
    let values = list(schema, "enum");
    if !values.is_empty() {
        let words: Vec<String> = values.iter().map(word).collect();
        return words.join(" | ");
    }
    let mut names: Vec<String> = match schema.get("type") {
        Some(Value::String(name)) => vec![one(name, schema)],
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .map(|name| one(name, schema))
            .collect(),
        _ => alternatives(schema).iter().map(type_name).collect(),
    };
    names.dedup();
    // That a value may be absent is no type; it stands last.
    let nullable = names.len() > 1 && names.iter().any(|name| name == "null");
    if nullable {
        names.retain(|name| name != "null");
    }
    let mut text = names.join(" | ");
    if text.is_empty() {
        "any".clone_into(&mut text);
    }
    if nullable {
        text += ", nullable";
    }
    printable(&text)
}

fn one(name: &str, schema: &Value) -> String {
    let format = text_of(schema, "format");
    match (name, format) {
        ("string", Some(format)) => format.to_owned(),
        ("array", _) => match schema.get("items").map(type_name) {
            Some(items) => format!("array of {items}"),
            None => "array".to_owned(),
        },
        _ => name.to_owned(),
    }
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), |text| format!("\"{text}\""))
}

fn alternatives(schema: &Value) -> &[Value] {
    let one_of = list(schema, "oneOf");
    if one_of.is_empty() {
        list(schema, "anyOf")
    } else {
        one_of
    }
}

fn list<'a>(schema: &'a Value, key: &str) -> &'a [Value] {
    schema
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text_of<'a>(schema: &'a Value, key: &str) -> Option<&'a str> {
    schema.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_in_words() {
        let check = |schema: Value, expected: &str| assert_eq!(type_name(&schema), expected);
        check(json!({"type": "string"}), "string");
        check(json!({"type": ["null", "integer"]}), "integer, nullable");
        check(
            json!({"type": "string", "format": "date-time"}),
            "date-time",
        );
        check(
            json!({"type": "array", "items": {"type": "number"}}),
            "array of number",
        );
        check(json!({"enum": ["a", 1]}), "\"a\" | 1");
        check(
            json!({"oneOf": [{"type": "integer"}, {"type": "string"}]}),
            "integer | string",
        );
        check(json!({}), "any");
        check(json!(true), "any");
        check(json!({"type": 7, "enum": 7, "oneOf": 7}), "any");
        check(json!({"type": "null"}), "null");
    }

    #[test]
    fn settings_nest() {
        let spec: Spec = serde_json::from_value(json!({
            "documentationUrl": "https://example.com",
            "connectionSpecification": {
                "title": "Example", "required": ["host"],
                "properties": {
                    "host": {"type": "string", "description": "Where\nit is"},
                    "password": {"type": "string", "airbyte_secret": true},
                    "port": {"type": "integer", "default": 5432},
                    "tunnel": {"type": "object", "oneOf": [
                        {"title": "None", "properties": {"method": {"type": "string", "const": "none"}}},
                        {"title": "SSH", "required": ["user"], "properties": {"user": {"type": "string"}}},
                    ]},
                    "options": {"type": "object", "properties": {"fast": {"type": "boolean"}}},
                },
            },
        }))
        .unwrap();
        let reference = "airbyte:python:source-example".parse().unwrap();
        insta::assert_snapshot!(outline(&reference, &spec));
    }
}
