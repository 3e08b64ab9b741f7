//! A choice between objects in a JSON Schema as flat parameters: one that says which, and the values of all.

use serde_json::{Map, Value, json};

use super::reference::resolved;

/// The choice as the schema of one object that has the values of every alternative, each saying for which it is; none
/// is required, for that depends on what is chosen. `None` if it is no choice that a constant decides.
pub(super) fn merged(root: &Value, property: &Value) -> Option<Value> {
    let alternatives = alternatives(root, property)?;
    let deciding = deciding(&alternatives)?;
    let mut properties = Map::new();
    let mut chosen = Vec::new();
    for alternative in &alternatives {
        let own = alternative["properties"].as_object()?;
        let constant = constant(&own[deciding])?;
        chosen.push(constant);
        for (name, value) in own.iter().filter(|(name, _)| *name != deciding) {
            let value = resolved(root, value);
            match properties.get_mut(name) {
                None => drop(properties.insert(name.clone(), told(value, deciding, constant))),
                // Of two kinds: either.
                Some(known) if known["type"] != value["type"] => *known = json!({}),
                Some(known) => also(known, constant),
            }
        }
    }
    let description = property["description"].as_str().unwrap_or("Which one.");
    let which = json!({"type": "string", "enum": chosen, "description": description});
    properties.insert(deciding.to_owned(), which);
    Some(json!({"type": "object", "properties": properties}))
}

/// The alternatives that are not null, if all are objects.
fn alternatives<'a>(root: &'a Value, property: &'a Value) -> Option<Vec<&'a Value>> {
    let listed = property
        .get("oneOf")
        .or_else(|| property.get("anyOf"))?
        .as_array()?;
    let all = listed.iter().map(|one| resolved(root, one));
    let there: Vec<&Value> = all.filter(|one| one["type"] != "null").collect();
    match there.as_slice() {
        // A choice that may be left out.
        [only] if only["properties"].is_null() => alternatives(root, only),
        _ => there
            .iter()
            .all(|one| one["properties"].is_object())
            .then_some(there),
    }
}

/// The property that is another constant in each.
fn deciding<'a>(alternatives: &[&'a Value]) -> Option<&'a str> {
    let first = alternatives.first()?["properties"].as_object()?;
    let decides = |name: &&String| {
        let constants: Option<Vec<&str>> = alternatives
            .iter()
            .map(|one| constant(&one["properties"][name.as_str()]))
            .collect();
        constants.is_some_and(|mut constants| {
            constants.sort_unstable();
            constants.windows(2).all(|two| two[0] != two[1])
        })
    };
    first.keys().find(decides).map(String::as_str)
}

fn constant(property: &Value) -> Option<&str> {
    property["const"]
        .as_str()
        .or_else(|| match property["enum"].as_array()?.as_slice() {
            [only] => only.as_str(),
            _ => None,
        })
}

/// The property with a word on what it is for. Its default would make a value that nobody asked for.
fn told(property: &Value, deciding: &str, constant: &str) -> Value {
    let mut told = property.clone();
    if let Value::Object(members) = &mut told {
        members.remove("default");
        let text = ["description", "title"]
            .iter()
            .find_map(|key| property[*key].as_str());
        let note = format!(
            "{} (if `{deciding}` is `{constant}`)",
            text.unwrap_or_default()
        );
        members.insert("description".to_owned(), note.trim_start().into());
    }
    told
}

/// The same for one more alternative.
fn also(property: &mut Value, constant: &str) {
    if let Some(text) = property["description"]
        .as_str()
        .and_then(|text| text.strip_suffix(')'))
    {
        property["description"] = format!("{text} or `{constant}`)").into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_decides() {
        let key = json!({"type": "object", "properties": {
            "type": {"const": "key"}, "key": {"type": "string", "default": "x"}, "to": {"type": "string", "title": "Where"}}});
        let login = json!({"properties": {
            "type": {"enum": ["login"]}, "user": {"type": "string", "description": "Who."}, "to": {"type": "string"}}});
        let expected = json!({"type": "object", "properties": {
            "key": {"type": "string", "description": "(if `type` is `key`)"},
            "to": {"type": "string", "title": "Where", "description": "Where (if `type` is `key` or `login`)"},
            "user": {"type": "string", "description": "Who. (if `type` is `login`)"},
            "type": {"type": "string", "enum": ["key", "login"], "description": "How to get in."}}});
        let root = json!({"$defs": {"login": login}});
        let choice =
            json!({"description": "How to get in.", "oneOf": [key, {"$ref": "#/$defs/login"}]});
        assert_eq!(merged(&root, &choice), Some(expected));
        let optional = json!({"anyOf": [choice, {"type": "null"}]});
        assert!(merged(&root, &optional).is_some());
        for none in [
            json!({"type": "string"}),
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"oneOf": [key, key]}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ] {
            assert_eq!(merged(&root, &none), None, "{none}");
        }
    }
}
