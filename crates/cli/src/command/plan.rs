//! `crossdock plan`.

use std::collections::{BTreeMap, HashMap};

use crossdock_config::{ProcessEnvironment, Route, load};
use crossdock_control::plan::{self, Plan, PlannedRoute, PlannedStream, Start};
use crossdock_control::schema_change::SchemaChange;
use crossdock_control::schema_review::{ChangeKind, Effect, StreamChange};
use crossdock_core::catalog::FieldPath;
use crossdock_core::{DestinationSyncMode, Error, StreamId, SyncMode};
use serde::Serialize;

use super::run::choose;
use crate::answer::Answer;
use crate::args;
use crate::context::Context;
use crate::quantity;
use crate::table::{Side, Table};
use crate::text;

/// Says what a run of the file would do. All pipelines are planned, also after one that cannot be.
pub(super) async fn execute(args: args::Plan, context: &Context) -> Result<Answer, Error> {
    let file = load(&args.file, &ProcessEnvironment)?;
    context.warn(&file);
    let store = file.settings.store.clone();
    let chosen = choose(file.pipelines, &args.pipeline)
        .map_err(|error| error.with("file", args.file.display()))?;
    let around = context.onlooking(store.as_deref())?;
    let (mut plans, mut errors) = (Vec::new(), Vec::new());
    for pipeline in &chosen {
        match plan::plan(pipeline, &around).await {
            Ok(plan) => plans.push((pipeline.schedule.as_deref(), plan)),
            Err(error) => {
                context.screen.clear();
                errors.push(error.with("pipeline", &pipeline.id));
            }
        }
    }
    let data: BTreeMap<_, Vec<_>> = BTreeMap::from([(
        "pipelines",
        plans
            .iter()
            .map(|(schedule, plan)| plan_data(plan, *schedule))
            .collect(),
    )]);
    let shown: Vec<_> = plans
        .iter()
        .map(|(schedule, plan)| plan_shown(plan, *schedule))
        .collect();
    let answer = Answer::new(&data, shown.join("\n"))?;
    Ok(answer.failed(errors))
}

/// A plan for programs. Borrowed, since there may be tens of thousands of streams.
#[derive(Serialize)]
struct PlanData<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<&'a str>,
    streams: Vec<StreamData<'a>>,
    gone: &'a [StreamId],
    /// Nothing would be moved until somebody has accepted the changes.
    paused: bool,
    source_changes: &'a [StreamChange],
    route: Route,
    #[serde(skip_serializing_if = "Option::is_none")]
    route_reason: Option<&'static str>,
}

#[derive(Serialize)]
struct StreamData<'a> {
    stream: StreamId,
    target: StreamId,
    sync_mode: SyncMode,
    destination_sync_mode: DestinationSyncMode,
    cursor_field: &'a Option<FieldPath>,
    primary_key: &'a Option<Vec<FieldPath>>,
    generation: Option<i64>,
    start: &'static str,
    new: bool,
    schema_changes: &'a [SchemaChange],
}

fn plan_data<'a>(plan: &'a Plan, schedule: Option<&'a str>) -> PlanData<'a> {
    PlanData {
        id: &plan.pipeline,
        schedule,
        streams: plan.streams.iter().map(stream_data).collect(),
        gone: &plan.gone,
        paused: plan.review.pauses(),
        source_changes: &plan.review.changes,
        route: match plan.route {
            Some(PlannedRoute::Direct) => Route::Direct,
            Some(PlannedRoute::Through(_)) | None => Route::Through,
        },
        route_reason: match plan.route {
            Some(PlannedRoute::Through(why)) => Some(why),
            Some(PlannedRoute::Direct) | None => None,
        },
    }
}

fn stream_data(stream: &PlannedStream) -> StreamData<'_> {
    let configured = &stream.configured;
    StreamData {
        stream: configured.id(),
        target: configured.target_id(),
        sync_mode: configured.sync_mode,
        destination_sync_mode: configured.destination_sync_mode,
        cursor_field: &configured.cursor_field,
        primary_key: &configured.primary_key,
        generation: configured.generation_id,
        start: stream.start.as_str(),
        new: !stream.is_known,
        schema_changes: &stream.changes,
    }
}

fn plan_shown(plan: &Plan, schedule: Option<&str>) -> String {
    let number = u64::try_from(plan.streams.len()).unwrap_or(u64::MAX);
    let mut shown = format!(
        "{}: {}\n",
        text::printable(&plan.pipeline),
        quantity::of(number, "stream")
    );
    if let Some(schedule) = schedule {
        shown += &format!("  schedule: {}\n", text::printable(schedule));
    }
    match plan.route {
        Some(PlannedRoute::Direct) => {
            shown += "  records: straight from the source to the destination\n";
        }
        Some(PlannedRoute::Through(why)) => {
            shown += &format!("  records: through Crossdock, since {why}\n");
        }
        None => {}
    }
    shown.push('\n');
    let mut table = Table::new([
        ("stream", Side::Left),
        ("reads", Side::Left),
        ("writes", Side::Left),
        ("key", Side::Left),
        ("target", Side::Left),
        ("begins", Side::Left),
    ]);
    let reviewed: HashMap<&StreamId, &StreamChange> = plan
        .review
        .changes
        .iter()
        .map(|change| (&change.stream, change))
        .collect();
    for stream in &plan.streams {
        let configured = &stream.configured;
        let reads = match &configured.cursor_field {
            Some(cursor) if !cursor.is_empty() => {
                format!("{} by {}", configured.sync_mode.as_str(), path(cursor))
            }
            _ => configured.sync_mode.as_str().to_owned(),
        };
        let key: Vec<_> = configured.primary_key.iter().flatten().map(path).collect();
        let begins = match stream.start {
            Start::Beginning => "at the beginning",
            Start::Anew => "at the beginning, again",
            Start::State => "where the last run ended",
        };
        table.row([
            configured.id().to_string(),
            reads,
            configured.destination_sync_mode.as_str().to_owned(),
            key.join(", "),
            configured.target_id().to_string(),
            begins.to_owned(),
        ]);
        let reviewed = reviewed.get(&configured.id());
        let left_out = match reviewed.map(|change| change.effect) {
            Some(Effect::LeftOut) => " (left out)",
            _ => "",
        };
        for change in &stream.changes {
            table.below(text::printable(&change.to_string()) + left_out);
        }
        let breaks = reviewed
            .map(|change| change.breaks.as_slice())
            .unwrap_or_default();
        for breach in breaks {
            table.below(text::printable(&breach.to_string()));
        }
    }
    shown += &table.render(2);
    if !plan.gone.is_empty() {
        let gone: Vec<_> = plan.gone.iter().map(ToString::to_string).collect();
        shown += &format!(
            "\n  no longer moved: {}\n",
            text::printable(&gone.join(", "))
        );
    }
    let new = plan
        .review
        .changes
        .iter()
        .filter(|change| change.kind == ChangeKind::Added && change.effect == Effect::LeftOut);
    let new: Vec<_> = new.map(|change| change.stream.to_string()).collect();
    if !new.is_empty() {
        shown += &format!(
            "\n  new and left out: {}\n",
            text::printable(&new.join(", "))
        );
    }
    if plan.review.pauses() {
        let id = text::printable(&plan.pipeline);
        shown += &format!(
            "\n  the run would pause here; after it, `crossdock accept {id}` takes the changes\n"
        );
    }
    shown
}

fn path(path: &FieldPath) -> String {
    path.join(".")
}
