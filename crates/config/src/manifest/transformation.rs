//! Transformations, and the routes of a router, which are destinations here.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Reader;
use super::typed::Typed;
use crate::diagnostic::quoted;
use crate::node::Place;
use crate::plan::{Connector, Processor};
use crate::suggestion;

/// The types of transformations, which are processors with `dataflow.` before them.
const TYPES: [&str; 18] = [
    "timestamp",
    "flatten",
    "filter",
    "mask",
    "router",
    "select",
    "remove",
    "snakeCase",
    "camelCase",
    "debeziumUnwrap",
    "replaceField",
    "headersToPayload",
    "structFlatten",
    "extractField",
    "hoistField",
    "cast",
    "timezone",
    "insertField",
];

/// What records go through, and where some of them go instead of to the sink.
#[derive(Default)]
pub(super) struct Course {
    pub(super) processors: Vec<Processor>,
    /// The sinks of routes, each with the processor that keeps its records.
    pub(super) routes: Vec<Connector>,
    /// Where the router stands, if there is one.
    router: Option<usize>,
}

impl Course {
    /// The main sink, which gets what no route takes.
    pub(super) fn main(&self, mut sink: Connector) -> Connector {
        if self.router.is_some() {
            sink.processors = vec![routed(&sink, "otherwise", Value::Bool(true))];
        }
        sink
    }
}

impl Reader<'_> {
    pub(super) fn transformations(&mut self, spec: &Place<'_>) -> Course {
        let mut course = Course::default();
        for (place, number) in self.items(spec, "transformations").iter().zip(1..) {
            self.transformation(place, number, &mut course);
        }
        course
    }

    fn transformation(&mut self, place: &Place<'_>, number: usize, course: &mut Course) {
        let Some(typed) = self.typed(place, &["when"]) else {
            return;
        };
        let Typed {
            kind,
            config,
            is_told,
        } = typed;
        let when = self.text(place, "when").unwrap_or_default();
        if !TYPES.contains(&kind.as_str()) {
            let message = format!("there is no transformation {}", quoted(&kind));
            let hint = suggestion::hint(&kind, &TYPES, "types");
            self.invalid(&place.key("type"), message, hint);
            return;
        }
        let Some(config) = config else {
            if !is_told {
                let hint = "where there is nothing to set, write `config: {}`";
                self.invalid(place, "`config` is missing", hint);
            }
            return;
        };
        let mut processor = Processor {
            id: format!("transformations[{}]", number - 1),
            plugin: format!("dataflow.{kind}"),
            when,
            at: place.location(),
            ..Processor::default()
        };
        if kind != "router" {
            let members = config.node.entries().iter();
            processor.settings = members
                .map(|entry| (entry.key.clone(), entry.value.value()))
                .collect();
        } else if let Some(first) = course.router {
            let message = format!("the transformation {first} is a router, too");
            let hint = "give one router the routes of both; of two it is not said which wins";
            self.invalid(place, message, hint);
            return;
        } else {
            course.router = Some(number);
            if !processor.when.is_empty() {
                // What the router passes by goes to the main sink, whatever another router said of it before.
                course.processors.push(Processor {
                    id: format!("{} before", processor.id),
                    plugin: "field.exclude".to_owned(),
                    settings: BTreeMap::from([(
                        "fields".to_owned(),
                        Value::String(".Metadata.routed_condition".to_owned()),
                    )]),
                    at: place.location(),
                    ..Processor::default()
                });
            }
            processor.settings = self.routes(&config, course);
        }
        course.processors.push(processor);
    }

    /// The routes as the router needs them, which are conditions; their sinks are destinations.
    fn routes(&mut self, config: &Place<'_>, course: &mut Course) -> BTreeMap<String, Value> {
        self.known(config, &["routes"]);
        let places = self.items(config, "routes");
        if places.is_empty() {
            let hint =
                "e.g. `routes: [{condition: \"$.kind == 'paid'\", sink: {type: …, config: {…}}}]`";
            self.invalid(config, "the router has no `routes`", hint);
        }
        let mut conditions: Vec<String> = Vec::new();
        for place in &places {
            if !self.is_mapping(place) {
                continue;
            }
            self.known(place, &["condition", "sink"]);
            let sink = self.need(place, "sink", "it says where the records of the route go");
            let sink = sink.and_then(|sink| self.connector(&sink, &[]));
            let Some(condition) = self.text(place, "condition") else {
                if self.given(place, "condition").is_none() {
                    let hint = "e.g. `condition: \"$.kind == 'paid'\"`";
                    self.invalid(place, "`condition` is missing", hint);
                }
                continue;
            };
            if conditions.contains(&condition) {
                let message =
                    "an earlier route has the same condition, so this one never gets a record";
                self.invalid(
                    &place.key("condition"),
                    message,
                    "remove one of the two routes",
                );
            }
            if let Some(mut sink) = sink {
                let wanted = Value::String(condition.clone());
                sink.processors = vec![routed(&sink, "condition", wanted)];
                course.routes.push(sink);
            }
            conditions.push(condition);
        }
        let routes = conditions.iter().map(|text| json!({"condition": text}));
        BTreeMap::from([("routes".to_owned(), routes.collect())])
    }
}

/// Keeps the records of one route, or of none.
fn routed(sink: &Connector, setting: &str, value: Value) -> Processor {
    Processor {
        id: "route".to_owned(),
        plugin: "dataflow.routed".to_owned(),
        settings: BTreeMap::from([(setting.to_owned(), value)]),
        at: sink.at.clone(),
        ..Processor::default()
    }
}
