//! A connector's configuration out of the flat texts that the platform sends (§5.3).

use std::collections::BTreeMap;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use serde_json::{Map, Value};

use super::middleware::{Middleware, boolean};
use super::parameter::{Place, Shape, put};
use crate::wire::proto::config::v1::validation::Type as Rule;

/// A configuration that was taken.
#[derive(Clone, Debug)]
pub(super) struct Configured {
    pub(super) config: Value,
    pub(super) middleware: Middleware,
}

/// Reads the texts. All that are wrong are named at once.
pub(super) fn read(
    places: &BTreeMap<String, Place>,
    texts: BTreeMap<String, String>,
) -> Result<Value> {
    let mut config = Map::new();
    let mut wrong = Vec::new();
    for (name, text) in texts {
        let text = text.trim();
        match places.get(&name) {
            None => wrong.push(format!("`{name}` is not a parameter of this connector")),
            // As for every connector, an empty text is none.
            Some(_) if text.is_empty() => {}
            Some(place) => match value(place.shape, text) {
                Some(_) if !is_listed(place, text) => wrong.push(format!(
                    "`{name}` is `{text}`, which is none of {}",
                    place.param.rule(Rule::Inclusion).unwrap_or_default()
                )),
                Some(value) => put(&mut config, &place.path, value),
                None => wrong.push(format!(
                    "`{name}` is `{text}`, which is not {}",
                    word(place.shape)
                )),
            },
        }
    }
    for (name, place) in places {
        let is_given = pointer(&config, &place.path);
        if place.param.is_required() && !is_given {
            wrong.push(format!("`{name}` is required"));
        }
    }
    if wrong.is_empty() {
        return Ok(config.into());
    }
    Err(Error::new(&code::CONFIG_INVALID, wrong.join("; ")))
}

/// Whether a text is one of those that the parameter allows, if it allows only some.
fn is_listed(place: &Place, text: &str) -> bool {
    let allowed = place.param.rule(Rule::Inclusion);
    allowed.is_none_or(|allowed| allowed.split(',').any(|one| one == text))
}

fn pointer(config: &Map<String, Value>, path: &[String]) -> bool {
    match path {
        [] => false,
        [only] => config.contains_key(only),
        [first, rest @ ..] => config
            .get(first)
            .and_then(Value::as_object)
            .is_some_and(|inner| pointer(inner, rest)),
    }
}

fn word(shape: Shape) -> &'static str {
    match shape {
        Shape::Integer => "a whole number",
        Shape::Number => "a number",
        Shape::Boolean => "`true` or `false`",
        Shape::Text | Shape::List | Shape::Any => "a value",
    }
}

fn value(shape: Shape, text: &str) -> Option<Value> {
    match shape {
        Shape::Text => Some(text.into()),
        Shape::Integer => text.parse::<i64>().ok().map(Value::from),
        Shape::Number => text.parse::<f64>().ok().map(Value::from),
        Shape::Boolean => boolean(text).map(Value::from),
        Shape::List => match serde_json::from_str(text) {
            Ok(list @ Value::Array(_)) => Some(list),
            _ => Some(text.split(',').map(|item| any(item.trim())).collect()),
        },
        Shape::Any => Some(any(text)),
    }
}

fn any(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

#[cfg(test)]
mod tests {
    use crate::serve::parameter::places;
    use serde_json::json;

    #[test]
    fn texts_become_values() {
        let schema = json!({"required": ["path"], "properties": {
            "path": {"type": "string"}, "rows": {"type": "integer"}, "ratio": {"type": "number"},
            "mode": {"enum": ["add", "replace"]}, "strict": {"type": "boolean"}, "tags": {"type": "array"}, "any": {},
            "login": {"type": "object", "properties": {"user": {"type": "string"}}}}});
        let places = places(&schema);
        let read = |pairs: &[(&str, &str)]| {
            let texts = pairs
                .iter()
                .map(|(n, t)| ((*n).to_owned(), (*t).to_owned()))
                .collect();
            crate::serve::config::read(&places, texts)
        };
        let given = [
            ("path", " 12 "),
            ("rows", "3"),
            ("ratio", "0.5"),
            ("strict", "T"),
            ("tags", "a, 2"),
            ("any", "{\"x\":1}"),
            ("login.user", "me"),
        ];
        let expected = json!({"path": "12", "rows": 3, "ratio": 0.5, "strict": true, "tags": ["a", 2],
            "any": {"x": 1}, "login": {"user": "me"}});
        assert_eq!(read(&given).unwrap(), expected);
        let list = [("path", "x"), ("tags", "[\"a,b\"]"), ("rows", "")];
        assert_eq!(read(&list).unwrap(), json!({"path": "x", "tags": ["a,b"]}));
        let error = read(&[
            ("rows", "x"),
            ("strict", "yes"),
            ("pth", "x"),
            ("mode", "ad"),
        ])
        .unwrap_err();
        for part in [
            "`rows` is `x`",
            "`strict` is `yes`",
            "`pth` is not",
            "`mode` is `ad`, which is none of add,replace",
            "`path` is required",
        ] {
            assert!(error.message().contains(part), "{error:?}");
        }
    }
}
