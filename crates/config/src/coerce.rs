//! Gives values that came from references the type that the connector's specification wants.
//!
//! A variable is text. Whether `12345` is a password or a port, only the specification knows.

use std::collections::BTreeSet;

use serde_json::{Number, Value};

/// Deepest nesting of alternatives and `$ref`s that is followed.
const DEEPEST: usize = 64;

/// Turns the strings at `references` (JSON pointers) into an integer, number or boolean where
/// `schema` allows one there and no string, and the text is one. All else stays as it is, for
/// validation to complain about.
pub fn coerce(config: &mut Value, references: &[String], schema: &Value) {
    for pointer in references {
        let mut types = BTreeSet::new();
        let tokens: Vec<String> = pointer
            .split('/')
            .skip(1)
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect();
        let search = Search { root: schema };
        search.types_at(schema, config, &tokens, DEEPEST, &mut types);
        if let Some(value) = config.pointer_mut(pointer)
            && let Some(text) = value.as_str()
            && let Some(typed) = read_as(text, &types)
        {
            *value = typed;
        }
    }
}

fn read_as(text: &str, types: &BTreeSet<&str>) -> Option<Value> {
    if types.contains("string") {
        return None;
    }
    let text = text.trim();
    if types.contains("boolean")
        && let Ok(value) = text.parse::<bool>()
    {
        return Some(Value::Bool(value));
    }
    let number = types.contains("number");
    if number || types.contains("integer") {
        let integer = text.parse::<i64>().map(Number::from).ok();
        let integer = integer.or_else(|| text.parse::<u64>().map(Number::from).ok());
        let float = || text.parse::<f64>().ok().filter(|_| number);
        return integer
            .or_else(|| float().and_then(Number::from_f64))
            .map(Value::Number);
    }
    None
}

struct Search<'a> {
    root: &'a Value,
}

impl<'a> Search<'a> {
    /// Collects the types that `schema`, or any alternative in it that can apply to `value`,
    /// allows at `path`.
    fn types_at(
        &self,
        schema: &'a Value,
        value: &Value,
        path: &[String],
        depth: usize,
        types: &mut BTreeSet<&'a str>,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = reference.and_then(|r| self.root.pointer(r.strip_prefix('#')?)) {
            self.types_at(target, value, path, depth, types);
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            let parts = schema.get(keyword).and_then(Value::as_array);
            for part in parts
                .into_iter()
                .flatten()
                .filter(|part| applies(part, value))
            {
                self.types_at(part, value, path, depth, types);
            }
        }
        let Some((token, rest)) = path.split_first() else {
            match schema.get("type") {
                Some(Value::String(one)) => types.extend([one.as_str()]),
                Some(Value::Array(many)) => types.extend(many.iter().filter_map(Value::as_str)),
                _ => {}
            }
            return;
        };
        let (below, child) = match value {
            Value::Array(items) => {
                let item = token.parse::<usize>().ok().and_then(|i| items.get(i));
                (schema.get("items"), item)
            }
            _ => {
                let named = schema.get("properties").and_then(|p| p.get(token));
                let others = || schema.get("additionalProperties");
                (named.or_else(others), value.get(token))
            }
        };
        if let (Some(below), Some(child)) = (below, child) {
            self.types_at(below, child, rest, depth, types);
        }
    }
}

/// Whether an alternative can be the one that `value` chose: none of its fixed properties
/// contradicts it (§1.8).
fn applies(alternative: &Value, value: &Value) -> bool {
    let properties = alternative.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().all(|(key, property)| {
        let fixed = property.get("const").or_else(|| {
            let allowed = property.get("enum")?.as_array()?;
            match allowed.as_slice() {
                [only] => Some(only),
                _ => None,
            }
        });
        match (fixed, value.get(key)) {
            (Some(fixed), Some(given)) => fixed == given,
            _ => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_specification_decides_the_type() {
        let schema = json!({"type": "object", "properties": {
            "seed": {"type": "integer"},
            "ratio": {"type": ["null", "number"]},
            "on": {"type": "boolean"},
            "password": {"type": "string"},
            "either": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
            "ports": {"type": "array", "items": {"type": "integer"}},
            "ref/d": {"allOf": [{"$ref": "#/definitions/port"}]},
            "loop": {"$ref": "#/properties/loop"},
            "auth": {"type": "object", "oneOf": [
                {"properties": {"kind": {"const": "pin"}, "value": {"type": "integer"}}},
                {"properties": {"kind": {"enum": ["word"]}, "value": {"type": "string"}}}]}},
            "additionalProperties": {"type": "boolean"},
            "definitions": {"port": {"type": "integer"}}});
        let check = |pointer: &str, before: Value, after: Value| {
            let mut config = before.clone();
            coerce(&mut config, &[pointer.to_owned()], &schema);
            assert_eq!(config, after, "{pointer} in {before}");
        };
        check("/seed", json!({"seed": "5"}), json!({"seed": 5}));
        check("/seed", json!({"seed": "-5"}), json!({"seed": -5}));
        check(
            "/seed",
            json!({"seed": "18446744073709551615"}),
            json!({"seed": u64::MAX}),
        );
        check("/seed", json!({"seed": "5.5"}), json!({"seed": "5.5"}));
        check("/seed", json!({"seed": "five"}), json!({"seed": "five"}));
        check("/ratio", json!({"ratio": "0.5"}), json!({"ratio": 0.5}));
        check("/ratio", json!({"ratio": "7"}), json!({"ratio": 7}));
        check("/ratio", json!({"ratio": "NaN"}), json!({"ratio": "NaN"}));
        check("/on", json!({"on": "true"}), json!({"on": true}));
        check("/on", json!({"on": "yes"}), json!({"on": "yes"}));
        check(
            "/password",
            json!({"password": "12345"}),
            json!({"password": "12345"}),
        );
        check("/either", json!({"either": "5"}), json!({"either": "5"}));
        check(
            "/ports/1",
            json!({"ports": [1, "2"]}),
            json!({"ports": [1, 2]}),
        );
        check("/ref~1d", json!({"ref/d": "1"}), json!({"ref/d": 1}));
        check("/loop", json!({"loop": "1"}), json!({"loop": "1"}));
        check("/other", json!({"other": "false"}), json!({"other": false}));
        check(
            "/auth/value",
            json!({"auth": {"kind": "pin", "value": "1"}}),
            json!({"auth": {"kind": "pin", "value": 1}}),
        );
        check(
            "/auth/value",
            json!({"auth": {"kind": "word", "value": "1"}}),
            json!({"auth": {"kind": "word", "value": "1"}}),
        );
        check(
            "/auth/value",
            json!({"auth": {"value": "1"}}),
            json!({"auth": {"value": "1"}}),
        );
        check("/gone", json!({}), json!({}));
    }
}
