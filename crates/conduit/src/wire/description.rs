//! What a connector says of itself (`Specify`), in one form for both versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::proto::config::v1::{Parameter, Validation};
use super::proto::connector::{ParameterV1, Specification, SpecifyResponseV1};
use crate::wire::proto::config::v1::validation::Type as Rule;

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

impl Param {
    /// The value of this rule, if the parameter has it.
    pub(crate) fn rule(&self, kind: Rule) -> Option<&str> {
        let found = self.rules.iter().find(|(rule, _)| *rule == kind as i32);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether it must be given.
    pub(crate) fn is_required(&self) -> bool {
        // With a default the rule is never broken (§5.3).
        self.default.is_empty() && self.rule(Rule::Required).is_some()
    }
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

/// A [`Described`] from the message of a version and back: the two have the same fields, with
/// parameters of types of their own.
macro_rules! described_as {
    ($message:ident) => {
        impl From<$message> for Described {
            fn from(said: $message) -> Self {
                Self {
                    name: said.name,
                    summary: said.summary,
                    description: said.description,
                    version: said.version,
                    author: said.author,
                    source: each(said.source_params),
                    destination: each(said.destination_params),
                }
            }
        }

        impl From<Described> for $message {
            fn from(described: Described) -> Self {
                Self {
                    name: described.name,
                    summary: described.summary,
                    description: described.description,
                    version: described.version,
                    author: described.author,
                    source_params: each(described.source),
                    destination_params: each(described.destination),
                }
            }
        }
    };
}

described_as!(Specification);
described_as!(SpecifyResponseV1);

fn each<A: Into<B>, B>(params: BTreeMap<String, A>) -> BTreeMap<String, B> {
    params
        .into_iter()
        .map(|(name, param)| (name, param.into()))
        .collect()
}

impl From<Param> for Parameter {
    fn from(param: Param) -> Self {
        Self {
            default: param.default,
            description: param.description,
            r#type: param.kind,
            validations: param.rules.into_iter().map(validation).collect(),
        }
    }
}

impl From<Param> for ParameterV1 {
    fn from(param: Param) -> Self {
        Self {
            default: param.default,
            required: param
                .rules
                .iter()
                .any(|(kind, _)| *kind == Rule::Required as i32),
            description: param.description,
            r#type: param.kind,
            validations: param.rules.into_iter().map(validation).collect(),
        }
    }
}

fn validation((kind, value): (i32, String)) -> Validation {
    Validation {
        r#type: kind,
        value,
    }
}
