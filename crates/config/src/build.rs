//! From the file's form to the plan: reads units, references and secrets, fills in defaults, and
//! checks what no schema can say. All faults of a file are told together.

mod docker;
mod notification;
mod processor;
mod setting;
mod stream;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crossdock_core::code;
use serde_json::{Map, Value};

use crate::data_channel::DataChannel;
use crate::diagnostic::{Diagnostics, quoted};
use crate::environment::Environment;
use crate::node::{Place, Tree};
use crate::plan::{
    self, Connector, ConnectorConfig, DeadLetters, LetterForm, NamespaceRule, Pipeline, Plan,
};
use crate::reference::{ConnectorRef, Launcher, Protocol};
use crate::secret;
use crate::setting::Settings;
use crate::wire;

/// What a plan is built with.
pub(crate) struct Builder<'a> {
    pub(crate) environment: &'a dyn Environment,
    /// The directory that `${file:…}` is relative to.
    pub(crate) base: &'a Path,
    pub(crate) wrong: Diagnostics,
}

impl Builder<'_> {
    /// The plan of a file whose structure is right.
    pub(crate) fn plan(mut self, file: wire::File, root: &Place<'_>) -> Result<Plan, Diagnostics> {
        let mut settings = Settings::default();
        if let Some(given) = file.settings {
            self.settings(&mut settings, given, &root.key("settings"));
        }
        let notifications = self.notifications(file.notifications, &root.key("notifications"));
        let mut pipelines = Vec::new();
        let mut lines = HashMap::new();
        for (pipeline, place) in file
            .pipelines
            .into_iter()
            .zip(root.key("pipelines").items())
        {
            let id = place.key("id");
            let line = id.node.at.line;
            if let Some(first) = lines.insert(pipeline.id.clone(), line) {
                let message = format!(
                    "the id {} is taken by the pipeline in line {first}",
                    quoted(&pipeline.id)
                );
                self.wrong.push(
                    id.fault(&code::CONFIG_INVALID, message)
                        .hint("give each pipeline an id of its own: its state is kept under it"),
                );
            }
            let mut pipeline = self.pipeline(pipeline, &place, &settings);
            if let Some(pipeline) = &mut pipeline {
                pipeline
                    .notifications
                    .splice(..0, notifications.iter().cloned());
            }
            pipelines.push(pipeline);
        }
        let pipelines = pipelines.into_iter().flatten().collect();
        self.wrong.unless_any(Plan {
            settings,
            pipelines,
            at_once: false,
            warnings: Vec::new(),
        })
    }

    fn pipeline(
        &mut self,
        given: wire::Pipeline,
        place: &Place<'_>,
        file_settings: &Settings,
    ) -> Option<Pipeline> {
        self.id(&given.id, &place.key("id"));
        let source = self.connector(given.source, &place.key("source"));
        let destinations = self.destinations(given.destination, given.destinations, place);
        let mut settings = file_settings.clone();
        if let Some(given) = given.settings {
            let place = place.key("settings");
            if given.store.is_some() {
                let message = "the store is one for all pipelines of a file";
                let fault = place.key("store").fault(&code::CONFIG_INVALID, message);
                self.wrong
                    .push(fault.hint("move it to the `settings` of the file"));
            }
            self.settings(&mut settings, given, &place);
            settings.store.clone_from(&file_settings.store);
        }
        let streams = place.key("streams");
        let mut processors = self.mappers(given.streams.as_deref().unwrap_or_default(), &streams);
        let streams = given.streams.into_iter().flatten().zip(streams.items());
        let streams = streams
            .map(|(stream, place)| self.stream(stream, &place))
            .collect();
        let namespace = self.namespace(given.namespace, &place.key("namespace"));
        let dead_letters = given
            .dead_letters
            .map(|given| self.dead_letters(given, &place.key("dead_letters")));
        let notifications = self.notifications(given.notifications, &place.key("notifications"));
        let places = place.key("processors");
        let own = given.processors.into_iter().zip(places.items()).zip(1..);
        processors.extend(
            own.map(|((processor, place), number)| self.processor(processor, number, &place)),
        );
        Some(Pipeline {
            id: given.id,
            sources: vec![source?],
            processors,
            destinations,
            streams,
            namespace,
            prefix: given.prefix.unwrap_or_default(),
            dead_letters,
            settings,
            is_stopped: false,
            schedule: None,
            notifications,
        })
    }

    fn id(&mut self, id: &str, place: &Place<'_>) {
        if !plan::is_id(id) {
            let message = format!("{} cannot be a pipeline's id", quoted(id));
            let fault = place.fault(&code::CONFIG_INVALID, message);
            self.wrong.push(fault.hint(plan::ID_FORM));
        }
    }

    fn destinations(
        &mut self,
        one: Option<wire::Connector>,
        many: Option<Vec<wire::Connector>>,
        place: &Place<'_>,
    ) -> Vec<Connector> {
        let mut found = Vec::new();
        match (one, many) {
            (Some(_), Some(_)) => {
                let message = "`destination` and `destinations` are both given";
                let fault = place
                    .key("destinations")
                    .fault(&code::CONFIG_INVALID, message);
                self.wrong
                    .push(fault.hint("list all of them under `destinations`"));
            }
            (None, None) => {
                let fault = place.fault(&code::CONFIG_INVALID, "`destination` is missing");
                self.wrong.push(fault.hint("say where the records go, e.g. `destination: {connector: native:jsonl, config: {path: ./out}}`"));
            }
            (Some(one), None) => found.push(self.connector(one, &place.key("destination"))),
            (None, Some(many)) => {
                let places = place.key("destinations");
                for (one, place) in many.into_iter().zip(places.items()) {
                    found.push(self.connector(one, &place));
                }
            }
        }
        found.into_iter().flatten().collect()
    }

    fn connector(&mut self, given: wire::Connector, place: &Place<'_>) -> Option<Connector> {
        let reference = given.connector.parse::<ConnectorRef>().map_err(|error| {
            let fault = place
                .key("connector")
                .fault(error.code(), error.message())
                .hint(error.remedy());
            self.wrong.push(fault);
        });
        let config = place.key("config");
        // Without `config`, or with nothing after it, the configuration is empty.
        let resolved = match place.node.get("config") {
            Some(node) if !matches!(node.tree, Tree::Null) => {
                secret::resolve(&config, self.environment, self.base, &mut self.wrong)
            }
            _ => ConnectorConfig::from(Value::Object(Map::new())),
        };
        let docker = given.docker.map(|given| {
            let place = place.key("docker");
            if let Ok(reference) = &reference
                && reference.launcher != Some(Launcher::Docker)
            {
                let message = format!("`{reference}` is no image, and runs in no container");
                self.wrong.push(
                    place
                        .fault(&code::CONFIG_INVALID, message)
                        .hint("`docker` has a meaning for `airbyte:docker:IMAGE[:TAG]` alone"),
                );
            }
            self.docker(given, &place)
        });
        if given.data_channel.is_some()
            && let Ok(reference) = &reference
            && reference.protocol != Protocol::Airbyte
        {
            let message = format!("`{reference}` does not speak Airbyte's protocol");
            self.wrong.push(
                place
                    .key("data_channel")
                    .fault(&code::CONFIG_INVALID, message)
                    .hint("`data_channel` has a meaning for `airbyte:…` alone"),
            );
        }
        let mut connector = Connector::new(reference.ok()?, resolved);
        connector.at = place.location();
        if let Some(given) = given.data_channel {
            connector.data_channel = DataChannel {
                transport: given.transport,
                format: given.format.unwrap_or_default(),
                version: given.version.unwrap_or_default(),
                sockets: given.sockets,
            };
        }
        if let Some((docker, secrets)) = docker {
            connector.docker = docker;
            connector.secrets.extend(secrets);
        }
        Some(connector)
    }

    fn dead_letters(&mut self, given: wire::DeadLetters, place: &Place<'_>) -> DeadLetters {
        let (window, threshold) = (given.window_size, given.window_nack_threshold);
        if threshold > 0 && threshold >= window {
            let place = place.key("window_nack_threshold");
            let message = "the threshold is not less than `window_size`";
            let hint = "e.g. `window_size: 100` and `window_nack_threshold: 5`: of any 100 records 5 may be refused";
            self.wrong
                .push(place.fault(&code::CONFIG_INVALID, message).hint(hint));
        }
        if given.path.is_some() && given.destination.is_some() {
            let message = "`path` and `destination` are both given";
            let place = place.key("destination");
            self.wrong.push(place.fault(&code::CONFIG_INVALID, message));
        }
        let connector = given.destination;
        let connector =
            connector.and_then(|given| self.connector(given, &place.key("destination")));
        DeadLetters {
            path: given.path.map(PathBuf::from),
            connector,
            window_size: window,
            window_nack_threshold: threshold,
            form: LetterForm::OpenCdc,
        }
    }

    fn namespace(&mut self, given: Option<wire::Namespace>, place: &Place<'_>) -> NamespaceRule {
        use wire::NamespaceDefinition::{Custom, Destination, Source};
        let Some(given) = given else {
            return NamespaceRule::default();
        };
        if let Some(format) = &given.format {
            let place = place.key("format");
            if given.definition != Custom {
                let message = "`format` has a meaning only with `definition: custom`";
                self.wrong.push(place.fault(&code::CONFIG_INVALID, message));
            }
            if format.replace("${SOURCE_NAMESPACE}", "").contains("${") {
                let message = "the format refers to something else than the source's namespace";
                let fault = place.fault(&code::CONFIG_INVALID, message);
                self.wrong
                    .push(fault.hint("the only reference here is `${SOURCE_NAMESPACE}`"));
            }
        }
        match (given.definition, given.format) {
            (Source, _) => NamespaceRule::Source,
            (Destination, _) => NamespaceRule::Destination,
            (Custom, Some(format)) => NamespaceRule::Custom(format),
            (Custom, None) => {
                let message = "`definition: custom` needs a `format`";
                let fault = place.fault(&code::CONFIG_INVALID, message);
                self.wrong
                    .push(fault.hint("e.g. `format: \"${SOURCE_NAMESPACE}_raw\"`"));
                NamespaceRule::default()
            }
        }
    }
}
