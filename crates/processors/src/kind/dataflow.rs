//! The transformations of DataFlow. What they change is the payload of a record: its value after the
//! change, or before it if there is no other.

mod cased;
mod cast;
mod choice;
mod debezium;
mod flatten;
mod insert;
mod mask;
mod replace;
mod select;
mod timezone;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::config::{self, Config};
use super::{Outcome, Processor};
use crate::effect::Effect;
use crate::payload::Payload;
use crate::record::Record;
use crate::value::Value;

type Build = fn(&Config<'_>) -> Result<Box<dyn Processor>, String>;

/// A transformation.
struct Kind {
    name: &'static str,
    /// What it makes of a record, in a few words.
    what: &'static str,
    settings: &'static [&'static str],
    build: Build,
}

/// The transformations.
const TABLE: &[Kind] = &[
    Kind {
        name: "dataflow.camelCase",
        what: "names in PascalCase",
        settings: &["deep"],
        build: cased::camel_case,
    },
    Kind {
        name: "dataflow.cast",
        what: "fields of other types",
        settings: &["spec"],
        build: cast::build,
    },
    Kind {
        name: "dataflow.debeziumUnwrap",
        what: "the change in a record of Debezium",
        settings: &[
            "addOperationFields",
            "addSourceFields",
            "includeSourceInMetadata",
            "inferDeleteFromTombstone",
            "snapshotOperation",
        ],
        build: debezium::build,
    },
    Kind {
        name: "dataflow.extractField",
        what: "one field as the payload",
        settings: &["field"],
        build: select::extract_field,
    },
    Kind {
        name: "dataflow.filter",
        what: "a record left out unless a condition holds",
        settings: &["condition"],
        build: choice::filter,
    },
    Kind {
        name: "dataflow.flatten",
        what: "a record for each item of a list",
        settings: &["field"],
        build: flatten::flatten,
    },
    Kind {
        name: "dataflow.headersToPayload",
        what: "headers as fields",
        settings: &["mappings"],
        build: insert::headers_to_payload,
    },
    Kind {
        name: "dataflow.hoistField",
        what: "the payload as one field",
        settings: &["field"],
        build: select::hoist_field,
    },
    Kind {
        name: "dataflow.insertField",
        what: "more fields",
        settings: &["fields"],
        build: insert::insert_field,
    },
    Kind {
        name: "dataflow.mask",
        what: "fields made unreadable",
        settings: &["fields", "keepLength", "maskChar"],
        build: mask::build,
    },
    Kind {
        name: "dataflow.remove",
        what: "fields taken away",
        settings: &["fields"],
        build: select::remove,
    },
    Kind {
        name: "dataflow.replaceField",
        what: "fields chosen and renamed",
        settings: &["exclude", "include", "renames"],
        build: replace::build,
    },
    Kind {
        name: "dataflow.routed",
        what: "a record left out unless its route is this one",
        settings: &["condition", "otherwise"],
        build: choice::routed,
    },
    Kind {
        name: "dataflow.router",
        what: "the condition that holds, in the metadata",
        settings: &["routes"],
        build: choice::router,
    },
    Kind {
        name: "dataflow.select",
        what: "some fields, side by side",
        settings: &["fields"],
        build: select::select,
    },
    Kind {
        name: "dataflow.snakeCase",
        what: "names in snake_case",
        settings: &["deep"],
        build: cased::snake_case,
    },
    Kind {
        name: "dataflow.structFlatten",
        what: "the insides of objects as fields",
        settings: &["delimiter"],
        build: flatten::struct_flatten,
    },
    Kind {
        name: "dataflow.timestamp",
        what: "the time in a field",
        settings: &["fieldName", "format"],
        build: insert::timestamp,
    },
    Kind {
        name: "dataflow.timezone",
        what: "times in another zone",
        settings: &["fields", "format", "sourceTimezone", "timezone"],
        build: timezone::build,
    },
];

/// The transformations and what each makes of a record, in a few words.
pub(super) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|kind| (kind.name, kind.what))
}

/// Makes the transformation of a name. `None`: there is none.
pub(super) fn build(
    name: &str,
    settings: &BTreeMap<String, Json>,
) -> Option<Result<Box<dyn Processor>, String>> {
    let kind = TABLE.iter().find(|kind| kind.name == name)?;
    Some(Config::new(settings, kind.settings).and_then(|config| (kind.build)(&config)))
}

/// A transformation of the payload in its place.
trait Transform: Send {
    /// Changes the payload; `false`: it is as it was. The record has its other parts.
    fn transform(&self, payload: &mut Value, record: &Record) -> Result<bool, String>;

    /// What it does to the columns of a stream.
    fn effects(&self) -> Vec<Effect>;
}

/// Makes a processor of a transformation. A payload that is no JSON passes by.
struct Transforming<T>(T);

impl<T: Transform + 'static> Transforming<T> {
    fn boxed(transform: T) -> Box<dyn Processor> {
        Box::new(Self(transform))
    }

    fn apply(&self, record: &mut Record) -> Result<(), String> {
        let Some(mut payload) = Payload::take(record)? else {
            return Ok(());
        };
        if self.0.transform(&mut payload.value, record)? {
            payload.replace(record);
        } else {
            payload.restore(record);
        }
        Ok(())
    }
}

impl<T: Transform + 'static> Processor for Transforming<T> {
    fn process(&mut self, mut record: Record) -> Outcome {
        match self.apply(&mut record) {
            Ok(()) => Outcome::One(record),
            Err(why) => Outcome::Failed(why),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        self.0.effects()
    }
}
