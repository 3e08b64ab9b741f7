//! A flat configuration, texts by dotted names, made an object of objects: from `{"a.b": "1"}` to
//! `{"a": {"b": "1"}}`. Pure.

use serde_json::{Map, Value};

/// The nested configuration, and JSON pointers to all of its texts, which may stand for numbers and
/// booleans. The error is the name of a setting that is both a value and an object.
pub(crate) fn nested(flat: &Value) -> Result<(Value, Vec<String>), String> {
    let mut root = Map::new();
    let mut pointers = Vec::new();
    for (name, value) in flat.as_object().into_iter().flatten() {
        let parts: Vec<&str> = name.split('.').collect();
        let Some((last, above)) = parts.split_last() else {
            continue;
        };
        let mut object = &mut root;
        for part in above {
            let inner = object
                .entry(*part)
                .or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(|| name.clone())?;
        }
        if object.insert((*last).to_owned(), value.clone()).is_some() {
            return Err(name.clone());
        }
        let escaped = parts
            .iter()
            .map(|part| part.replace('~', "~0").replace('/', "~1"));
        pointers.push(format!("/{}", escaped.collect::<Vec<_>>().join("/")));
    }
    Ok((Value::Object(root), pointers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_objects() {
        let (config, pointers) = nested(&json!({"a.b.c": "1", "a.d": "x", "e": "y"})).unwrap();
        assert_eq!(config, json!({"a": {"b": {"c": "1"}, "d": "x"}, "e": "y"}));
        assert_eq!(pointers, ["/a/b/c", "/a/d", "/e"]);
        assert_eq!(
            nested(&json!({"a": "1", "a.b": "2"})),
            Err("a.b".to_owned())
        );
        assert_eq!(nested(&json!({"a.b": "2", "a": "1"})), Err("a".to_owned()));
    }
}
