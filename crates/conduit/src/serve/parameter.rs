//! The parameters that a connector's JSON Schema makes (§2.4): flat names, one for each value that can be
//! written as text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::choice::merged;
use super::reference::resolved;
use crate::wire::description::Param;
use crate::wire::proto::config::v1::parameter::Type;
use crate::wire::proto::config::v1::validation::Type as Rule;

/// Objects deeper than this are given as JSON.
const DEEPEST: usize = 8;

/// What a value of the configuration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Number,
    Boolean,
    /// Comma-separated, or JSON.
    List,
    /// JSON; text that is none stands for itself.
    Any,
}

/// A value of the configuration, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The keys that lead to it.
    pub(super) path: Vec<String>,
    pub(super) shape: Shape,
    pub(super) param: Param,
}

/// All values by their parameters' names.
pub(super) fn places(schema: &Value) -> BTreeMap<String, Place> {
    let mut places = BTreeMap::new();
    walk(schema, schema, &mut Vec::new(), true, &mut places);
    places
}

fn walk(
    root: &Value,
    object: &Value,
    path: &mut Vec<String>,
    is_required: bool,
    places: &mut BTreeMap<String, Place>,
) {
    let required = object["required"].as_array();
    let required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    for (name, property) in object["properties"].as_object().into_iter().flatten() {
        let property = resolved(root, property);
        let is_needed = is_required && required(name);
        path.push(name.clone());
        let has_choice = ["oneOf", "anyOf", "allOf"]
            .iter()
            .any(|key| property.get(key).is_some());
        let is_object = property["properties"].is_object() && !has_choice && path.len() < DEEPEST;
        if is_object {
            walk(root, property, path, is_needed, places);
        } else {
            // By its parts, or as JSON, as which it was known first (P12). Whether it is there shows only then.
            let choice = has_choice.then(|| merged(root, property)).flatten();
            let is_needed = is_needed && choice.is_none();
            if let Some(choice) = choice.filter(|_| path.len() < DEEPEST) {
                walk(root, &choice, path, false, places);
            }
            let shape = if has_choice {
                Shape::Any
            } else {
                shape(property)
            };
            let mut param = param(property, shape, is_needed);
            // A platform that fills defaults in would make an object that nobody asked for.
            if path.len() > 1 && !is_required {
                param.default.clear();
            }
            let place = Place {
                path: path.clone(),
                shape,
                param,
            };
            places.insert(path.join("."), place);
        }
        path.pop();
    }
}

fn shape(property: &Value) -> Shape {
    let types: Vec<&str> = match &property["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many
            .iter()
            .filter_map(Value::as_str)
            .filter(|t| *t != "null")
            .collect(),
        _ if property["enum"].is_array() => vec!["string"],
        _ => Vec::new(),
    };
    match types.as_slice() {
        ["string"] => Shape::Text,
        ["integer"] => Shape::Integer,
        ["number"] => Shape::Number,
        ["boolean"] => Shape::Boolean,
        ["array"] => Shape::List,
        _ => Shape::Any,
    }
}

fn param(property: &Value, shape: Shape, is_required: bool) -> Param {
    let kind = match shape {
        Shape::Integer => Type::Int,
        Shape::Number => Type::Float,
        Shape::Boolean => Type::Bool,
        Shape::Text | Shape::List | Shape::Any => Type::String,
    };
    let text = |key: &str| property[key].as_str().unwrap_or_default();
    let described = [text("description"), text("title")].into_iter();
    let described = described.into_iter().find(|text| !text.is_empty());
    let description = described.unwrap_or_default().to_owned();
    let note = match shape {
        Shape::List => " (comma-separated, or a JSON array)",
        Shape::Any => " (as JSON)",
        _ => "",
    };
    let mut rules = Vec::new();
    if is_required {
        rules.push((Rule::Required as i32, String::new()));
    }
    let values: Option<Vec<&str>> = property["enum"]
        .as_array()
        .map(|values| values.iter().filter_map(Value::as_str).collect());
    if let Some(values) = values.filter(|values| values.iter().all(|value| !value.contains(','))) {
        rules.push((Rule::Inclusion as i32, values.join(",")));
    }
    rules.extend(limits(property, shape));
    Param {
        default: default(&property["default"]),
        description: description + note,
        kind: kind as i32,
        rules,
    }
}

/// What a JSON Schema's patterns may have and Conduit's have not: it would refuse the connector.
const LOOKING_AROUND: [&str; 3] = ["(?=", "(?!", "(?<"];

/// The rules that limit a number or a text. Conduit's limits are not allowed values themselves (§5.3): what has no such
/// form is left to the connector.
fn limits(property: &Value, shape: Shape) -> Vec<(i32, String)> {
    let mut rules = Vec::new();
    let mut rule = |rule: Rule, value: String| rules.push((rule as i32, value));
    let whole = |keyword: &str| match shape {
        Shape::Integer => property[keyword].as_i64(),
        _ => None,
    };
    let beyond = |keyword: &str| {
        let is_number = matches!(shape, Shape::Integer | Shape::Number);
        property[keyword].as_f64().filter(|_| is_number)
    };
    let above = whole("minimum").and_then(|least| least.checked_sub(1));
    let above = above.map(|limit| limit.to_string());
    let above = above.or_else(|| beyond("exclusiveMinimum").map(|limit| limit.to_string()));
    if let Some(above) = above {
        rule(Rule::GreaterThan, above);
    }
    let below = whole("maximum").and_then(|most| most.checked_add(1));
    let below = below.map(|limit| limit.to_string());
    let below = below.or_else(|| beyond("exclusiveMaximum").map(|limit| limit.to_string()));
    if let Some(below) = below {
        rule(Rule::LessThan, below);
    }
    if let (Shape::Text, Some(pattern)) = (shape, property["pattern"].as_str())
        && !LOOKING_AROUND.iter().any(|part| pattern.contains(part))
    {
        rule(Rule::Regex, pattern.to_owned());
    }
    rules
}

/// A default as text.
fn default(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Puts `value` where `path` leads to.
pub(super) fn put(config: &mut Map<String, Value>, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        config.insert(first.clone(), value);
        return;
    }
    let inner = config
        .entry(first.clone())
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_choice_is_given_by_its_parts_or_as_json() {
        let schema = json!({"required": ["auth"], "properties": {"auth": {"oneOf": [
            {"properties": {"type": {"const": "key"}, "key": {"type": "string"}}, "required": ["type", "key"]},
            {"properties": {"type": {"const": "login"}, "rounds": {"type": "integer"}}}]}}});
        let places = places(&schema);
        let names: Vec<&str> = places.keys().map(String::as_str).collect();
        assert_eq!(names, ["auth", "auth.key", "auth.rounds", "auth.type"]);
        assert!(places.values().all(|place| !place.param.is_required()));
        assert_eq!(places["auth.rounds"].shape, Shape::Integer);
        assert_eq!(
            places["auth.type"].param.rules,
            [(Rule::Inclusion as i32, "key,login".to_owned())]
        );
    }

    #[test]
    fn limits_become_rules() {
        let check = |property: Value, expected: &[(Rule, &str)]| {
            let rules = limits(&property, shape(&property));
            let expected: Vec<_> = expected
                .iter()
                .map(|(rule, value)| (*rule as i32, (*value).to_owned()))
                .collect();
            assert_eq!(rules, expected, "{property}");
        };
        check(
            json!({"type": "integer", "minimum": 1, "maximum": 100}),
            &[(Rule::GreaterThan, "0"), (Rule::LessThan, "101")],
        );
        check(
            json!({"type": "number", "exclusiveMinimum": 0.5, "maximum": 2}),
            &[(Rule::GreaterThan, "0.5")],
        );
        check(
            json!({"type": "string", "pattern": "^[a-z]+$", "minimum": 1}),
            &[(Rule::Regex, "^[a-z]+$")],
        );
        check(json!({"type": "integer", "minimum": i64::MIN}), &[]);
        check(json!({"type": "string", "pattern": "^(?!x)"}), &[]);
    }

    #[test]
    fn a_schema_becomes_parameters() {
        let schema = json!({
            "required": ["path", "login"],
            "properties": {
                "path": {"type": "string", "description": "Where."},
                "rows": {"type": ["null", "integer"], "default": 7},
                "mode": {"enum": ["a", "b"]},
                "login": {"$ref": "#/$defs/Login"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "format": {"oneOf": [{"const": "x"}]},
                "more": {"type": "object", "properties": {"size": {"type": "integer", "default": 3}}},
            },
            "$defs": {"Login": {"type": "object", "required": ["user"], "properties": {
                "user": {"type": "string"}, "strict": {"type": "boolean", "default": true}}}},
        });
        let places = places(&schema);
        let names: Vec<_> = places.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "format",
                "login.strict",
                "login.user",
                "mode",
                "more.size",
                "path",
                "rows",
                "tags"
            ]
        );
        let check = |name: &str, shape, default: &str, required| {
            let place = &places[name];
            assert_eq!(
                (place.shape, place.param.default.as_str()),
                (shape, default),
                "{name}"
            );
            let is_required = place
                .param
                .rules
                .contains(&(Rule::Required as i32, String::new()));
            assert_eq!(is_required, required, "{name}");
        };
        check("path", Shape::Text, "", true);
        check("rows", Shape::Integer, "7", false);
        check("login.user", Shape::Text, "", true);
        check("login.strict", Shape::Boolean, "true", false);
        check("more.size", Shape::Integer, "", false);
        check("tags", Shape::List, "", false);
        check("format", Shape::Any, "", false);
        assert_eq!(
            places["mode"].param.rules,
            [(Rule::Inclusion as i32, "a,b".to_owned())]
        );
    }

    #[test]
    fn a_reference_in_a_circle_ends() {
        let schema = json!({"properties": {"a": {"$ref": "#/properties/a"}}});
        assert_eq!(places(&schema)["a"].shape, Shape::Any);
        let deep = json!({"properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}}});
        assert_eq!(places(&deep).len(), 1);
    }
}
