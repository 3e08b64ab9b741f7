//! How a connector's container is run: units, volumes, variables.

use std::collections::BTreeMap;

use crossdock_core::code;
use serde_json::Value;

use super::Builder;
use crate::diagnostic::quoted;
use crate::docker::{Docker, Volume};
use crate::node::Place;
use crate::{secret, wire};

impl Builder<'_> {
    /// What is said here, and the texts that references brought in, to be masked (P10).
    pub(crate) fn docker(
        &mut self,
        given: wire::Docker,
        place: &Place<'_>,
    ) -> (Docker, Vec<String>) {
        let memory = given.memory.map(|value| {
            let mut bytes = 0;
            self.size(&mut bytes, &value, &place.key("memory"));
            bytes
        });
        if given.network.as_deref() == Some("") {
            let fault = place.key("network");
            self.wrong
                .push(fault.fault(&code::CONFIG_INVALID, "the network has no name"));
        }
        let mut volumes = Vec::new();
        let places = place.key("volumes");
        for (text, place) in given.volumes.iter().flatten().zip(places.items()) {
            match Volume::parse(text) {
                Ok(volume) => volumes.push(volume),
                Err(why) => {
                    let message = format!("{} is not a volume", quoted(text));
                    self.wrong
                        .push(place.fault(&code::CONFIG_INVALID, message).hint(why));
                }
            }
        }
        let (env, secrets) = self.variables(place);
        let docker = Docker {
            network: given.network,
            memory,
            cpus: given.cpus.map(|number| number.to_string()),
            volumes,
            env,
        };
        (docker, secrets)
    }

    fn variables(&mut self, docker: &Place<'_>) -> (BTreeMap<String, String>, Vec<String>) {
        let mut found = BTreeMap::new();
        if docker.node.get("env").is_none() {
            return (found, Vec::new());
        }
        let place = docker.key("env");
        let resolved = secret::resolve(&place, self.environment, self.base, &mut self.wrong);
        for (name, value) in resolved.value.as_object().into_iter().flatten() {
            let place = place.key(name);
            let is_name = !name.is_empty()
                && !name.starts_with('#')
                && !name.contains(|c: char| c == '=' || c.is_whitespace() || c.is_control());
            let text = match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(value) => Some(value.to_string()),
                _ => None,
            };
            let fault = match &text {
                _ if !is_name => "this cannot be the name of an environment variable",
                None => "the value of an environment variable is a text, a number or a boolean",
                Some(text) if text.contains(['\n', '\r', '\0']) => {
                    "the value has more than one line, which Docker does not take"
                }
                Some(_) => "",
            };
            if fault.is_empty() {
                found.insert(name.clone(), text.unwrap_or_default());
            } else {
                self.wrong.push(place.fault(&code::CONFIG_INVALID, fault));
            }
        }
        (found, resolved.secrets)
    }
}
