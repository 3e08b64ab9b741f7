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

/// Runs the pipelines of a file, one after another. One that fails does not keep the next from
/// running.
pub(super) async fn execute(args: Run, context: &Context) -> Result<Answer, Error> {
    let mut plan = load(&args.file, &ProcessEnvironment)?;
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
    let (mut data, mut errors) = (Vec::new(), Vec::new());
    for (at, pipeline) in chosen.iter().enumerate() {
        if context.is_cancelled() {
            break;
        }
        if at > 0 {
            context.printer.talk("");
        }
        let finished = pipeline::run(pipeline, &around, context).await;
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
        return Ok(pipelines);
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
