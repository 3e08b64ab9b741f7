//! `crossdock runs`: what ran, and how it ended.

use std::time::Duration;

use crossdock_control::state;
use crossdock_core::statistics::Statistics;
use crossdock_core::store::{RunKind, RunRecord};
use crossdock_core::{Error, code};
use serde_json::Value;

use super::state::view;
use crate::answer::Answer;
use crate::args::{Runs, RunsCommand};
use crate::context::Context;
use crate::quantity;
use crate::table::{Side, Table};
use crate::text;

/// Lists the runs, or shows one.
pub(super) async fn execute(args: Runs, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    if let Some(RunsCommand::Show { run }) = args.command {
        let record = store.run(run).await?.ok_or_else(|| unknown(run))?;
        return Answer::new(&data(&record), shown(&record));
    }
    if let Some(pipeline) = &args.pipeline {
        state::known(&*store, pipeline).await?;
    }
    let runs = store.runs(args.pipeline.as_deref(), args.limit).await?;
    let all: Vec<Value> = runs.iter().map(data).collect();
    Answer::new(&all, list(&runs))
}

pub(super) fn unknown(run: i64) -> Error {
    Error::new(&code::RUN_UNKNOWN, format!("there is no run {run}"))
}

fn data(run: &RunRecord) -> Value {
    let mut data = view::run_data(run);
    data.shift_insert(1, "pipeline".to_owned(), run.pipeline.as_str().into());
    data.into()
}

/// How it went, and what for if that is not what runs are mostly for.
fn status(run: &RunRecord) -> String {
    match run.kind {
        RunKind::Sync => run.status.as_str().to_owned(),
        RunKind::Clear => format!("{} ({})", run.status.as_str(), run.kind.as_str()),
    }
}

fn took(run: &RunRecord) -> String {
    let milliseconds = run.ended_at.map(|end| end - run.started_at);
    let milliseconds = milliseconds.and_then(|ms| u64::try_from(ms).ok());
    milliseconds.map_or_else(String::new, |ms| {
        quantity::duration(Duration::from_millis(ms))
    })
}

fn list(runs: &[RunRecord]) -> String {
    if runs.is_empty() {
        return "nothing has run yet\n".to_owned();
    }
    let mut table = Table::new([
        ("run", Side::Right),
        ("pipeline", Side::Left),
        ("started", Side::Left),
        ("took", Side::Right),
        ("status", Side::Left),
        ("records", Side::Right),
    ]);
    for run in runs {
        table.row([
            run.run.to_string(),
            run.pipeline.clone(),
            quantity::moment(run.started_at),
            took(run),
            status(run),
            quantity::count(run.streams.iter().map(|s| s.read).sum()),
        ]);
        if let Some(reason) = view::reason(run) {
            table.below(reason);
        }
    }
    table.render(0)
}

fn shown(run: &RunRecord) -> String {
    let mut out = format!("run {} of {}\n\n", run.run, text::printable(&run.pipeline));
    let mut line = |name: &str, value: String| out += &format!("  {name:<9}{value}\n");
    line("status", status(run));
    line("started", quantity::moment(run.started_at));
    if let Some(end) = run.ended_at {
        line(
            "ended",
            format!("{} ({})", quantity::moment(end), took(run)),
        );
    }
    if let Some(message) = &run.error_message {
        let code = run.error_code.as_deref().unwrap_or("error");
        line(
            "reason",
            format!("{} [{code}]", text::indented(message, 11)),
        );
    }
    if run.streams.is_empty() {
        return out;
    }
    let mut table = Table::new([
        ("stream", Side::Left),
        ("read", Side::Right),
        ("bytes", Side::Right),
        ("written", Side::Right),
        ("filtered", Side::Right),
        ("dead letters", Side::Right),
        ("rejected", Side::Right),
        ("dropped", Side::Right),
        ("committed", Side::Right),
        ("checkpoints", Side::Right),
    ]);
    for stream in &run.streams {
        table.row([
            stream.stream.to_string(),
            quantity::count(stream.read),
            quantity::bytes(stream.bytes),
            quantity::count(stream.written),
            quantity::count(stream.filtered),
            quantity::count(stream.dead_lettered),
            quantity::count(stream.rejected),
            quantity::count(stream.dropped),
            quantity::count(stream.committed),
            quantity::count(stream.checkpoints),
        ]);
    }
    out.push('\n');
    out += &table.render(2);
    if let Some(all) = &run.statistics {
        out += &statistics(&all.total);
    }
    out
}

/// How far estimates and states went, in a few lines.
fn statistics(of: &Statistics) -> String {
    let mut lines = Vec::new();
    let estimated = [
        of.estimated_records
            .map(|number| quantity::of(number, "record")),
        of.estimated_bytes.map(quantity::bytes),
    ];
    let estimated: Vec<_> = estimated.into_iter().flatten().collect();
    if !estimated.is_empty() {
        lines.push(format!("expected: {}", estimated.join(", ")));
    }
    lines.push(format!(
        "committed: {}",
        quantity::bytes(of.committed_bytes)
    ));
    let seconds = |of: Option<f64>| {
        of.map(|seconds| quantity::duration(Duration::from_secs_f64(seconds.max(0.0))))
    };
    let mut states = format!(
        "states: {} from the source",
        quantity::count(of.source_states)
    );
    if let (Some(max), Some(mean)) = (
        seconds(of.between_states.max_seconds()),
        seconds(of.between_states.mean_seconds()),
    ) {
        states += &format!(", {mean} from one to the next and at most {max}");
    }
    if let (Some(max), Some(mean)) = (
        seconds(of.until_committed.max_seconds()),
        seconds(of.until_committed.mean_seconds()),
    ) {
        states += &format!("; {mean} until one was committed and at most {max}");
    }
    lines.push(states);
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| format!("  {line}\n"))
        .collect();
    format!("\n{}", lines.concat())
}
