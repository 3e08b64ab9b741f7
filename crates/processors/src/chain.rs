//! Processors one after another, over batches.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, Rows, RowsBuilder};
use crossdock_core::catalog::{ConfiguredCatalog, Stream};
use crossdock_core::code;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::error::{Error, Result};
use crossdock_core::pattern::Scope;
use crossdock_core::stream::StreamId;

use crate::effect::Shape;
use crate::kind::{self, Outcome, Processor};
use crate::record::Record;
use crate::registry::{self, SchemaRegistry};
use crate::template::Condition;
use crate::when::When;

/// A processor as somebody wants it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What it is called in messages.
    pub id: String,
    /// Which processor, e.g. `field.set`; `builtin:` before it and `@version` after it change nothing.
    pub plugin: String,
    /// A template; records for which it is false pass by the processor. Blank: none.
    pub condition: String,
    /// A condition of DataFlow in its place. Blank: none.
    pub when: String,
    /// The streams whose records go through it; others pass by.
    pub scope: Scope,
    /// Its settings. Those of Conduit's processors are texts; numbers and booleans stand for theirs.
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// Values of settings are left out, since any of them may be a secret (P10).
impl fmt::Debug for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wanted")
            .field("id", &self.id)
            .field("plugin", &self.plugin)
            .field("condition", &self.condition)
            .field("when", &self.when)
            .field("scope", &self.scope)
            .field("settings", &self.settings.keys())
            .finish()
    }
}

/// Which records a processor gets; others pass by.
enum Gate {
    Open,
    Template(Condition),
    When(When),
}

impl Gate {
    fn of(wanted: &Wanted) -> std::result::Result<Self, String> {
        let condition =
            Condition::parse(&wanted.condition).map_err(|why| format!("the condition: {why}"))?;
        match (condition, wanted.when.trim()) {
            (None, "") => Ok(Self::Open),
            (Some(condition), "") => Ok(Self::Template(condition)),
            (None, when) => When::parse(when)
                .map(Self::When)
                .map_err(|why| format!("`when`: {why}")),
            (Some(_), _) => Err("`condition` and `when` are both given".to_owned()),
        }
    }

    fn lets(&self, record: &mut Record) -> std::result::Result<bool, String> {
        match self {
            Self::Open => Ok(true),
            Self::Template(condition) => condition.holds(record),
            Self::When(when) => when.holds(record),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

struct Step {
    id: String,
    scope: Scope,
    gate: Gate,
    processor: Box<dyn Processor>,
}

impl Step {
    async fn process(
        &mut self,
        mut record: Record,
        registry: Option<&dyn SchemaRegistry>,
    ) -> Result<Outcome> {
        if !self.scope.covers(&record.stream) {
            return Ok(Outcome::One(record));
        }
        match self.gate.lets(&mut record) {
            Ok(true) => {}
            Ok(false) => return Ok(Outcome::One(record)),
            Err(why) => return Ok(Outcome::Failed(why)),
        }
        let mut outcome = self.processor.process(record);
        while let Outcome::Needs(wish, record) = outcome {
            let Some(registry) = registry else {
                return Ok(Outcome::Failed(
                    "there is no registry of schemas here".to_owned(),
                ));
            };
            let found = registry::ask(registry, &wish).await?;
            self.processor.give(wish, found);
            outcome = self.processor.process(*record);
        }
        Ok(outcome)
    }
}

/// Processors, one after another. Records keep their order.
#[derive(Default)]
pub struct Chain {
    steps: Vec<Step>,
    registry: Option<Arc<dyn SchemaRegistry>>,
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct Processed {
    /// What goes on; of several streams if a processor changed the collection.
    pub batches: Vec<Batch>,
    /// Where the records of all batches came from in what came in.
    pub origins: Vec<u32>,
    /// How many were left out on purpose.
    pub filtered: u64,
    /// Records that could not be processed.
    pub failed: Vec<Failed>,
}

/// A record that could not be processed.
#[derive(Debug)]
pub struct Failed {
    /// Its place in what came in.
    pub at: u32,
    /// The record as it came.
    pub batch: Batch,
    /// The record as the processor saw it that could not take it.
    pub seen: Batch,
    /// That processor; empty: the record could not even be read.
    pub processor: String,
    /// Why.
    pub reason: String,
}

/// A record and the place in the batch that it came from.
struct Item {
    origin: u32,
    record: Record,
}

impl Chain {
    /// Makes the processors. An error names the processor.
    pub fn new(wanted: &[Wanted]) -> Result<Self> {
        let steps = wanted.iter().map(|wanted| {
            let invalid = |why: String| {
                Error::new(&code::PROCESSOR_INVALID, why)
                    .with("processor", &wanted.id)
                    .with("plugin", &wanted.plugin)
            };
            Ok(Step {
                id: wanted.id.clone(),
                scope: wanted.scope.clone(),
                gate: Gate::of(wanted).map_err(invalid)?,
                processor: kind::build(&wanted.plugin, &wanted.settings).map_err(invalid)?,
            })
        });
        Ok(Self {
            steps: steps.collect::<Result<_>>()?,
            registry: None,
        })
    }

    /// The same with a registry, which the processors of Avro need.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<dyn SchemaRegistry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Whether there is no processor.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn shape(&self, stream: &Stream) -> Shape {
        let mut shape = Shape::of(stream);
        let id = stream.id();
        for step in self.steps.iter().filter(|step| step.scope.covers(&id)) {
            for effect in step.processor.effects() {
                shape.take(&effect, step.gate.is_open());
            }
        }
        shape
    }

    /// Describes a stream as it is after the processors. `true`: columns may come that are not known
    /// before a record has them.
    pub fn describe(&self, stream: &mut Stream) -> bool {
        let shape = self.shape(stream);
        shape.describe(stream);
        shape.is_open
    }

    /// The catalog as it is after the processors.
    #[must_use]
    pub fn configure(&self, catalog: &ConfiguredCatalog) -> ConfiguredCatalog {
        let mut catalog = catalog.clone();
        for stream in &mut catalog.streams {
            self.shape(&stream.stream).configure(stream);
        }
        catalog
    }

    /// Whether the streams of a catalog have the columns that the processors need, and stay such that
    /// destinations can write them as configured. An error comes with the place of the processor.
    pub fn check(&self, catalog: &ConfiguredCatalog) -> std::result::Result<(), (usize, Error)> {
        for (at, step) in self.steps.iter().enumerate() {
            let mut streams = catalog.streams.iter();
            if !step.scope.only.is_empty() && !streams.any(|s| step.scope.covers(&s.id())) {
                let error = Error::new(
                    &code::STREAM_UNKNOWN,
                    "the processor is for no stream that there is",
                );
                return Err((at, error.with("processor", &step.id)));
            }
        }
        for stream in &catalog.streams {
            let id = stream.id();
            let mut shape = Shape::of(&stream.stream);
            let steps = self.steps.iter().enumerate();
            for (at, step) in steps.filter(|(_, step)| step.scope.covers(&id)) {
                let always = step.gate.is_open();
                for demand in step.processor.demands() {
                    demand.met(stream, &shape, always).map_err(|unmet| {
                        let error = Error::new(&code::PROCESSOR_INVALID, unmet.message)
                            .with("processor", &step.id)
                            .with("stream", &id);
                        let error = match unmet.hint {
                            Some(hint) => error.hint(hint),
                            None => error,
                        };
                        (at, error)
                    })?;
                }
                for effect in step.processor.effects() {
                    shape.take(&effect, always);
                }
            }
        }
        Ok(())
    }

    /// Whether the columns of a stream, or what is in them, can change at all.
    #[must_use]
    pub fn changes_columns(&self) -> bool {
        let mut steps = self.steps.iter();
        steps.any(|step| !step.processor.effects().is_empty())
    }

    /// Whether more records can come out than went in.
    #[must_use]
    pub fn multiplies(&self) -> bool {
        self.steps.iter().any(|step| step.processor.multiplies())
    }

    /// Processes a batch. The shape of what comes out is rows where a record was changed, else that of
    /// what came in; rows that no processor changed keep their lines.
    pub async fn process(&mut self, batch: Batch) -> Result<Processed> {
        if !self
            .steps
            .iter()
            .any(|step| step.scope.covers(&batch.stream))
        {
            // Nothing is looked into that no processor is for.
            let records = u32::try_from(batch.records()).unwrap_or(u32::MAX);
            return Ok(Processed {
                batches: vec![batch],
                origins: (0..records).collect(),
                ..Processed::default()
            });
        }
        let converted;
        let rows: &Rows = match &batch.body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => {
                converted = columns_to_rows(columns, None)?;
                &converted
            }
        };
        let mut processed = Processed::default();
        let mut items = Vec::with_capacity(rows.len());
        // By place: how many processors it went through, and why it went no further.
        let mut failed: BTreeMap<u32, (usize, String)> = BTreeMap::new();
        for origin in 0..u32::try_from(rows.len()).unwrap_or(u32::MAX) {
            match Record::read(&batch.stream, rows, origin as usize) {
                Ok(record) => items.push(Item { origin, record }),
                Err(why) => drop(failed.insert(origin, (0, format!("it cannot be read: {why}")))),
            }
        }
        let mut multiplied = false;
        for (place, step) in self.steps.iter_mut().enumerate() {
            let mut next = Vec::with_capacity(items.len());
            for Item { origin, record } in items {
                match step.process(record, self.registry.as_deref()).await? {
                    Outcome::Needs(..) => {}
                    Outcome::One(record) => next.push(Item { origin, record }),
                    Outcome::Many(records) => {
                        multiplied = true;
                        processed.filtered += u64::from(records.is_empty());
                        let records = records.into_iter();
                        next.extend(records.map(|record| Item { origin, record }));
                    }
                    Outcome::Filtered => processed.filtered += 1,
                    Outcome::Failed(why) => {
                        failed.entry(origin).or_insert((place, why));
                    }
                }
            }
            // Of a record that was split all parts fail together.
            next.retain(|item| !failed.contains_key(&item.origin));
            items = next;
        }
        for (at, (place, reason)) in failed {
            let batch = Batch {
                stream: batch.stream.clone(),
                body: batch.body.select(&[at])?,
            };
            let seen = self.again(&batch.stream, rows, at, place).await?;
            processed.failed.push(Failed {
                at,
                seen: seen.unwrap_or_else(|| batch.clone()),
                batch,
                processor: self
                    .steps
                    .get(place)
                    .map(|step| step.id.clone())
                    .unwrap_or_default(),
                reason,
            });
        }
        processed.origins = items.iter().map(|item| item.origin).collect();
        let is_changed = multiplied || items.iter().any(|item| item.record.is_changed);
        if !is_changed {
            if items.len() == rows.len() {
                processed.batches.push(batch);
            } else if !items.is_empty() {
                let body = batch.body.select(&processed.origins)?;
                let stream = batch.stream;
                processed.batches.push(Batch { stream, body });
            }
            return Ok(processed);
        }
        processed.batches = written(items)?;
        Ok(processed)
    }
}

impl Chain {
    /// A record as it is after the first processors: made again, since it is seldom asked for.
    async fn again(
        &mut self,
        stream: &StreamId,
        rows: &Rows,
        at: u32,
        steps: usize,
    ) -> Result<Option<Batch>> {
        let Ok(mut record) = Record::read(stream, rows, at as usize) else {
            return Ok(None);
        };
        for step in &mut self.steps[..steps] {
            record = match step.process(record, self.registry.as_deref()).await? {
                Outcome::One(record) => record,
                Outcome::Many(records) => match records.into_iter().next() {
                    Some(first) => first,
                    None => return Ok(None),
                },
                Outcome::Filtered | Outcome::Failed(_) | Outcome::Needs(..) => return Ok(None),
            };
        }
        Ok(written(vec![Item { origin: at, record }])?.pop())
    }
}

/// The batches of records that were changed: neighbours of one stream are one batch.
fn written(items: Vec<Item>) -> Result<Vec<Batch>> {
    let mut batches = Vec::new();
    let mut open: Option<(StreamId, Vec<u8>, RowsBuilder)> = None;
    for Item { record, .. } in items {
        let target = record.target();
        if open.as_ref().is_some_and(|(stream, ..)| *stream != target) {
            batches.extend(open.take().map(closed));
        }
        let (_, buffer, rows) =
            open.get_or_insert_with(|| (target, Vec::new(), RowsBuilder::default()));
        record
            .write(buffer, rows)
            .map_err(|why| Error::new(&code::RECORD_TOO_LARGE, why).during("process"))?;
    }
    batches.extend(open.map(closed));
    Ok(batches)
}

fn closed((stream, buffer, mut rows): (StreamId, Vec<u8>, RowsBuilder)) -> Batch {
    Batch {
        stream,
        body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
    }
}

#[cfg(test)]
mod tests;
