//! `crossdock status`: how pipelines stand.

use std::path::Path;

use crossdock_config::{ProcessEnvironment, load};
use crossdock_control::state;
use crossdock_control::status::{self, PipelineStatus};
use crossdock_core::Error;
use crossdock_core::store::RefreshMode;
use serde_json::{Value, json};

use super::state::view;
use crate::answer::Answer;
use crate::args::Status;
use crate::context::Context;
use crate::quantity;
use crate::table::{Side, Table};
use crate::text;

/// Says of each pipeline how it stands.
pub(super) async fn execute(args: Status, context: &Context) -> Result<Answer, Error> {
    let mut all = Vec::new();
    match args.of.as_deref() {
        Some(file) if Path::new(file).is_file() => {
            let plan = load(Path::new(file), &ProcessEnvironment)?;
            let store = context.onlooking(plan.settings.store.as_deref())?.store;
            for pipeline in &plan.pipelines {
                all.push(status::of(&*store, &pipeline.id, pipeline.is_stopped).await?);
            }
        }
        Some(pipeline) => {
            let store = context.existing_store()?;
            state::known(&*store, pipeline).await?;
            all.push(status::of(&*store, pipeline, false).await?);
        }
        None => {
            let store = context.existing_store()?;
            for pipeline in store.pipelines().await? {
                all.push(status::of(&*store, &pipeline, false).await?);
            }
        }
    }
    let data: Vec<Value> = all.iter().map(data).collect();
    Answer::new(&data, shown(&all))
}

fn data(status: &PipelineStatus) -> Value {
    let refreshes = status.refreshes.iter().map(
        |refresh| json!({"stream": refresh.stream, "mode": refresh.mode.map(RefreshMode::as_str)}),
    );
    json!({
        "pipeline": status.pipeline,
        "status": status.condition.as_str(),
        "next": status.next,
        "synced_at": status.synced_at,
        "last_run": status.last.as_ref().map(view::run_data),
        "waiting": status.waiting.as_ref().map(|waiting| json!({
            "run": waiting.run, "at": waiting.at, "pauses": waiting.pauses,
            "changes": waiting.changes,
        })),
        "refreshes": refreshes.collect::<Vec<_>>(),
    })
}

fn shown(all: &[PipelineStatus]) -> String {
    if all.is_empty() {
        return "no pipeline has run yet\n".to_owned();
    }
    let mut table = Table::new([
        ("pipeline", Side::Left),
        ("status", Side::Left),
        ("last run", Side::Right),
        ("started", Side::Left),
        ("records", Side::Right),
        ("next", Side::Left),
    ]);
    for status in all {
        let last = status.last.as_ref();
        table.row([
            status.pipeline.clone(),
            status.condition.as_str().to_owned(),
            last.map_or_else(String::new, |run| run.run.to_string()),
            last.map_or_else(String::new, |run| quantity::moment(run.started_at)),
            last.map_or_else(String::new, |run| {
                quantity::count(run.streams.iter().map(|s| s.read).sum())
            }),
            status.next.clone(),
        ]);
        if let Some(reason) = last.and_then(view::reason) {
            table.below(reason);
        }
        for change in status.waiting.iter().flat_map(|waiting| &waiting.changes) {
            for line in change.lines() {
                table.below(text::printable(&line));
            }
        }
    }
    table.render(0)
}
