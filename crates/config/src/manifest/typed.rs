//! What a manifest has of everything that can be one of many kinds: `type` and `config`.

use crossdock_core::code;
use serde_json::{Map, Value};

use super::{PROGRAMS, Reader};
use crate::diagnostic::quoted;
use crate::node::{Place, Tree};
use crate::plan::{Connector, ConnectorConfig};
use crate::reference::{ConnectorRef, Protocol};
use crate::{secret, suggestion};

/// A type and its settings.
pub(super) struct Typed<'n> {
    pub(super) kind: String,
    /// `None`: there are none.
    pub(super) config: Option<Place<'n>>,
    /// It was told that they stand in the wrong place.
    pub(super) is_told: bool,
}

impl Reader<'_> {
    /// Reads `type` and `config`, beside which `more` keys are known. `None`: what is wrong is told.
    pub(super) fn typed<'n>(&mut self, place: &Place<'n>, more: &[&str]) -> Option<Typed<'n>> {
        if !self.is_mapping(place) {
            return None;
        }
        let config = self.given(place, "config");
        let is_told = config.is_none() && self.is_of_old(place, more);
        if !is_told {
            let known: Vec<&str> = ["type", "config"].iter().chain(more).copied().collect();
            self.known(place, &known);
        }
        if let Some(config) = &config
            && !self.is_mapping(config)
        {
            return None;
        }
        let kind = self.text(place, "type");
        if kind.is_none() && self.given(place, "type").is_none() {
            let hint = "e.g. `type: postgresql`, and its settings under `config`";
            self.invalid(place, "`type` is missing", hint);
        }
        Some(Typed {
            kind: kind?,
            config,
            is_told,
        })
    }

    /// Older manifests have the settings under the name of the type.
    fn is_of_old(&mut self, place: &Place<'_>, more: &[&str]) -> bool {
        let known = ["type", "config"].iter().chain(more).copied();
        let known: Vec<&str> = known.collect();
        let nested = place.node.entries().iter().find(|entry| {
            matches!(entry.value.tree, Tree::Mapping(_))
                && !known.contains(&entry.key.as_str())
                && suggestion::nearest(&entry.key, known.iter().copied()).is_none()
        });
        let Some(entry) = nested else {
            return false;
        };
        let here = place.to(&entry.value, &entry.key);
        let message = format!(
            "the settings stand under {}, as in manifests before DataFlow 1.0.4",
            quoted(&entry.key)
        );
        let mut fault = here.fault(&code::CONFIG_UNKNOWN_KEY, message);
        fault.at = here.located(entry.at);
        self.wrong
            .push(fault.hint("move the keys under `config`: `{type: …, config: {…}}`"));
        true
    }

    /// A source, a sink, or where errors go.
    pub(super) fn connector(&mut self, place: &Place<'_>, more: &[&str]) -> Option<Connector> {
        let Typed { kind, config, .. } = self.typed(place, more)?;
        let is_name = kind.starts_with(|c: char| c.is_ascii_alphanumeric())
            && kind
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if !is_name {
            let message = format!("{} cannot be the type of a connector", quoted(&kind));
            let hint = "a type has only letters, digits, `-`, `_` and `.`";
            self.invalid(&place.key("type"), message, hint);
            return None;
        }
        let hint = match self.protocol {
            Protocol::Native => Some(format!(
                "set `{PROGRAMS}=1`, and a program `dataflow-connector-{kind}` is looked for"
            )),
            _ => None,
        };
        let reference = ConnectorRef {
            protocol: self.protocol,
            launcher: None,
            what: kind,
        };
        let config = match &config {
            None => ConnectorConfig::from(Value::Object(Map::new())),
            Some(config) => secret::resolve_with(
                Some(&self.secrets),
                config,
                self.environment,
                self.base,
                &mut self.wrong,
            ),
        };
        let mut connector = Connector::new(reference, config);
        connector.hint = hint;
        connector.at = place.location();
        Some(connector)
    }
}
