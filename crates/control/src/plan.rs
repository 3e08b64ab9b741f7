//! What a run would do, without doing it: the connectors are asked, nothing is moved and nothing is
//! written.

use std::collections::{HashMap, HashSet};

use crossdock_config::Pipeline;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream};
use crossdock_core::checkpoint::Lane;
use crossdock_core::error::Result;
use crossdock_core::store::Resume;
use crossdock_core::stream::StreamId;
use serde_json::Value;

use crate::generation;
use crate::refresh;
use crate::run::{Course, NO_SOCKETS, Surroundings, decide_course, prepare_all};
use crate::schema_change::{SchemaChange, changes};
use crate::schema_review::{Effect, Review};
use crate::ui::Phase;

/// What a pipeline's next run would do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: String,
    /// What it would move, in the order of the source's catalog.
    pub streams: Vec<PlannedStream>,
    /// What the last run moved and this one would not.
    pub gone: Vec<StreamId>,
    /// How the source differs from what was agreed on, and what would become of that.
    pub review: Review,
    /// How records would go: `None` if there is but one way, through Crossdock.
    pub route: Option<PlannedRoute>,
}

/// How records would go between two connectors that have sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlannedRoute {
    /// Straight from the source to the destination.
    Direct,
    /// Through Crossdock, and why, as a phrase.
    Through(&'static str),
}

/// One stream of a plan.
#[derive(Clone, Debug)]
pub struct PlannedStream {
    /// How it would be read and written.
    pub configured: ConfiguredStream,
    /// Where reading would begin.
    pub start: Start,
    /// Whether the last run moved it, too.
    pub is_known: bool,
    /// How its fields differ from those of the last run.
    pub changes: Vec<SchemaChange>,
}

/// Where reading a stream would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the beginning, since it has no state.
    Beginning,
    /// At the beginning, though it was read before.
    Anew,
    /// Where its state says.
    State,
}

impl Start {
    /// The name in `--json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Beginning => "beginning",
            Self::Anew => "anew",
            Self::State => "state",
        }
    }
}

/// Plans a run.
pub async fn plan(pipeline: &Pipeline, around: &Surroundings) -> Result<Plan> {
    around.ui.phase(&pipeline.id, &Phase::Preparing);
    let prepared = prepare_all(pipeline, around).await?;
    let resume = match pipeline.settings.resume {
        true => around.store.resume(&pipeline.id).await?,
        false => Resume::default(),
    };
    let before = around.store.catalog(&pipeline.id).await?;
    let mut catalog = prepared.catalog.clone();
    let review = match &before {
        Some(agreed) if !prepared.learns => Review::new(pipeline, agreed, &catalog),
        _ => Review::default(),
    };
    let offered = catalog.clone();
    review.narrow(&mut catalog, false);
    let mut asked = refresh::asked(pipeline, &resume);
    if let Some(impossible) = refresh::backfill(pipeline, &resume, &review, &mut asked) {
        around.ui.warning(&pipeline.id, &impossible);
    }
    let beginning = generation::begin(&mut catalog, &resume, &asked, 0);
    let route = match decide_course(pipeline, &prepared, (&catalog, &review, &resume))? {
        Course::Direct(_) => Some(PlannedRoute::Direct),
        Course::Through(NO_SOCKETS) => None,
        Course::Through(why) => Some(PlannedRoute::Through(why)),
    };
    let known: HashSet<&StreamId> = resume.generations.iter().map(|g| &g.stream).collect();
    let cleared: HashSet<&Lane> = beginning.clear.iter().collect();
    let has_whole = beginning.states.iter().any(|s| s.lane == Lane::Global);
    let states: HashSet<&Lane> = beginning.states.iter().map(|s| &s.lane).collect();
    let start = |id: &StreamId| {
        let lane = Lane::Stream(id.clone());
        match (cleared.contains(&lane), known.contains(id)) {
            (true, true) => Start::Anew,
            (true, false) => Start::Beginning,
            (false, _) if has_whole || states.contains(&lane) => Start::State,
            (false, _) => Start::Beginning,
        }
    };
    let mut plan = compare(&pipeline.id, catalog, before, start);
    // What is left out is told as well.
    let schemas: HashMap<StreamId, &Value> = offered
        .streams
        .iter()
        .map(|s| (s.id(), &s.stream.json_schema))
        .collect();
    let left_out: HashSet<&StreamId> = review
        .changes
        .iter()
        .filter(|one| one.effect == Effect::LeftOut)
        .map(|one| &one.stream)
        .collect();
    for stream in &mut plan.streams {
        let id = stream.configured.id();
        if let Some(now) = schemas.get(&id).filter(|_| left_out.contains(&id)) {
            stream.changes = changes(&stream.configured.stream.json_schema, now);
        }
    }
    plan.review = review;
    plan.route = route;
    Ok(plan)
}

/// Sets the catalog beside that of the last run. Pure.
fn compare(
    pipeline: &str,
    catalog: ConfiguredCatalog,
    before: Option<ConfiguredCatalog>,
    start: impl Fn(&StreamId) -> Start,
) -> Plan {
    let before = before.unwrap_or_default();
    let schemas: HashMap<StreamId, _> = before
        .streams
        .iter()
        .map(|s| (s.id(), &s.stream.json_schema))
        .collect();
    let now: HashSet<StreamId> = catalog.streams.iter().map(ConfiguredStream::id).collect();
    let planned = |configured: ConfiguredStream| {
        let id = configured.id();
        let before = schemas.get(&id);
        PlannedStream {
            start: start(&id),
            is_known: before.is_some(),
            changes: before.map_or_else(Vec::new, |before| {
                changes(before, &configured.stream.json_schema)
            }),
            configured,
        }
    };
    Plan {
        pipeline: pipeline.to_owned(),
        streams: catalog.streams.into_iter().map(planned).collect(),
        gone: before
            .streams
            .iter()
            .map(ConfiguredStream::id)
            .filter(|id| !now.contains(id))
            .collect(),
        review: Review::default(),
        route: None,
    }
}
