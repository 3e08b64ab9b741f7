//! Settings of a processor: texts by name, as pipeline files have them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Settings as texts: numbers and booleans as they are written.
pub(crate) fn texts(given: &BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, String> {
    let text = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(_) => return Err(format!("the setting `{name}` is a list, not a text")),
            Value::Object(_) => {
                return Err(format!("the setting `{name}` is an object, not a text"));
            }
            other => other.to_string(),
        };
        Ok((name.clone(), text))
    };
    given.iter().map(text).collect()
}

/// Reads settings, and tells of those that nobody asked for.
pub(crate) struct Settings<'a> {
    given: &'a BTreeMap<String, String>,
    asked: BTreeSet<&'static str>,
}

impl<'a> Settings<'a> {
    pub(crate) fn new(given: &'a BTreeMap<String, String>) -> Self {
        Self {
            given,
            asked: BTreeSet::new(),
        }
    }

    /// A setting; a blank one is none.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<&'a str> {
        self.asked.insert(name);
        // As in Conduit, spaces around names and values do not count.
        let found = self.given.iter().find(|(own, _)| own.trim() == name);
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn or(&mut self, name: &'static str, default: &'a str) -> &'a str {
        self.get(name).unwrap_or(default)
    }

    pub(crate) fn need(&mut self, name: &'static str) -> Result<&'a str, String> {
        self.get(name)
            .ok_or_else(|| format!("the setting `{name}` is missing"))
    }

    /// An error if there are settings that nobody asked for.
    pub(crate) fn done(&self) -> Result<(), String> {
        // Conduit's processors have these too; here values are typed without them.
        let unknown = self
            .given
            .keys()
            .map(|name| name.trim())
            .find(|name| !self.asked.contains(name) && !name.starts_with("sdk.schema."));
        match unknown {
            None => Ok(()),
            Some(name) if self.asked.is_empty() => {
                Err(format!("the setting `{name}` is not known; there are none"))
            }
            Some(name) => {
                let known: Vec<_> = self.asked.iter().map(|name| format!("`{name}`")).collect();
                Err(format!(
                    "the setting `{name}` is not known; there are {}",
                    known.join(", ")
                ))
            }
        }
    }
}
