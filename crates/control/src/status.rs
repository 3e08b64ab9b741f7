//! What a pipeline shows of itself (Airbyte §3.5): one word for how it stands, and what to do next.

use std::collections::HashSet;

use crossdock_core::code;
use crossdock_core::error::{ErrorKind, Result};
use crossdock_core::store::{Refresh, RunKind, RunRecord, RunStatus, Store};
use crossdock_core::stream::StreamId;

use crate::acceptance::{self, Waiting};

/// How many of the newest runs are looked through for one that went well.
const LOOKED_THROUGH: usize = 100;

/// How a pipeline stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A run goes on.
    Running,
    /// It needs a person: to try again cannot help.
    Failed,
    /// It is not to run: changes of the source wait for somebody, or its file says that it is stopped.
    Paused,
    /// There is nothing of it at the destinations yet.
    Pending,
    /// The last run failed or was cancelled; the next goes on from there.
    Incomplete,
    /// The last run went well.
    Synced,
}

impl Condition {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Paused => "paused",
            Self::Pending => "pending",
            Self::Incomplete => "incomplete",
            Self::Synced => "synced",
        }
    }
}

/// What a pipeline shows.
#[derive(Clone, Debug)]
pub struct PipelineStatus {
    /// The pipeline.
    pub pipeline: String,
    /// How it stands.
    pub condition: Condition,
    /// Its newest run.
    pub last: Option<RunRecord>,
    /// When the last sync that went well ended, ms since the epoch.
    pub synced_at: Option<i64>,
    /// Changes of the source that wait to be accepted.
    pub waiting: Option<Waiting>,
    /// The streams that the next run reads anew.
    pub refreshes: Vec<Refresh>,
    /// What to do next, in words.
    pub next: String,
}

/// Looks at a pipeline. `is_stopped`: its file says that it is not to run unless it is asked for.
pub async fn of(store: &dyn Store, pipeline: &str, is_stopped: bool) -> Result<PipelineStatus> {
    let runs = store.runs(Some(pipeline), LOOKED_THROUGH).await?;
    let went_well =
        |run: &&RunRecord| run.kind == RunKind::Sync && run.status == RunStatus::Succeeded;
    let synced_at = runs.iter().find(went_well).and_then(|run| run.ended_at);
    let last = runs.into_iter().next();
    let goes_on = last
        .as_ref()
        .is_some_and(|run| run.status == RunStatus::Running);
    let facts = Facts {
        is_held: goes_on && store.is_held(pipeline).await?,
        waiting: acceptance::waiting(store, pipeline).await?,
        last,
        is_stopped,
    };
    let catalog = store.catalog(pipeline).await?.unwrap_or_default();
    let moved: HashSet<StreamId> = catalog.streams.iter().map(|stream| stream.id()).collect();
    let mut refreshes = store.resume(pipeline).await?.refreshes;
    // A stream that is not moved any more may have been named all the same.
    refreshes.retain(|refresh| moved.contains(&refresh.stream));
    let condition = condition(&facts);
    Ok(PipelineStatus {
        pipeline: pipeline.to_owned(),
        condition,
        next: next(pipeline, condition, &facts, refreshes.len()),
        last: facts.last,
        synced_at,
        waiting: facts.waiting,
        refreshes,
    })
}

/// What is known of a pipeline.
#[derive(Clone, Debug, Default)]
struct Facts {
    last: Option<RunRecord>,
    /// The process of its last run lives.
    is_held: bool,
    waiting: Option<Waiting>,
    is_stopped: bool,
}

/// The first line of the table of §3.5 that fits. There is no queue here.
fn condition(facts: &Facts) -> Condition {
    let is_paused = facts.waiting.as_ref().is_some_and(|waiting| waiting.pauses);
    let Some(last) = &facts.last else {
        return if facts.is_stopped {
            Condition::Paused
        } else {
            Condition::Pending
        };
    };
    match last.status {
        RunStatus::Running if facts.is_held => Condition::Running,
        _ if is_paused => Condition::Paused,
        RunStatus::Failed if is_accepted(last) => Condition::Pending,
        RunStatus::Failed if needs_person(last) => Condition::Failed,
        _ if facts.is_stopped => Condition::Paused,
        RunStatus::Cancelled => Condition::Incomplete,
        RunStatus::Succeeded if last.kind == RunKind::Clear => Condition::Pending,
        // One whose process died before it could say how it went.
        RunStatus::Failed | RunStatus::Running => Condition::Incomplete,
        RunStatus::Succeeded => Condition::Synced,
    }
}

/// What ended the run waits no more: somebody has accepted it.
fn is_accepted(run: &RunRecord) -> bool {
    run.error_code.as_deref() == Some(code::SCHEMA_CHANGED.name)
}

/// Whether another try cannot help (§3.8).
fn needs_person(run: &RunRecord) -> bool {
    let kinds = [ErrorKind::Config, ErrorKind::Auth];
    match &run.error_kind {
        Some(kind) => kinds.iter().any(|one| one.as_str() == kind),
        // An older Crossdock did not write it down.
        None => code_of(run).is_some_and(|code| kinds.contains(&code.kind)),
    }
}

fn code_of(run: &RunRecord) -> Option<&'static code::Code> {
    let name = run.error_code.as_deref()?;
    code::ALL.iter().copied().find(|code| code.name == name)
}

fn next(pipeline: &str, condition: Condition, facts: &Facts, refreshes: usize) -> String {
    let mut next = match condition {
        Condition::Running => {
            let run = facts.last.as_ref().map_or(0, |run| run.run);
            format!("wait for run {run}")
        }
        Condition::Paused if facts.waiting.as_ref().is_some_and(|waiting| waiting.pauses) => {
            format!("look at the changes; `crossdock accept {pipeline}` takes them")
        }
        Condition::Paused => format!(
            "its file says that it is stopped; `run --pipeline {pipeline}` runs it all the same"
        ),
        Condition::Failed => {
            let remedy = facts
                .last
                .as_ref()
                .and_then(code_of)
                .map(|code| code.remedy);
            format!("{}; then run it again", remedy.unwrap_or("see the reason"))
        }
        Condition::Pending => "run it".to_owned(),
        Condition::Incomplete => {
            "run it again: it goes on from the last committed checkpoint".to_owned()
        }
        Condition::Synced if refreshes > 0 => "run it".to_owned(),
        Condition::Synced => "nothing; the next run reads what is new".to_owned(),
    };
    if refreshes > 0 && condition != Condition::Running {
        let what = if refreshes == 1 { "stream" } else { "streams" };
        next += &format!("; {refreshes} {what} will be read anew");
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: RunStatus) -> RunRecord {
        RunRecord {
            run: 7,
            kind: RunKind::Sync,
            pipeline: "p".into(),
            epoch: 1,
            started_at: 1,
            ended_at: Some(2),
            status,
            error_code: None,
            error_message: None,
            error_kind: None,
            streams: Vec::new(),
            statistics: None,
        }
    }

    fn failed(code: &str, kind: Option<&str>) -> RunRecord {
        RunRecord {
            error_code: Some(code.into()),
            error_kind: kind.map(Into::into),
            ..run(RunStatus::Failed)
        }
    }

    fn waiting(pauses: bool) -> Option<Waiting> {
        Some(Waiting {
            run: 7,
            at: 1,
            pauses,
            changes: Vec::new(),
        })
    }

    /// `next`: a part of the words.
    fn check(facts: &Facts, expected: Condition, words: &str) {
        let found = condition(facts);
        assert_eq!(found, expected, "{facts:?}");
        let next = next("p", found, facts, 0);
        assert!(next.contains(words), "{next}");
    }

    #[test]
    fn the_table_of_what_a_pipeline_shows() {
        use RunStatus::{Cancelled, Failed, Running, Succeeded};
        let of = |last: RunRecord| Facts {
            last: Some(last),
            ..Facts::default()
        };
        check(&Facts::default(), Condition::Pending, "run it");
        let held = Facts {
            is_held: true,
            ..of(run(Running))
        };
        check(&held, Condition::Running, "wait for run 7");
        // Whatever else is true of it.
        let held = Facts {
            waiting: waiting(true),
            is_stopped: true,
            ..held
        };
        check(&held, Condition::Running, "wait");
        check(&of(run(Running)), Condition::Incomplete, "run it again");
        check(&of(run(Succeeded)), Condition::Synced, "nothing");
        check(&of(run(Cancelled)), Condition::Incomplete, "run it again");
        check(
            &of(failed("connector.exit", Some("connector"))),
            Condition::Incomplete,
            "again",
        );
        check(
            &of(failed("run.interrupted", None)),
            Condition::Incomplete,
            "again",
        );
        // What the connector says of its failure counts more than the code.
        check(
            &of(failed("connector.failed", Some("config"))),
            Condition::Failed,
            "then run it again",
        );
        check(
            &of(failed("catalog.unknown_stream", None)),
            Condition::Failed,
            "crossdock discover",
        );
        check(
            &of(failed("store.corrupt", Some("auth"))),
            Condition::Failed,
            "again",
        );
        // Changes of the schema.
        let paused = Facts {
            waiting: waiting(true),
            ..of(failed("run.schema_changed", Some("config")))
        };
        check(&paused, Condition::Paused, "`crossdock accept p`");
        let accepted = Facts {
            waiting: None,
            ..paused
        };
        check(&accepted, Condition::Pending, "run it");
        let left_out = Facts {
            waiting: waiting(false),
            ..of(run(Succeeded))
        };
        check(&left_out, Condition::Synced, "nothing");
        // A pipeline that its file stops.
        for last in [None, Some(run(Succeeded)), Some(run(Cancelled))] {
            let stopped = Facts {
                last,
                is_stopped: true,
                ..Facts::default()
            };
            check(&stopped, Condition::Paused, "--pipeline p");
        }
        let clear = |status| RunRecord {
            kind: RunKind::Clear,
            ..run(status)
        };
        check(&of(clear(Succeeded)), Condition::Pending, "run it");
        check(&of(clear(Failed)), Condition::Incomplete, "again");
    }

    #[test]
    fn what_is_read_anew_is_told() {
        let facts = Facts {
            last: Some(run(RunStatus::Succeeded)),
            ..Facts::default()
        };
        assert!(next("p", Condition::Synced, &facts, 2).ends_with("2 streams will be read anew"));
        assert!(next("p", Condition::Synced, &facts, 1).ends_with("1 stream will be read anew"));
    }
}
