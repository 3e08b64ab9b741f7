//! `crossdock run`.

use std::sync::Arc;
use std::time::Duration;

use crossdock_config::{Pipeline, ProcessEnvironment, load, nearest};
use crossdock_core::{Error, code};
use serde_json::json;

use super::pipeline;
use crate::answer::Answer;
use crate::args::Run;
use crate::context::Context;
use crate::metrics::Metered;
use crate::text;

/// Runs the pipelines of a file: ours one after another, Conduit's at the same time, since most of them
/// have no end. One that fails does not keep the others from running.
pub(super) async fn execute(args: Run, context: &Context) -> Result<Answer, Error> {
    let mut plan = load(&args.file, &ProcessEnvironment)?;
    context.warn(&plan);
    let idle = args.until_idle.as_deref().map(until_idle).transpose()?;
    for pipeline in &mut plan.pipelines {
        let settings = &mut pipeline.settings;
        settings.until_idle = idle.or(settings.until_idle);
        settings.max_records = args.max_records.map(Into::into).or(settings.max_records);
    }
    let store_path = plan.settings.store.clone();
    let chosen = choose(plan.pipelines, &args.pipeline)
        .map_err(|error| error.with("file", args.file.display()))?;
    let store = context.store(store_path.as_deref())?;
    let mut around = context.surroundings(store, &context.store_path(store_path.as_deref()));
    if let Some(port) = args.metrics_port {
        around.ui = Arc::new(Metered::serve(around.ui, port).await?);
    }
    for pipeline in &chosen {
        if let Some(schedule) = &pipeline.schedule {
            let id = text::printable(&pipeline.id);
            let schedule = text::printable(schedule);
            context.printer.talk(&format!(
                "{id}: this is one run; the schedule `{schedule}` is for whoever starts it"
            ));
        }
    }
    let mut all = Vec::new();
    if plan.at_once {
        let runs = chosen
            .iter()
            .map(|pipeline| pipeline::run(pipeline, &around, context));
        all = futures::future::join_all(runs).await;
    } else {
        for (at, pipeline) in chosen.iter().enumerate() {
            if context.is_cancelled() {
                break;
            }
            if at > 0 {
                context.printer.talk("");
            }
            all.push(pipeline::run(pipeline, &around, context).await);
        }
    }
    let (mut data, mut errors) = (Vec::new(), Vec::new());
    for finished in all {
        data.push(finished.data);
        errors.extend(finished.error);
    }
    let answer = Answer::new(&json!({"pipelines": data}), "")?.failed(errors);
    Ok(if chosen.iter().any(pipeline::prints_records) {
        answer.after_records()
    } else {
        answer
    })
}

fn until_idle(text: &str) -> Result<Duration, Error> {
    crossdock_config::duration(text).map_err(|why| {
        let error = Error::new(
            &code::USAGE,
            format!("`--until-idle {text}`: the duration cannot be read"),
        );
        error.hint(why)
    })
}

/// The pipelines that were asked for, in the file's order.
pub(super) fn choose(pipelines: Vec<Pipeline>, wanted: &[String]) -> Result<Vec<Pipeline>, Error> {
    for id in wanted {
        if !pipelines.iter().any(|pipeline| pipeline.id == *id) {
            let ids: Vec<&str> = pipelines.iter().map(|p| p.id.as_str()).collect();
            return Err(unknown(id, &ids));
        }
    }
    if wanted.is_empty() {
        let runs = |pipeline: &Pipeline| !pipeline.is_stopped;
        let (running, stopped): (Vec<_>, Vec<_>) = pipelines.into_iter().partition(runs);
        if running.is_empty() {
            let id = stopped
                .first()
                .map(|pipeline| pipeline.id.as_str())
                .unwrap_or_default();
            let error = Error::new(&code::USAGE, "every pipeline of the file is stopped");
            return Err(error.hint(format!("`--pipeline {id}` runs one all the same")));
        }
        return Ok(running);
    }
    Ok(pipelines
        .into_iter()
        .filter(|pipeline| wanted.contains(&pipeline.id))
        .collect())
}

fn unknown(id: &str, ids: &[&str]) -> Error {
    let message = format!("the file has no pipeline `{id}`");
    Error::new(&code::USAGE, message).hint(match nearest(id, ids.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the file has `{}`", ids.join("`, `")),
    })
}
