//! The processors.

mod airbyte;
mod avro;
mod base64;
mod config;
mod dataflow;
mod debezium;
mod field;
mod javascript;
mod json;
mod multiply;
mod opencdc;
mod outcome;
mod unwrap;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::demand::Demand;
use crate::effect::Effect;
use crate::record::Record;
use crate::registry::{Found, Wish};
use crate::setting::{self, Settings};

/// What became of a record.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It goes on.
    One(Record),
    /// Several go on in its place.
    Many(Vec<Record>),
    /// It is left out, on purpose.
    Filtered,
    /// It could not be processed.
    Failed(String),
    /// First this schema is needed: give it, and the record again.
    Needs(Wish, Box<Record>),
}

/// A processor: one record after another.
pub(crate) trait Processor: Send {
    /// Processes a record.
    fn process(&mut self, record: Record) -> Outcome;

    /// A schema that it asked for.
    fn give(&mut self, _wish: Wish, _found: Found) {}

    /// What it does to the columns of a stream.
    fn effects(&self) -> Vec<Effect>;

    /// What it asks of the columns of a stream.
    fn demands(&self) -> Vec<Demand> {
        Vec::new()
    }

    /// Whether it makes several records of one.
    fn multiplies(&self) -> bool {
        false
    }
}

/// A processor that changes a record in its place.
pub(crate) trait Change: Send {
    fn change(&self, record: &mut Record) -> Result<(), String>;

    fn effects(&self) -> Vec<Effect>;

    fn demands(&self) -> Vec<Demand> {
        Vec::new()
    }
}

impl<C: Change> Processor for C {
    fn process(&mut self, mut record: Record) -> Outcome {
        match self.change(&mut record) {
            Ok(()) => Outcome::One(record),
            Err(why) => Outcome::Failed(why),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        Change::effects(self)
    }

    fn demands(&self) -> Vec<Demand> {
        Change::demands(self)
    }
}

type Build = fn(&mut Settings<'_>) -> Result<Box<dyn Processor>, String>;

/// Each of Conduit's processors: its name, what it does in a few words, and how it is made.
const TABLE: &[(&str, &str, Build)] = &[
    ("avro.decode", "a field from Avro", avro::decode),
    ("avro.encode", "a field to Avro", avro::encode),
    ("base64.decode", "a field from base64", base64::decode),
    ("base64.encode", "a field to base64", base64::encode),
    ("clone", "a record and copies of it", multiply::clone),
    (
        "custom.javascript",
        "a function of one's own",
        javascript::build,
    ),
    ("error", "a failure", outcome::error),
    ("field.convert", "a field to another type", field::convert),
    ("field.exclude", "fields taken away", field::exclude),
    ("field.rename", "fields with other names", field::rename),
    ("field.set", "a field set from a template", field::set),
    ("filter", "a record left out", outcome::filter),
    ("json.decode", "a field from JSON", json::decode),
    ("json.encode", "a field to JSON", json::encode),
    ("split", "a record for each item of a list", multiply::split),
    (
        "unwrap.debezium",
        "the change in a record of Debezium",
        debezium::build,
    ),
    (
        "unwrap.kafkaconnect",
        "the payload of a record of Kafka Connect",
        unwrap::kafka_connect,
    ),
    (
        "unwrap.opencdc",
        "the record that is in a record",
        opencdc::build,
    ),
];

/// What Conduit has and we do not, and why.
const ABSENT: [(&str, &str); 8] = [
    ("webhook.http", "it needs a service outside"),
    ("openai.textgen", "it needs a service outside"),
    ("openai.embed", "it needs a service outside"),
    ("cohere.command", "it needs a service outside"),
    ("cohere.embed", "it needs a service outside"),
    ("cohere.rerank", "it needs a service outside"),
    ("ollama.request", "it needs a service outside"),
    ("standalone", "processors in WebAssembly are not run here"),
];

/// The name of a processor without what may stand around it: `builtin:field.set@latest`.
fn plain(reference: &str) -> Result<&str, String> {
    let (kind, rest) = reference.split_once(':').unwrap_or(("builtin", reference));
    if kind == "standalone" {
        return Err(format!("`{reference}`: {}", ABSENT[7].1));
    }
    if !matches!(kind, "builtin" | "any") {
        return Err(format!("`{reference}` is no processor"));
    }
    Ok(rest.split_once('@').map_or(rest, |(name, _)| name))
}

/// The processors and what each makes of a record, in a few words.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = TABLE.iter().map(|(name, what, _)| (*name, *what));
    own.chain(dataflow::all()).chain(airbyte::all())
}

/// A prefix that many names share says nothing, and who leaves it out means one of them.
fn bare(name: &str) -> &str {
    let family = ["dataflow.", "airbyte."];
    let mut bare = family.iter().filter_map(|family| name.strip_prefix(family));
    bare.next().unwrap_or(name)
}

/// Makes the processor of a name.
pub(crate) fn build(
    reference: &str,
    settings: &BTreeMap<String, Value>,
) -> Result<Box<dyn Processor>, String> {
    let name = plain(reference)?;
    let built = dataflow::build(name, settings).or_else(|| airbyte::build(name, settings));
    if let Some(built) = built {
        return built;
    }
    if let Some((_, why)) = ABSENT.iter().find(|(own, _)| *own == name) {
        return Err(format!(
            "the processor `{name}` is not part of Crossdock: {why}"
        ));
    }
    let Some((_, _, build)) = TABLE.iter().find(|(own, ..)| *own == name) else {
        let likeness = |known: &str| strsim::jaro_winkler(bare(name), bare(known));
        let near = all()
            .map(|(known, _)| (likeness(known), known))
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        return Err(match near {
            Some((_, known)) => {
                format!("there is no processor `{name}`; did you mean `{known}`?")
            }
            None => {
                let names: Vec<_> = all().map(|(name, _)| name).collect();
                format!(
                    "there is no processor `{name}`; there are {}",
                    names.join(", ")
                )
            }
        });
    };
    let texts = setting::texts(settings)?;
    let mut settings = Settings::new(&texts);
    let built = build(&mut settings)?;
    settings.done()?;
    Ok(built)
}
