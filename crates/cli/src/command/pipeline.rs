//! One pipeline, run and told.

use crossdock_config::{ConnectorRef, Pipeline, Protocol};
use crossdock_control::notification::{Told, messages};
use crossdock_control::refresh::Named;
use crossdock_control::{Summary, Surroundings};
use crossdock_core::clock::{Clock as _, SystemClock};
use crossdock_core::{Error, code};
use serde_json::Value;

use crate::context::Context;
use crate::notification;
use crate::summary;

/// How a pipeline ended.
pub(super) struct Finished {
    /// For the envelope.
    pub(super) data: Value,
    /// What failed.
    pub(super) error: Option<Error>,
    /// Records read in all.
    pub(super) records: u64,
}

/// Runs a pipeline and shows its summary.
pub(super) async fn run(pipeline: &Pipeline, around: &Surroundings, context: &Context) -> Finished {
    let began = SystemClock.now_ms();
    let done = crossdock_control::run(pipeline, around).await;
    told(pipeline, done, began, context).await
}

/// Empties streams of a pipeline and shows the summary.
pub(super) async fn clear(
    pipeline: &Pipeline,
    named: &[Named],
    around: &Surroundings,
    context: &Context,
) -> Finished {
    let began = SystemClock.now_ms();
    let done = crossdock_control::clear(pipeline, named, around).await;
    told(pipeline, done, began, context).await
}

/// Tells how a run ended: on the screen, and to the webhooks that want to hear of it.
async fn told(
    pipeline: &Pipeline,
    done: Result<Summary, Error>,
    started_at: i64,
    context: &Context,
) -> Finished {
    context.screen.clear();
    let finished_at = SystemClock.now_ms();
    let (summary, error) = match &done {
        Ok(summary) => (Some(summary), summary.error.as_ref()),
        Err(error) => (None, Some(error)),
    };
    let messages = messages(&Told {
        pipeline,
        summary,
        error,
        started_at,
        finished_at,
    });
    let finished = match done {
        Ok(summary) => {
            let mut finished = tell(summary, context);
            finished.error = finished.error.map(|error| named(error, &pipeline.id));
            finished
        }
        Err(error) => {
            let printer = &context.printer;
            let word = printer.palette().error("failed");
            printer.talk(&format!("{} {word} before the first record", pipeline.id));
            Finished {
                data: summary::failed_data(&pipeline.id, &error),
                error: Some(named(error, &pipeline.id)),
                records: 0,
            }
        }
    };
    // Whoever watches does not wait for it.
    notification::send(&messages, &pipeline.id, context).await;
    finished
}

/// Shows a summary.
fn tell(mut summary: Summary, context: &Context) -> Finished {
    let printer = &context.printer;
    printer.talk(&summary::text(&summary, printer.palette()));
    let data = summary::data(&summary);
    let error = summary.error.take().or_else(|| {
        let message = "the run was cancelled before its end; what it committed stays";
        summary
            .cancelled
            .then(|| Error::new(&code::CANCELLED, message))
    });
    Finished {
        data,
        error,
        records: summary.records(),
    }
}

fn named(error: Error, pipeline: &str) -> Error {
    if error.context().iter().any(|(key, _)| *key == "pipeline") {
        return error;
    }
    error.with("pipeline", pipeline)
}

/// Shows the summary of a run from or to a pipe, which has no pipeline and tells its warnings only
/// at the end.
pub(super) fn tell_pipe(
    mut summary: Summary,
    reference: &ConnectorRef,
    context: &Context,
) -> Finished {
    for warning in &summary.warnings {
        context.printer.warning(warning);
    }
    summary.pipeline = reference.to_string();
    tell(summary, context)
}

/// Whether the pipeline's records go to standard output, where an envelope would be taken for one.
pub(super) fn prints_records(pipeline: &Pipeline) -> bool {
    pipeline.destinations.iter().any(|destination| {
        destination.reference.protocol == Protocol::Native && destination.reference.what == "stdout"
    })
}
