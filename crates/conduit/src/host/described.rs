//! What a connector says of itself (`Specify`), and the JSON Schema that its parameters make.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::wire::proto::config::v1::parameter::Type;
use crate::wire::proto::config::v1::validation::Type as Rule;
use crate::wire::proto::config::v1::{Parameter, Validation};
use crate::wire::proto::connector::{ParameterV1, Specification, SpecifyResponseV1};

/// A connector's description.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// The name that pipelines use.
    pub name: String,
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// Its version, e.g. `v0.10.8`.
    pub version: String,
    /// Who wrote it.
    pub author: String,
    /// The parameters of its source; empty if it has none.
    pub source: BTreeMap<String, Param>,
    /// The parameters of its destination; empty if it has none.
    pub destination: BTreeMap<String, Param>,
}

/// A parameter. `*` in its name stands for one part of a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// What it is if it is not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub default: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The number of its type in the protocol.
    pub kind: i32,
    /// The numbers of its rules in the protocol, with their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<(i32, String)>,
}

impl From<Parameter> for Param {
    fn from(parameter: Parameter) -> Self {
        Self {
            kind: parameter.r#type,
            default: parameter.default,
            description: parameter.description,
            rules: parameter.validations.into_iter().map(rule).collect(),
        }
    }
}

impl From<ParameterV1> for Param {
    fn from(parameter: ParameterV1) -> Self {
        let mut rules: Vec<_> = parameter.validations.into_iter().map(rule).collect();
        if parameter.required && !rules.iter().any(|(kind, _)| *kind == Rule::Required as i32) {
            rules.push((Rule::Required as i32, String::new()));
        }
        Self {
            kind: parameter.r#type,
            default: parameter.default,
            description: parameter.description,
            rules,
        }
    }
}

fn rule(validation: Validation) -> (i32, String) {
    (validation.r#type, validation.value)
}

impl From<Specification> for Described {
    fn from(said: Specification) -> Self {
        Self {
            name: said.name,
            summary: said.summary,
            description: said.description,
            version: said.version,
            author: said.author,
            source: said
                .source_params
                .into_iter()
                .map(|(n, p)| (n, p.into()))
                .collect(),
            destination: said
                .destination_params
                .into_iter()
                .map(|(n, p)| (n, p.into()))
                .collect(),
        }
    }
}

impl From<SpecifyResponseV1> for Described {
    fn from(said: SpecifyResponseV1) -> Self {
        Self {
            name: said.name,
            summary: said.summary,
            description: said.description,
            version: said.version,
            author: said.author,
            source: said
                .source_params
                .into_iter()
                .map(|(n, p)| (n, p.into()))
                .collect(),
            destination: said
                .destination_params
                .into_iter()
                .map(|(n, p)| (n, p.into()))
                .collect(),
        }
    }
}

impl Param {
    fn rule(&self, kind: Rule) -> Option<&str> {
        let found = self.rules.iter().find(|(rule, _)| *rule == kind as i32);
        found.map(|(_, value)| value.as_str())
    }

    fn is_required(&self) -> bool {
        // With a default the rule is never broken (§5.3).
        self.default.is_empty() && self.rule(Rule::Required).is_some()
    }

    fn schema(&self, name: &str) -> Value {
        let kind = Type::try_from(self.kind).unwrap_or(Type::Unspecified);
        // Everything is text on the wire; a number in YAML is as good.
        let types = match kind {
            Type::Int => json!(["integer", "string"]),
            Type::Float => json!(["number", "string"]),
            Type::Bool => json!(["boolean", "string"]),
            _ => json!(["string", "integer", "number", "boolean"]),
        };
        let mut schema = Map::from_iter([("type".to_owned(), types)]);
        let mut description = self.description.clone();
        if kind == Type::Duration {
            description.push_str(" (a duration such as `1m30s`)");
        }
        if !description.is_empty() {
            schema.insert("description".into(), description.trim().into());
        }
        if !self.default.is_empty() {
            schema.insert("default".into(), self.default.as_str().into());
        }
        if let Some(values) = self.rule(Rule::Inclusion) {
            let values: Vec<&str> = values.split(',').map(str::trim).collect();
            schema.insert("enum".into(), json!(values));
            schema.remove("type");
        }
        if is_secret(name) {
            schema.insert("airbyte_secret".into(), true.into());
        }
        schema.into()
    }
}

/// Whether the parameter of this name most likely holds a secret: the protocol has no mark for them,
/// and an address may have a password in it (P10).
pub(super) fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 11] = [
        "password",
        "passwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "accesskey",
        "privatekey",
        "credential",
        "connectionstring",
        "sasl.jaas",
    ];
    let name = name.to_ascii_lowercase();
    let compact = name.replace(['-', '.'], "");
    let last = name.rsplit('.').next().unwrap_or_default();
    PARTS
        .iter()
        .any(|part| name.contains(part) || compact.contains(part))
        || ["url", "uri", "dsn", "key"].contains(&last)
}

/// The JSON Schema of a connector's configuration: flat names, as the protocol has them.
pub(super) fn json_schema(params: &BTreeMap<String, Param>) -> Value {
    let (mut properties, mut patterns, mut required) = (Map::new(), Map::new(), Vec::new());
    for (name, param) in params {
        if name.contains('*') {
            let parts: Vec<String> = name.split('*').map(escaped).collect();
            patterns.insert(format!("^{}$", parts.join("[^.]+")), param.schema(name));
            continue;
        }
        properties.insert(name.clone(), param.schema(name));
        if param.is_required() {
            required.push(name.as_str());
        }
    }
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    if !patterns.is_empty() {
        schema["patternProperties"] = patterns.into();
    }
    schema
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if !character.is_alphanumeric() && character != '_' {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_a_schema() {
        let param = |kind: Type, default: &str, rules: &[(Rule, &str)]| Param {
            kind: kind as i32,
            default: default.into(),
            description: String::new(),
            rules: rules
                .iter()
                .map(|(rule, value)| (*rule as i32, (*value).into()))
                .collect(),
        };
        let params = BTreeMap::from([
            (
                "url".into(),
                param(Type::String, "", &[(Rule::Required, "")]),
            ),
            (
                "tries".into(),
                param(Type::Int, "3", &[(Rule::Required, "")]),
            ),
            (
                "mode".into(),
                param(Type::String, "", &[(Rule::Inclusion, "a, b")]),
            ),
            ("collections.*.type".into(), param(Type::String, "", &[])),
        ]);
        let text = json!(["string", "integer", "number", "boolean"]);
        let expected = json!({
            "type": "object",
            "properties": {
                "mode": {"enum": ["a", "b"]},
                "tries": {"type": ["integer", "string"], "default": "3"},
                "url": {"type": text, "airbyte_secret": true},
            },
            "required": ["url"],
            "additionalProperties": false,
            "patternProperties": {"^collections\\.[^.]+\\.type$": {"type": text}},
        });
        assert_eq!(json_schema(&params), expected);
    }

    #[test]
    fn names_of_secrets_are_known() {
        let check = |name, secret| assert_eq!(is_secret(name), secret, "{name}");
        for name in [
            "password",
            "sasl.password",
            "aws.secretAccessKey",
            "apiKey",
            "db.url",
            "authToken",
            "aws.accessKeyId",
        ] {
            check(name, true);
        }
        for name in [
            "table",
            "tables",
            "path",
            "sdk.batch.size",
            "keyColumns",
            "format.options.id",
        ] {
            check(name, false);
        }
    }
}
