//! The schema of a configuration as a platform's form takes it (§1.8). Pure.
//!
//! A form knows one type for each property, for which "optional" is "may be left out" and not "may be null", and a
//! choice between objects that have a title each and a constant by which they are told apart.

use serde_json::{Map, Value};

/// Rewrites a schema, and all in it, so that a form can show it.
pub(super) fn for_forms(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(for_forms);
            without_null(members);
            choice(members);
            open(members);
        }
        Value::Array(items) => items.iter_mut().for_each(for_forms),
        _ => {}
    }
}

/// A value that may be null is one that may be left out.
fn without_null(members: &mut Map<String, Value>) {
    if let Some(Value::Array(types)) = members.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = &mut types[..] {
            let only = only.take();
            members.insert("type".to_owned(), only);
        }
    }
    for keyword in ["anyOf", "oneOf"] {
        let Some(Value::Array(alternatives)) = members.get_mut(keyword) else {
            continue;
        };
        let all = alternatives.len();
        alternatives.retain(|alternative| alternative.get("type") != Some(&"null".into()));
        if alternatives.len() == all {
            continue;
        }
        if let [Value::Object(only)] = &mut alternatives[..] {
            let only = std::mem::take(only);
            members.remove(keyword);
            // What is said of the property counts more than what is said of its type.
            for (name, value) in only {
                members.entry(name).or_insert(value);
            }
        }
    }
    if members.get("default") == Some(&Value::Null) {
        members.remove("default");
    }
}

/// A platform adds members of its own, and refuses what the schema forbids; we do the same for those of nobody.
fn open(members: &mut Map<String, Value>) {
    if members.get("additionalProperties") == Some(&Value::Bool(false)) {
        members.remove("additionalProperties");
    }
}

/// A choice between objects says so, and each has a title.
fn choice(members: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = members.get_mut("oneOf") else {
        return;
    };
    let titles: Option<Vec<String>> = alternatives.iter().map(discriminator).collect();
    let Some(titles) = titles else { return };
    for (alternative, title) in alternatives.iter_mut().zip(titles) {
        if let Value::Object(alternative) = alternative {
            alternative.entry("title").or_insert_with(|| title.into());
        }
    }
    members.entry("type").or_insert_with(|| "object".into());
}

/// The constant of an alternative that is an object.
fn discriminator(alternative: &Value) -> Option<String> {
    let properties = alternative.get("properties")?.as_object()?;
    let mut constants = properties
        .values()
        .filter_map(|property| property.get("const"));
    constants.next()?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_can_show_it() {
        let check = |mut schema: Value, expected: Value| {
            for_forms(&mut schema);
            assert_eq!(schema, expected);
        };
        check(
            json!({"properties": {
                "rows": {"type": ["integer", "null"], "default": null},
                "both": {"type": ["string", "integer", "null"]},
                "limit": {"anyOf": [{"type": "object", "description": "Any."}, {"type": "null"}], "description": "Here."},
            }}),
            json!({"properties": {
                "rows": {"type": "integer"},
                "both": {"type": ["string", "integer"]},
                "limit": {"type": "object", "description": "Here."},
            }}),
        );
        check(
            json!({"oneOf": [
                {"type": "object", "properties": {"key": {"type": "string"}, "type": {"const": "key"}}},
                {"type": "object", "title": "OAuth", "properties": {"type": {"const": "oauth"}}},
            ]}),
            json!({"type": "object", "oneOf": [
                {"type": "object", "title": "key", "properties": {"key": {"type": "string"}, "type": {"const": "key"}}},
                {"type": "object", "title": "OAuth", "properties": {"type": {"const": "oauth"}}},
            ]}),
        );
        check(
            json!({"properties": {"additionalProperties": {"type": "string"}}, "additionalProperties": false}),
            json!({"properties": {"additionalProperties": {"type": "string"}}}),
        );
        // What cannot be told apart stays as it is.
        check(
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        );
        // A setting that is called like a keyword.
        check(
            json!({"properties": {"type": {"type": "string"}, "oneOf": {"type": ["string", "null"]}}}),
            json!({"properties": {"type": {"type": "string"}, "oneOf": {"type": "string"}}}),
        );
    }
}
