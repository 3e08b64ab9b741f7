//! Conduit's pipeline files, versions 1.x and 2.x (§6.1), become the same plan as ours.
//!
//! They are taken as Conduit takes them: every scalar may refer to environment variables, unknown keys
//! only warn, and what is left out has Conduit's defaults.

mod expand;
mod plugin;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crossdock_core::code;
use serde_json::{Map, Value};

use crate::diagnostic::{Diagnostic, Diagnostics, quoted};
use crate::environment::Environment;
use crate::node::{Node, Place, Tree};
use crate::plan::{
    Connector, ConnectorConfig, DeadLetters, LetterForm, NamespaceRule, Pipeline, Plan, Processor,
};
use crate::setting::Settings;
use expand::expand;

/// The forms that differ: 1.x names things by the keys of mappings, 2.x lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// 1.0 and 1.1.
    V1,
    /// 2.0 to 2.2.
    V2,
}

/// Reads the documents of a file.
pub(crate) fn plan(
    documents: &[(Node, Form)],
    file: &Arc<str>,
    environment: &dyn Environment,
    warnings: Vec<Diagnostic>,
) -> Result<Plan, Diagnostics> {
    let mut reader = Reader {
        environment,
        wrong: Diagnostics::default(),
        warnings,
        found: BTreeSet::new(),
    };
    let mut pipelines: Vec<Pipeline> = Vec::new();
    for (document, form) in documents {
        let root = Place::root(document, file);
        reader.known(&root, &["version", "pipelines"]);
        for (id, place) in reader.named(&root, "pipelines", *form) {
            let read = reader.pipeline(id, &place, *form);
            if let Some(pipeline) = read {
                if pipelines.iter().any(|known| known.id == pipeline.id) {
                    let message = format!(
                        "the id {} is taken by another pipeline",
                        quoted(&pipeline.id)
                    );
                    reader
                        .wrong
                        .push(place.fault(&code::CONFIG_INVALID, message));
                }
                pipelines.push(pipeline);
            }
        }
    }
    if pipelines.is_empty() && reader.wrong.0.is_empty() {
        let at = documents
            .first()
            .map(|(document, _)| Place::root(document, file));
        let fault = at.map(|at| at.fault(&code::CONFIG_INVALID, "the file has no pipelines"));
        fault.into_iter().for_each(|fault| reader.wrong.push(fault));
    }
    let warnings = reader.warnings;
    reader.wrong.unless_any(Plan {
        settings: Settings::default(),
        pipelines,
        at_once: true,
        warnings,
    })
}

struct Reader<'a> {
    environment: &'a dyn Environment,
    wrong: Diagnostics,
    warnings: Vec<Diagnostic>,
    /// What variables brought into the connector that is being read.
    found: BTreeSet<String>,
}

impl Reader<'_> {
    fn warn(&mut self, place: &Place<'_>, message: String, hint: &str) {
        let warning = place.fault(&code::CONFIG_UNKNOWN_KEY, message).hint(hint);
        self.warnings.push(warning);
    }

    fn invalid(&mut self, place: &Place<'_>, message: impl Into<String>, hint: &str) {
        let fault = place.fault(&code::CONFIG_INVALID, message);
        self.wrong.push(if hint.is_empty() {
            fault
        } else {
            fault.hint(hint)
        });
    }

    /// Warns of keys that Conduit would pass over, too.
    fn known(&mut self, place: &Place<'_>, keys: &[&str]) {
        for entry in place.node.entries() {
            if !keys.contains(&entry.key.as_str()) {
                let here = place.to(&entry.value, &entry.key);
                self.warn(
                    &here,
                    format!(
                        "the key {} is not known and has no effect",
                        quoted(&entry.key)
                    ),
                    "Conduit passes over it, too",
                );
            }
        }
    }

    /// A scalar's text, variables filled in; `None` if there is none.
    fn text(&mut self, place: &Place<'_>, key: &str) -> Option<String> {
        let node = place.node.get(key)?;
        let here = place.key(key);
        self.scalar(&here, node)
    }

    fn scalar(&mut self, place: &Place<'_>, node: &Node) -> Option<String> {
        let text = match &node.tree {
            Tree::Null => return None,
            Tree::String(text) => text.clone(),
            Tree::Bool(value) => value.to_string(),
            Tree::Number(number) => number.to_string(),
            Tree::Sequence(_) | Tree::Mapping(_) => {
                let message = format!("expected a text, found {}", node.kind());
                self.wrong.push(place.fault(&code::CONFIG_SYNTAX, message));
                return None;
            }
        };
        let expanded = expand(&text, self.environment);
        for name in expanded.unset {
            self.warn(
                place,
                format!(
                    "the environment variable {} is not set and stands for nothing",
                    quoted(&name)
                ),
                "set it, or write what is meant; there is no way to write a `$` before a name",
            );
        }
        self.found.extend(expanded.found);
        Some(expanded.text)
    }

    /// The things under a key, with their ids.
    fn named<'n>(&mut self, place: &Place<'n>, key: &str, form: Form) -> Vec<(String, Place<'n>)> {
        let Some(node) = place.node.get(key) else {
            return Vec::new();
        };
        let here = place.key(key);
        match (&node.tree, form) {
            (Tree::Null, _) => Vec::new(),
            (Tree::Sequence(_), Form::V2) => {
                let items: Vec<_> = here.items().collect();
                let items = items.into_iter();
                items
                    .map(|item| (self.text(&item, "id").unwrap_or_default(), item))
                    .collect()
            }
            (Tree::Mapping(entries), Form::V1) => {
                let items = entries.iter();
                items
                    .map(|entry| (entry.key.clone(), here.to(&entry.value, &entry.key)))
                    .collect()
            }
            _ => {
                let wants = if form == Form::V2 {
                    "a list"
                } else {
                    "a mapping"
                };
                let message = format!("expected {wants}, found {}", node.kind());
                let hint = "files of version 1.x have mappings here, those of version 2.x lists";
                self.wrong
                    .push(here.fault(&code::CONFIG_SYNTAX, message).hint(hint));
                Vec::new()
            }
        }
    }

    fn id(&mut self, id: &str, longest: usize, what: &str, place: &Place<'_>) {
        let fits = !id.is_empty()
            && id.len() <= longest
            && id
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
        if !fits {
            let message = match id {
                "" => format!("the {what} has no `id`"),
                id => format!("{} cannot be the id of a {what}", quoted(id)),
            };
            self.invalid(
                place,
                message,
                "an id has letters, digits, `-`, `_`, `:` and `.`",
            );
        }
    }

    fn pipeline(&mut self, id: String, place: &Place<'_>, form: Form) -> Option<Pipeline> {
        self.known(
            place,
            &[
                "id",
                "status",
                "name",
                "description",
                "connectors",
                "processors",
                "dead-letter-queue",
            ],
        );
        self.id(&id, 128, "pipeline", place);
        let is_stopped = match self.text(place, "status").as_deref() {
            None | Some("" | "running") => false,
            Some("stopped") => true,
            Some(other) => {
                let message = format!("{} is no status", quoted(other));
                self.invalid(
                    &place.key("status"),
                    message,
                    "write `running` or `stopped`",
                );
                false
            }
        };
        let (mut sources, mut destinations) = (Vec::new(), Vec::new());
        let faults = self.wrong.0.len();
        let mut ids = BTreeSet::new();
        for (connector_id, place) in self.named(place, "connectors", form) {
            self.id(&connector_id, 128, "connector", &place);
            if !ids.insert(connector_id.clone()) {
                let message = format!(
                    "the id {} is taken by another connector",
                    quoted(&connector_id)
                );
                self.invalid(&place, message, "");
            }
            self.known(
                &place,
                &["id", "type", "plugin", "name", "settings", "processors"],
            );
            match self.text(&place, "type").as_deref() {
                Some("source") => sources.extend(self.connector(connector_id, &place, form)),
                Some("destination") => {
                    destinations.extend(self.connector(connector_id, &place, form))
                }
                _ => self.invalid(
                    &place,
                    "the connector has no right `type`",
                    "write `type: source` or `type: destination`",
                ),
            }
        }
        // What is wrong with one is told already.
        let is_sound = self.wrong.0.len() == faults;
        if is_sound && (sources.is_empty() || destinations.is_empty()) {
            let message = "a pipeline needs at least one source and one destination";
            self.invalid(place, message, "list them under `connectors`");
        }
        let processors = self.processors(place, form);
        let dead_letters = self.dead_letters(place);
        Some(Pipeline {
            id,
            sources,
            processors,
            destinations,
            streams: Vec::new(),
            namespace: NamespaceRule::default(),
            prefix: String::new(),
            dead_letters,
            settings: Settings::default(),
            is_stopped,
            schedule: None,
            notifications: Vec::new(),
        })
    }

    fn connector(&mut self, id: String, place: &Place<'_>, form: Form) -> Option<Connector> {
        let processors = self.processors(place, form);
        self.found.clear();
        let settings = self.settings(place);
        let mut connector = self.plugged(place, settings)?;
        connector.id = id;
        connector.processors = processors;
        Some(connector)
    }

    /// The connector of `plugin`.
    fn plugged(
        &mut self,
        place: &Place<'_>,
        settings: BTreeMap<String, String>,
    ) -> Option<Connector> {
        let plugin = self.text(place, "plugin").unwrap_or_default();
        let named = match plugin::reference(&plugin) {
            Ok(named) => named,
            Err((message, hint)) => {
                self.invalid(&place.key("plugin"), message, &hint);
                return None;
            }
        };
        let value = settings
            .into_iter()
            .map(|(name, text)| (name, Value::String(text)));
        let config = ConnectorConfig::from(Value::Object(value.collect::<Map<_, _>>()));
        let mut connector = Connector::new(named.reference, config);
        connector.otherwise = named.otherwise;
        connector.has_flat_config = true;
        connector.secrets = self.found.iter().cloned().collect();
        connector.at = place.location();
        Some(connector)
    }

    fn settings(&mut self, place: &Place<'_>) -> BTreeMap<String, String> {
        let mut settings = BTreeMap::new();
        let here = place.key("settings");
        let given = place.node.get("settings");
        for entry in given.map(Node::entries).unwrap_or_default() {
            let place = here.to(&entry.value, &entry.key);
            let text = self.scalar(&place, &entry.value).unwrap_or_default();
            settings.insert(entry.key.clone(), text);
        }
        settings
    }

    fn processors(&mut self, place: &Place<'_>, form: Form) -> Vec<Processor> {
        let mut processors = Vec::new();
        for (id, place) in self.named(place, "processors", form) {
            self.known(
                &place,
                &["id", "type", "plugin", "condition", "settings", "workers"],
            );
            let plugin = self.text(&place, "plugin");
            let plugin = plugin.or_else(|| self.text(&place, "type"));
            let Some(plugin) = plugin.filter(|plugin| !plugin.is_empty()) else {
                self.invalid(
                    &place,
                    "the processor has no `plugin`",
                    "e.g. `plugin: field.set`",
                );
                continue;
            };
            let settings = self.settings(&place).into_iter();
            processors.push(Processor {
                id,
                plugin,
                condition: self.text(&place, "condition").unwrap_or_default(),
                settings: settings
                    .map(|(name, text)| (name, Value::String(text)))
                    .collect(),
                at: place.location(),
                ..Processor::default()
            });
        }
        if form == Form::V1 && processors.len() > 1 {
            let place = place.key("processors");
            let message = "processors of a file of version 1.x have no order in Conduit";
            self.warn(
                &place,
                message.into(),
                "here it is the file's; a list of version 2.x has one everywhere",
            );
        }
        processors
    }

    /// `None`: the first refused record ends the run, which is Conduit's default.
    fn dead_letters(&mut self, place: &Place<'_>) -> Option<DeadLetters> {
        let node = place.node.get("dead-letter-queue")?;
        let here = place.to(node, "dead-letter-queue");
        self.known(
            &here,
            &["plugin", "settings", "window-size", "window-nack-threshold"],
        );
        let mut number = |key: &str, default: u64| match self.text(&here, key) {
            None => default,
            Some(text) => text.parse().unwrap_or_else(|_| {
                self.invalid(&here.key(key), "expected a number that is not negative", "");
                default
            }),
        };
        let window_size = number("window-size", 1);
        let window_nack_threshold = number("window-nack-threshold", 0);
        if window_size > 0 && window_nack_threshold >= window_size {
            let message = "the threshold is not less than `window-size`";
            self.invalid(&here.key("window-nack-threshold"), message, "");
        }
        self.found.clear();
        let settings = self.settings(&here);
        // A log keeps nothing that could be replayed: a file does, and that is the default here.
        let plugin = self.text(&here, "plugin").unwrap_or_default();
        let is_log = matches!(plugin.as_str(), "" | "builtin:log" | "log");
        let connector = if is_log {
            None
        } else {
            Some(self.plugged(&here, settings)?)
        };
        (window_size == 0 || window_nack_threshold > 0).then_some(DeadLetters {
            path: None,
            connector,
            window_size,
            window_nack_threshold,
            form: LetterForm::OpenCdc,
        })
    }
}

#[cfg(test)]
mod tests;
