//! The JSON Schema that a connector's parameters make.

use std::collections::BTreeMap;

use crossdock_core::secret::is_secret_name;
use serde_json::{Map, Value, json};

use crate::wire::description::Param;

use crate::wire::proto::config::v1::parameter::Type;
use crate::wire::proto::config::v1::validation::Type as Rule;

fn schema(param: &Param, name: &str) -> Value {
    let kind = Type::try_from(param.kind).unwrap_or(Type::Unspecified);
    // Everything is text on the wire; a number in YAML is as good.
    let types = match kind {
        Type::Int => json!(["integer", "string"]),
        Type::Float => json!(["number", "string"]),
        Type::Bool => json!(["boolean", "string"]),
        _ => json!(["string", "integer", "number", "boolean"]),
    };
    let mut schema = Map::from_iter([("type".to_owned(), types)]);
    let mut description = param.description.clone();
    if kind == Type::Duration {
        description.push_str(" (a duration such as `1m30s`)");
    }
    if !description.is_empty() {
        schema.insert("description".into(), description.trim().into());
    }
    if !param.default.is_empty() {
        schema.insert("default".into(), param.default.as_str().into());
    }
    if let Some(values) = param.rule(Rule::Inclusion) {
        let values: Vec<&str> = values.split(',').map(str::trim).collect();
        schema.insert("enum".into(), json!(values));
        schema.remove("type");
    }
    if is_secret_name(name) {
        schema.insert("airbyte_secret".into(), true.into());
    }
    schema.into()
}

/// The JSON Schema of a connector's configuration: flat names, as the protocol has them.
pub(super) fn json_schema(params: &BTreeMap<String, Param>) -> Value {
    let (mut properties, mut patterns, mut required) = (Map::new(), Map::new(), Vec::new());
    for (name, param) in params {
        if name.contains('*') {
            let parts: Vec<String> = name.split('*').map(escaped).collect();
            patterns.insert(format!("^{}$", parts.join("[^.]+")), schema(param, name));
            continue;
        }
        properties.insert(name.clone(), schema(param, name));
        if param.is_required() {
            required.push(name.as_str());
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if !patterns.is_empty() {
        schema["patternProperties"] = patterns.into();
    }
    schema
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if !character.is_alphanumeric() && character != '_' {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_a_schema() {
        let param = |kind: Type, default: &str, rules: &[(Rule, &str)]| Param {
            kind: kind as i32,
            default: default.into(),
            description: String::new(),
            rules: rules
                .iter()
                .map(|(rule, value)| (*rule as i32, (*value).into()))
                .collect(),
        };
        let params = BTreeMap::from([
            (
                "url".into(),
                param(Type::String, "", &[(Rule::Required, "")]),
            ),
            (
                "tries".into(),
                param(Type::Int, "3", &[(Rule::Required, "")]),
            ),
            (
                "mode".into(),
                param(Type::String, "", &[(Rule::Inclusion, "a, b")]),
            ),
            ("collections.*.type".into(), param(Type::String, "", &[])),
        ]);
        let text = json!(["string", "integer", "number", "boolean"]);
        let expected = json!({
            "type": "object",
            "properties": {
                "mode": {"enum": ["a", "b"]},
                "tries": {"type": ["integer", "string"], "default": "3"},
                "url": {"type": text, "airbyte_secret": true},
            },
            "required": ["url"],
            "additionalProperties": false,
            "patternProperties": {"^collections\\.[^.]+\\.type$": {"type": text}},
        });
        assert_eq!(json_schema(&params), expected);
    }
}
