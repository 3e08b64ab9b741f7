//! States, their history and runs, for people and for programs.

use std::collections::HashMap;

use crossdock_core::checkpoint::{Lane, LaneState, StateKind};
use crossdock_core::store::{HistoryEntry, Resume, RunRecord};
use crossdock_core::{Json, StreamId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::quantity;
use crate::summary;
use crate::table::{Side, Table};
use crate::text;

/// So many runs are shown.
pub(super) const RUNS: usize = 5;
/// A state is cut after so many characters; `export` prints it whole.
const LONGEST: usize = 100;

/// A lane's state as data. The state's digits stay as they are.
#[derive(Serialize)]
struct StateData<'a> {
    /// Absent for the whole source.
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    kind: StateKind,
    state: &'a Json,
}

/// All that is shown of a pipeline.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    pipeline: &'a str,
    states: Vec<StateData<'a>>,
    generations: Vec<GenerationData<'a>>,
    runs: Vec<Value>,
}

#[derive(Serialize)]
struct GenerationData<'a> {
    stream: &'a StreamId,
    generation: i64,
    complete: bool,
}

/// A change of a lane's state as data.
#[derive(Serialize)]
pub(super) struct Change<'a> {
    version: i64,
    committed_at: i64,
    run: Option<i64>,
    lane: String,
    state: Option<StateData<'a>>,
}

fn state_data(state: &LaneState) -> StateData<'_> {
    let stream = match &state.lane {
        Lane::Stream(stream) => Some(stream),
        Lane::Global => None,
    };
    StateData {
        stream: stream.map(|stream| &*stream.name),
        namespace: stream.and_then(|stream| stream.namespace.as_deref()),
        kind: state.kind,
        state: &state.state,
    }
}

/// Only what concerns one stream. A state of the whole source concerns every stream.
pub(super) fn keep(resume: &mut Resume, stream: &StreamId) {
    resume.states.retain(|state| state.lane.covers(stream));
    resume
        .generations
        .retain(|generation| generation.stream == *stream);
}

/// The names of pipelines.
pub(super) fn pipelines(pipelines: &[String]) -> String {
    if pipelines.is_empty() {
        return "no pipeline has run yet\n".to_owned();
    }
    let lines = pipelines.iter().map(|name| text::printable(name) + "\n");
    lines.collect()
}

pub(super) fn shown_data<'a>(
    pipeline: &'a str,
    resume: &'a Resume,
    runs: &'a [RunRecord],
) -> Shown<'a> {
    Shown {
        pipeline,
        states: resume.states.iter().map(state_data).collect(),
        generations: resume
            .generations
            .iter()
            .map(|of| GenerationData {
                stream: &of.stream,
                generation: of.generation,
                complete: of.complete,
            })
            .collect(),
        runs: runs.iter().map(|run| run_data(run).into()).collect(),
    }
}

/// A run, with the keys of a summary.
pub(in crate::command) fn run_data(run: &RunRecord) -> Map<String, Value> {
    let known = run.statistics.as_ref();
    let of: HashMap<_, _> = known
        .map_or(&[][..], |all| &all.streams)
        .iter()
        .map(|one| (&one.stream, &one.of))
        .collect();
    let streams = run.streams.iter().map(|counts| {
        let mut data = summary::counts(counts);
        let of = of.get(&counts.stream).map(|of| summary::statistics(of));
        data.insert("statistics".to_owned(), of.into());
        Value::from(data)
    });
    let data = json!({
        "run": run.run,
        "kind": run.kind.as_str(),
        "status": run.status.as_str(),
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "error_code": run.error_code,
        "error_message": run.error_message,
        "error_kind": run.error_kind,
        "statistics": known.map(|all| summary::statistics(&all.total)),
        "streams": streams.collect::<Vec<_>>(),
    });
    match data {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Why a run failed, for a line in a list.
pub(in crate::command) fn reason(run: &RunRecord) -> Option<String> {
    let message = run.error_message.as_deref()?;
    let code = run.error_code.as_deref().unwrap_or("error");
    Some(format!("{} [{code}]", text::shortened(message, LONGEST)))
}

/// A pipeline's states and last runs.
pub(super) fn shown(pipeline: &str, resume: &Resume, runs: &[RunRecord]) -> String {
    let mut text = format!("{}\n\n", text::printable(pipeline));
    if resume.states.is_empty() {
        text += "  no state: the next run begins at the beginning\n";
    } else {
        let mut table = Table::new([("stream", Side::Left), ("state", Side::Left)]);
        for state in &resume.states {
            table.row([state.lane.to_string(), shortened(&state.state)]);
        }
        text += &table.render(2);
    }
    if runs.is_empty() {
        return text;
    }
    text += "\nlast runs\n\n";
    let mut table = Table::new([
        ("run", Side::Right),
        ("started", Side::Left),
        ("status", Side::Left),
        ("records", Side::Right),
        ("checkpoints", Side::Right),
    ]);
    for run in runs {
        let sum = |of: fn(&crossdock_core::store::StreamCounts) -> u64| {
            quantity::count(run.streams.iter().map(of).sum())
        };
        table.row([
            run.run.to_string(),
            quantity::moment(run.started_at),
            run.status.as_str().to_owned(),
            sum(|s| s.read),
            sum(|s| s.checkpoints),
        ]);
        if let Some(reason) = reason(run) {
            table.below(reason);
        }
    }
    text + &table.render(2)
}

pub(super) fn history_data(entries: &[HistoryEntry]) -> Vec<Change<'_>> {
    entries
        .iter()
        .map(|entry| Change {
            version: entry.version,
            committed_at: entry.committed_at,
            run: entry.run,
            lane: entry.lane.to_string(),
            state: entry.state.as_ref().map(state_data),
        })
        .collect()
}

/// Earlier states, newest first.
pub(super) fn history(entries: &[HistoryEntry]) -> String {
    if entries.is_empty() {
        return "no state was ever committed\n".to_owned();
    }
    let mut table = Table::new([
        ("version", Side::Right),
        ("committed", Side::Left),
        ("by", Side::Left),
        ("stream", Side::Left),
        ("state", Side::Left),
    ]);
    for entry in entries {
        table.row([
            entry.version.to_string(),
            quantity::moment(entry.committed_at),
            entry
                .run
                .map_or_else(|| "hand".to_owned(), |run| format!("run {run}")),
            entry.lane.to_string(),
            entry
                .state
                .as_ref()
                .map_or_else(|| "(reset)".to_owned(), |state| shortened(&state.state)),
        ]);
    }
    table.render(0)
}

fn shortened(state: &Json) -> String {
    text::shortened(&state.to_string(), LONGEST)
}
