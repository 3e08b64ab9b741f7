//! A pipeline file to begin with, made of what the two connectors say of themselves. Pure.

use crossdock_config::ConnectorRef;
use crossdock_core::spec::Spec;
use serde_json::Value;

/// What a side of the pipeline is.
#[derive(Clone, Debug)]
pub struct Half {
    /// The connector.
    pub reference: ConnectorRef,
    /// What it says of itself.
    pub spec: Spec,
    /// The settings that are known, by name.
    pub known: serde_json::Map<String, Value>,
}

/// A setting that has to be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub name: String,
    /// What it means.
    pub description: Option<String>,
    /// It must not be shown.
    pub is_secret: bool,
}

/// A comment's lines are at most so long.
const WIDTH: usize = 92;
/// So much of a description is told.
const LONGEST: usize = 300;

fn properties(spec: &Spec) -> impl Iterator<Item = (&String, &Value)> {
    let properties = spec.connection_specification.get("properties");
    properties.and_then(Value::as_object).into_iter().flatten()
}

fn is_required(spec: &Spec, name: &str) -> bool {
    let required = spec.connection_specification.get("required");
    let required = required.and_then(Value::as_array);
    required.is_some_and(|list| list.iter().any(|r| r == name))
}

fn is_secret(property: &Value) -> bool {
    property.get("airbyte_secret") == Some(&Value::Bool(true))
}

fn description(property: &Value) -> Option<&str> {
    property.get("description").and_then(Value::as_str)
}

impl Half {
    /// The settings that are required, have no default and are not known yet.
    #[must_use]
    pub fn wanted(&self) -> Vec<Wanted> {
        properties(&self.spec)
            .filter(|(name, property)| {
                is_required(&self.spec, name)
                    && property.get("default").is_none()
                    && !self.known.contains_key(*name)
            })
            .map(|(name, property)| Wanted {
                name: name.clone(),
                description: description(property).map(str::to_owned),
                is_secret: is_secret(property),
            })
            .collect()
    }
}

/// The text of a pipeline file: known settings as they are, required ones to be filled in, the
/// others as comments with their defaults.
#[must_use]
pub fn pipeline_file(id: &str, source: &Half, destination: &Half) -> String {
    let mut text = String::from(
        "# A pipeline of Crossdock. `crossdock validate` checks this file, `crossdock plan` says what\n\
         # a run would do, `crossdock run` runs it; run it again to go on.\n\
         version: 1\npipelines:\n",
    );
    text += &format!("  - id: {}\n", scalar(&Value::from(id)));
    text += "    source:\n";
    side(&mut text, source, "SOURCE");
    text +=
        "    # streams:            # without this: every stream, incrementally where it can be\n";
    text += "    #   - {name: \"*\", sync_mode: full_refresh, destination_sync_mode: overwrite}\n";
    text += "    destination:\n";
    side(&mut text, destination, "DESTINATION");
    text
}

fn side(text: &mut String, half: &Half, role: &str) {
    *text += &format!(
        "      connector: {}\n",
        scalar(&Value::from(half.reference.to_string()))
    );
    *text += "      config:\n";
    let mut is_empty = true;
    for (name, property) in properties(&half.spec) {
        if let Some(about) = description(property) {
            comment(text, about);
        }
        let known = half.known.get(name);
        let default = property.get("default");
        let line = match (known, is_required(&half.spec, name)) {
            (Some(value), _) => format!("{}: {}", key(name), scalar(value)),
            (None, true) if is_secret(property) => {
                format!("{}: ${{env:{}}}", key(name), variable(role, name))
            }
            (None, true) if default.is_none() => format!("{}: TODO", key(name)),
            (None, required) => {
                let value = default.map_or_else(|| "…".to_owned(), scalar);
                let mark = if required { "" } else { "# " };
                format!("{mark}{}: {value}", key(name))
            }
        };
        is_empty &= line.starts_with('#');
        *text += &format!("        {line}\n");
    }
    if is_empty {
        // Only comments: an empty mapping has to be said.
        if let Some(at) = text.rfind("      config:\n") {
            text.replace_range(at..at + "      config:\n".len(), "      config: {}\n");
        }
    }
}

fn comment(text: &mut String, about: &str) {
    let mut about: String = about.split_whitespace().collect::<Vec<_>>().join(" ");
    if about.chars().count() > LONGEST {
        about = about.chars().take(LONGEST).collect::<String>() + "…";
    }
    let mut line = String::new();
    for word in about.split(' ') {
        if !line.is_empty() && line.chars().count() + word.chars().count() > WIDTH {
            *text += &format!("        #{line}\n");
            line.clear();
        }
        line.push(' ');
        line.push_str(word);
    }
    *text += &format!("        #{line}\n");
}

/// JSON is YAML, so that is how values are written; a plain word needs no quotes.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        value => value.to_string(),
    }
}

fn key(name: &str) -> String {
    if is_plain(name) {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

/// Whether a text reads as itself in YAML without quotes.
fn is_plain(text: &str) -> bool {
    let first = text.chars().next();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '.' | '-' | ':');
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    first.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '/' | '.'))
        && text.chars().all(allowed)
        && !text.ends_with(':')
        && !is_word
        && text != "."
        && text.parse::<f64>().is_err()
}

/// The variable that a secret is expected in.
fn variable(role: &str, name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("{role}_{name}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_file_says_what_is_to_be_filled_in() {
        let half = |reference: &str, schema: Value, known: Value| Half {
            reference: reference.parse().unwrap(),
            spec: Spec {
                connection_specification: schema,
                ..Spec::default()
            },
            known: known.as_object().cloned().unwrap(),
        };
        let source = half(
            "airbyte:python:airbyte-source-x",
            json!({"required": ["token", "account", "start"], "properties": {
                "token": {"type": "string", "airbyte_secret": true, "description": "The token."},
                "account": {"type": "string"},
                "start": {"type": "string", "default": "2020-01-01"},
                "page size": {"type": "integer", "default": 50, "description": "How many."},
            }}),
            json!({}),
        );
        let destination = half(
            "native:jsonl",
            json!({"required": ["path"], "properties": {"path": {"type": "string"}}}),
            json!({"path": "./lake"}),
        );
        let wanted: Vec<_> = source.wanted().into_iter().map(|w| w.name).collect();
        assert_eq!(wanted, ["token", "account"]);
        assert!(destination.wanted().is_empty());
        let text = pipeline_file("x-to-lake", &source, &destination);
        let body = text.split_once("version: 1\n").unwrap().1;
        assert_eq!(
            body,
            r#"pipelines:
  - id: x-to-lake
    source:
      connector: airbyte:python:airbyte-source-x
      config:
        # The token.
        token: ${env:SOURCE_TOKEN}
        account: TODO
        start: "2020-01-01"
        # How many.
        # "page size": 50
    # streams:            # without this: every stream, incrementally where it can be
    #   - {name: "*", sync_mode: full_refresh, destination_sync_mode: overwrite}
    destination:
      connector: native:jsonl
      config:
        path: ./lake
"#
        );
    }

    #[test]
    fn what_needs_quotes_gets_them() {
        let check = |value: Value, expected: &str| assert_eq!(scalar(&value), expected);
        check(json!("plain_word"), "plain_word");
        check(json!("yes"), "\"yes\"");
        check(json!("1.5"), "\"1.5\"");
        check(json!("a: b"), "\"a: b\"");
        check(json!("#x"), "\"#x\"");
        check(json!(""), "\"\"");
        check(json!(3), "3");
        check(json!(["a"]), "[\"a\"]");
        check(json!("{x}"), "\"{x}\"");
    }
}
