//! `crossdock quickstart`: the main job on an embedded default.
//!
//! It writes a pipeline file and then does nothing but what a user would do with it, so the file is
//! the equivalent by construction.

mod guide;
mod layout;

use std::path::Path;
use std::time::Instant;

use crossdock_config::{ConnectorConfig, Pipeline, ProcessEnvironment, Protocol, load};
use crossdock_control::command::Ask;
use crossdock_core::spec::Checked;
use crossdock_core::{Error, code};
use serde_json::json;

use super::{check, pipeline};
use crate::answer::Answer;
use crate::args::{Quickstart, QuickstartSource};
use crate::context::Context;
use crate::quantity;
use layout::Layout;

/// Sets up, runs, and says what to type next.
pub(super) async fn execute(args: Quickstart, context: &Context) -> Result<Answer, Error> {
    let faker = Layout::new(&args.dir, QuickstartSource::Faker);
    let sample = Layout::new(&args.dir, QuickstartSource::Sample);
    match args.source {
        Some(QuickstartSource::Faker) => run(&faker, None, context).await,
        Some(QuickstartSource::Sample) => run(&sample, None, context).await,
        None => match run(&faker, None, context).await {
            Err(error) if is_out_of_reach(&error) => {
                context.screen.clear();
                context.printer.warning(&error);
                let instead =
                    "going on with the built-in sample source instead of a real connector";
                context.printer.talk(&format!("\n{instead}\n"));
                run(&sample, Some(&error), context).await
            }
            done => done,
        },
    }
}

/// Whether the connector cannot be had here: no Python, no network, no place to install it.
fn is_out_of_reach(error: &Error) -> bool {
    let out_of_reach = [
        &code::PYTHON_NOT_FOUND,
        &code::PYTHON_INSTALL,
        &code::LAUNCH_FAILED,
        &code::PROGRAM_NOT_FOUND,
    ];
    out_of_reach.contains(&error.code())
}

async fn run(
    layout: &Layout,
    instead_of: Option<&Error>,
    context: &Context,
) -> Result<Answer, Error> {
    let written = layout.write()?;
    let plan = load(&layout.file, &ProcessEnvironment)?;
    let Some(pipeline) = plan.pipelines.first() else {
        return Err(Error::new(&code::INTERNAL, "a plan without a pipeline"));
    };
    if instead_of.is_none() {
        guide::heading(context);
    }
    guide::opening(layout, written, pipeline, context);
    prepare(pipeline, context).await?;
    let store_path = context.store_path(plan.settings.store.as_deref());
    let store = context.store(Some(&store_path))?;
    let again = !store.resume(&pipeline.id).await?.states.is_empty();
    let around = context.surroundings(store, &store_path);
    context.printer.talk("");
    let finished = pipeline::run(pipeline, &around, context).await;
    if finished.error.is_none() {
        guide::ending(
            layout,
            pipeline,
            &store_path,
            again.then_some(finished.records),
            context,
        );
    }
    let data = json!({
        "source": pipeline.sources[0].reference.to_string(),
        "instead_of": instead_of.map(crate::envelope::error_value),
        "file": layout.file,
        "data": layout.data,
        "store": store_path,
        "incremental": again,
        "pipeline": finished.data,
    });
    Ok(Answer::new(&data, "")?.failed(finished.error))
}

/// The steps that a user of a new connector takes before the first run, one by one.
async fn prepare(pipeline: &Pipeline, context: &Context) -> Result<(), Error> {
    let ask = context.ask(pipeline.settings.clone());
    let reference = &pipeline.sources[0].reference;
    let config = || source_config(pipeline);
    let step = Step { context };

    let begin = Instant::now();
    let spec = crossdock_control::command::spec(reference, None, &ask);
    context.unless_cancelled(Box::pin(spec)).await?;
    let how = match reference.protocol {
        Protocol::Native => "built in",
        _ => "installed",
    };
    step.done(how, &reference.to_string(), begin);

    let begin = Instant::now();
    context
        .unless_cancelled(Box::pin(checked(pipeline, config(), &ask)))
        .await?;
    step.done("checked", "its configuration works", begin);

    let begin = Instant::now();
    let discover = crossdock_control::command::discover(reference, config(), &ask);
    let catalog = context.unless_cancelled(Box::pin(discover)).await?;
    let names: Vec<&str> = catalog.streams.iter().map(|s| s.name.as_str()).collect();
    let number = quantity::of(u64::try_from(names.len()).unwrap_or(u64::MAX), "stream");
    step.done(
        "discovered",
        &format!("{number}: {}", names.join(", ")),
        begin,
    );
    Ok(())
}

async fn checked(pipeline: &Pipeline, config: ConnectorConfig, ask: &Ask) -> Result<(), Error> {
    let reference = &pipeline.sources[0].reference;
    match crossdock_control::command::check(reference, None, config, ask).await? {
        Checked::Succeeded => Ok(()),
        Checked::Failed(reason) => Err(check::failed(reference, reason)),
    }
}

/// The source's configuration as the questions take it.
fn source_config(pipeline: &Pipeline) -> ConnectorConfig {
    let mut config = ConnectorConfig::from(pipeline.sources[0].config.clone());
    config
        .references
        .clone_from(&pipeline.sources[0].references);
    config.secrets.clone_from(&pipeline.sources[0].secrets);
    config.at.clone_from(&pipeline.sources[0].at);
    config
}

struct Step<'a> {
    context: &'a Context,
}

impl Step<'_> {
    fn done(&self, what: &str, detail: &str, begin: Instant) {
        self.context.screen.clear();
        let printer = &self.context.printer;
        let palette = printer.palette();
        let took = palette.dim(&format!("({})", quantity::duration(begin.elapsed())));
        let word = palette.success(&format!("{what:>10}"));
        printer.talk(&format!("{word}  {detail} {took}"));
    }
}

/// A path as people type it.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
