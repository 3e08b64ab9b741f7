//! Processors, and Airbyte's mappers, which stand under their streams.

use std::collections::BTreeMap;

use crossdock_core::code;
use crossdock_core::pattern::{Scope, StreamPattern};
use serde_json::Value;

use super::Builder;
use crate::node::{Place, Tree};
use crate::plan::Processor;
use crate::secret;
use crate::wire;

/// What Airbyte's mappers are called as processors, before their own names.
const MAPPER: &str = "airbyte.";

/// Settings, and the texts in them that references brought in.
type Resolved = (BTreeMap<String, Value>, Vec<String>);

impl Builder<'_> {
    /// The mappers under the entries of `streams`, as processors of these streams.
    pub(super) fn mappers(
        &mut self,
        streams: &[wire::Stream],
        place: &Place<'_>,
    ) -> Vec<Processor> {
        let pattern = |stream: &wire::Stream| StreamPattern {
            name: stream.name.clone(),
            namespace: stream.namespace.clone(),
        };
        let mut found = Vec::new();
        for (at, (stream, place)) in streams.iter().zip(place.items()).enumerate() {
            let places = place.key("mappers");
            let later = streams.iter().skip(at + 1);
            // A later entry's keys override an earlier one's, so its mappers are in place of these.
            let scope = Scope {
                only: vec![pattern(stream)],
                except: later.filter(|s| s.mappers.is_some()).map(pattern).collect(),
            };
            let mappers = stream.mappers.iter().flatten().zip(places.items()).zip(1..);
            for ((mapper, place), number) in mappers {
                let (settings, secrets) = self.resolved(&place, "mapperConfiguration");
                let id = mapper.id.clone();
                found.push(Processor {
                    id: id.unwrap_or_else(|| format!("{}.{number}", stream.name)),
                    plugin: format!("{MAPPER}{}", mapper.kind.as_str()),
                    scope: scope.clone(),
                    settings,
                    secrets,
                    at: place.location(),
                    ..Processor::default()
                });
            }
        }
        found
    }

    pub(super) fn processor(
        &mut self,
        given: wire::Processor,
        number: usize,
        place: &Place<'_>,
    ) -> Processor {
        if given.condition.is_some() && given.when.is_some() {
            let message = "`condition` and `when` are both given";
            let fault = place.key("when").fault(&code::CONFIG_INVALID, message);
            self.wrong
                .push(fault.hint("a processor has one condition: a template, or one of DataFlow"));
        }
        // In texts of the others `${` has a meaning of its own.
        let (settings, secrets) = if given.processor.contains(MAPPER) {
            self.resolved(place, "settings")
        } else {
            (given.settings.into_iter().collect(), Vec::new())
        };
        let only = given.streams.into_iter().flatten();
        let only = only.map(|name| StreamPattern {
            name,
            namespace: None,
        });
        Processor {
            id: given.id.unwrap_or_else(|| number.to_string()),
            plugin: given.processor,
            condition: given.condition.unwrap_or_default(),
            when: given.when.unwrap_or_default(),
            scope: Scope {
                only: only.collect(),
                except: Vec::new(),
            },
            settings,
            secrets,
            at: place.location(),
        }
    }

    /// What stands under a key, references to secrets resolved.
    fn resolved(&mut self, place: &Place<'_>, key: &str) -> Resolved {
        match place.node.get(key) {
            Some(node) if matches!(node.tree, Tree::Mapping(_)) => {
                let place = place.key(key);
                let config = secret::resolve(&place, self.environment, self.base, &mut self.wrong);
                let settings = match config.value {
                    Value::Object(members) => members.into_iter().collect(),
                    _ => BTreeMap::new(),
                };
                (settings, config.secrets)
            }
            _ => Resolved::default(),
        }
    }
}
