//! The settings of a transformation or mapper: typed values by name, as JSON has them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::path::{Path, Place};

/// A slip of the pen is more alike than this.
const ALIKE: f64 = 0.8;

/// Reads settings.
pub(super) struct Config<'a> {
    given: &'a BTreeMap<String, Value>,
}

impl<'a> Config<'a> {
    /// An error if there are settings that the transformation does not know. A slip in a name is told first,
    /// since it is the reason why another setting is missing.
    pub(super) fn new(
        given: &'a BTreeMap<String, Value>,
        known: &[&'static str],
    ) -> Result<Self, String> {
        let mut names = given.keys();
        match names.find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self { given }),
            Some(name) => Err(unknown(name, known)),
        }
    }

    /// A setting; null is none.
    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.given.get(name).filter(|value| !value.is_null())
    }

    /// Whether it is given at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, String> {
        self.get(name).map(|value| text(name, value)).transpose()
    }

    /// A text that must be there and say something.
    pub(super) fn need(&self, name: &str) -> Result<&'a str, String> {
        let found = self.text(name)?.filter(|text| !text.is_empty());
        found.ok_or_else(|| missing(name))
    }

    /// `true` or `false`, the latter if it is not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, String> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(*value),
            // As files have it whose settings are texts.
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(wrong(name, other, "`true` or `false`")),
        }
    }

    /// A list; empty if it is not given.
    pub(super) fn list(&self, name: &str) -> Result<&'a [Value], String> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => Err(wrong(name, other, "a list")),
        }
    }

    /// A list of texts; empty if it is not given.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<&'a str>, String> {
        let items = self.list(name)?;
        items.iter().map(|item| text(name, item)).collect()
    }

    /// A list of texts that must not be empty.
    pub(super) fn need_texts(&self, name: &str) -> Result<Vec<&'a str>, String> {
        let texts = self.texts(name)?;
        match texts.is_empty() {
            true => Err(missing(name)),
            false => Ok(texts),
        }
    }

    /// An object of texts that must not be empty, in its order.
    pub(super) fn need_pairs(&self, name: &str) -> Result<Vec<(&'a str, &'a str)>, String> {
        let members: &Map<String, Value> = match self.get(name) {
            None => return Err(missing(name)),
            Some(Value::Object(members)) if members.is_empty() => return Err(missing(name)),
            Some(Value::Object(members)) => members,
            Some(other) => return Err(wrong(name, other, "an object")),
        };
        let pair = |(key, value): (&'a String, &'a Value)| match value {
            Value::String(text) => Ok((key.as_str(), text.as_str())),
            other => Err(wrong(&format!("{name}.{key}"), other, "a text")),
        };
        members.iter().map(pair).collect()
    }

    /// Paths to read from; at least one.
    pub(super) fn paths(&self, name: &str) -> Result<Vec<Path>, String> {
        let texts = self.need_texts(name)?.into_iter();
        texts
            .map(|text| of_setting(name, Path::parse(text)))
            .collect()
    }

    /// Paths to change something at; at least one.
    pub(super) fn places(&self, name: &str) -> Result<Vec<Place>, String> {
        let texts = self.need_texts(name)?.into_iter();
        texts
            .map(|text| of_setting(name, Place::parse(text)))
            .collect()
    }
}

fn unknown(name: &str, known: &[&'static str]) -> String {
    let near = known
        .iter()
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, known)) => format!("the setting `{name}` is not known; did you mean `{known}`?"),
        None => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
            let known = known.join(", ");
            format!("the setting `{name}` is not known; there are {known}")
        }
    }
}

/// Says of which setting an error is.
pub(super) fn of_setting<T>(name: &str, result: Result<T, String>) -> Result<T, String> {
    result.map_err(|why| format!("the setting `{name}`: {why}"))
}

/// Two texts with a colon between, the first of which has none.
pub(super) fn halves<'a>(
    name: &str,
    text: &'a str,
    example: &str,
) -> Result<(&'a str, &'a str), String> {
    let halves = text.split_once(':');
    let halves = halves.map(|(from, to)| (from.trim(), to.trim()));
    halves
        .filter(|(from, to)| !from.is_empty() && !to.is_empty())
        .ok_or_else(|| format!("the setting `{name}`: `{text}` is not of the form `{example}`"))
}

pub(super) fn missing(name: &str) -> String {
    format!("the setting `{name}` is missing")
}

fn text<'a>(name: &str, value: &'a Value) -> Result<&'a str, String> {
    value.as_str().ok_or_else(|| wrong(name, value, "a text"))
}

pub(super) fn wrong(name: &str, value: &Value, wanted: &str) -> String {
    let kind = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("the setting `{name}` is {kind}, not {wanted}")
}
