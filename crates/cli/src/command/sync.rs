//! `crossdock sync`.

use crossdock_config::{ConnectorRef, Plan, Settings, StreamSelection};
use crossdock_core::{Error, code};

use super::pipeline;
use crate::answer::Answer;
use crate::args::Sync;
use crate::context::{self, Context};

/// Moves data without a pipeline file. The state is kept all the same.
pub(super) async fn execute(args: Sync, context: &Context) -> Result<Answer, Error> {
    let plan = plan(args)?;
    let around = context.surroundings(context.store(None)?, &context.store_path(None));
    let [pipeline] = plan.pipelines.as_slice() else {
        return Err(Error::new(
            &code::INTERNAL,
            "an ad hoc plan has one pipeline",
        ));
    };
    let finished = pipeline::run(pipeline, &around, context).await;
    let answer = Answer::new(&finished.data, "")?.failed(finished.error);
    Ok(if pipeline::prints_records(pipeline) {
        answer.after_records()
    } else {
        answer
    })
}

fn plan(args: Sync) -> Result<Plan, Error> {
    let source: ConnectorRef = args.source.parse()?;
    let destination: ConnectorRef = args.destination.parse()?;
    let source_config = context::config(args.source_config.as_deref(), "--source-config")?;
    let destination_config =
        context::config(args.destination_config.as_deref(), "--destination-config")?;
    let mut names = args.stream;
    // A mode is said of streams, so without names of all.
    if names.is_empty() && (args.sync_mode.is_some() || args.destination_sync_mode.is_some()) {
        names.push("*".to_owned());
    }
    let streams = names.into_iter().map(|name| StreamSelection {
        sync_mode: args.sync_mode.map(Into::into),
        destination_sync_mode: args.destination_sync_mode.map(Into::into),
        ..StreamSelection::named(name)
    });
    let mut settings = Settings::default();
    if args.no_retry {
        settings.retries.complete_failures = 1;
        settings.retries.partial_failures = 1;
    }
    let mut plan = Plan::adhoc(
        source,
        source_config,
        destination,
        destination_config,
        streams.collect(),
        settings,
    );
    if let Some(name) = args.name {
        for pipeline in &mut plan.pipelines {
            pipeline.id.clone_from(&name);
        }
    }
    Ok(plan)
}
