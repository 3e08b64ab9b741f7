//! A flat configuration, texts by dotted names, made an object of objects: from `{"a.b": "1"}` to
//! `{"a": {"b": "1"}}`. Pure.

use serde_json::{Map, Value};

/// The nested configuration, and JSON pointers to all of its texts, which may stand for numbers and
/// booleans. Below a name that is itself a setting, names stay in one piece beside it: of `a.b` and `a.b.c`,
/// the second becomes the member `b.c` of `a`.
pub(crate) fn nested(flat: &Value) -> (Value, Vec<String>) {
    let mut root = Value::Object(Map::new());
    let mut pointers = Vec::new();
    let empty = Map::new();
    let settings = flat.as_object().unwrap_or(&empty);
    for (name, value) in settings {
        let (mut at, mut pointer) = (&mut root, String::new());
        for part in parts(name, settings) {
            // Only objects stand at names that are no settings, and an index makes what is missing.
            at = &mut at[part];
            pointer.push('/');
            pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
        }
        *at = value.clone();
        pointers.push(pointer);
    }
    (root, pointers)
}

/// The names that lead to a setting.
fn parts<'n>(name: &'n str, settings: &Map<String, Value>) -> Vec<&'n str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (dot, _) in name.match_indices('.') {
        if settings.contains_key(&name[..dot]) {
            break;
        }
        parts.push(&name[start..dot]);
        start = dot + 1;
    }
    parts.push(&name[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_objects() {
        let check = |flat: Value, config: Value, pointers: &[&str]| {
            let (found, at) = nested(&flat);
            assert_eq!(found, config);
            assert_eq!(at, pointers);
        };
        check(
            json!({"a.b.c": "1", "a.d": "x", "e": "y"}),
            json!({"a": {"b": {"c": "1"}, "d": "x"}, "e": "y"}),
            &["/a/b/c", "/a/d", "/e"],
        );
        check(
            json!({"a.b": "1", "a.b.c.d": "2", "a.b/c": "3"}),
            json!({"a": {"b": "1", "b.c.d": "2", "b/c": "3"}}),
            &["/a/b", "/a/b.c.d", "/a/b~1c"],
        );
    }
}
