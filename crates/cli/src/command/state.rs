//! `crossdock state …`: what pipelines remember between runs.

pub(super) mod view;

use std::path::Path;

use crossdock_config::{Pipeline, ProcessEnvironment, load};
use crossdock_control::state;
use crossdock_core::{Error, StreamId, code};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::answer::Answer;
use crate::args::{Export, History, Import, Reset, Rollback, Show, State};
use crate::context::Context;
use crate::quantity;

/// Looks at states, or changes them.
pub(super) async fn execute(args: State, context: &Context) -> Result<Answer, Error> {
    match args {
        State::Show(args) => show(args, context).await,
        State::Export(args) => export(args, context).await,
        State::Import(args) => import(args, context).await,
        State::Reset(args) => reset(args, context).await,
        State::History(args) => history(args, context).await,
        State::Rollback(args) => rollback(args, context).await,
    }
}

async fn show(args: Show, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    let Some(pipeline) = args.pipeline else {
        let pipelines = store.pipelines().await?;
        return Answer::new(&pipelines, view::pipelines(&pipelines));
    };
    state::known(&*store, &pipeline).await?;
    let stream = stream_id(args.stream, args.namespace);
    let mut resume = store.resume(&pipeline).await?;
    if let Some(stream) = &stream {
        view::keep(&mut resume, stream);
        if resume.states.is_empty() {
            return Err(stateless(&pipeline, stream));
        }
    }
    let runs = store.runs(Some(&pipeline), view::RUNS).await?;
    let data = view::shown_data(&pipeline, &resume, &runs);
    Answer::new(&data, view::shown(&pipeline, &resume, &runs))
}

async fn export(args: Export, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    let states = match stream_id(args.stream, args.namespace) {
        Some(stream) => state::export_stream(&*store, &args.pipeline, &stream).await?,
        None => state::export(&*store, &args.pipeline).await?,
    };
    Answer::document(&states)
}

async fn import(args: Import, context: &Context) -> Result<Answer, Error> {
    let text = text_of(&args.file).await?;
    let store = context.store(None)?;
    let stream = stream_id(args.stream, args.namespace);
    let (states, what) = match &stream {
        Some(stream) => {
            state::import_stream(&*store, &args.pipeline, stream, &text).await?;
            (1, format!("the state of `{stream}`"))
        }
        None => {
            let states = state::import(&*store, &args.pipeline, &text).await?;
            let number = u64::try_from(states).unwrap_or(u64::MAX);
            (states, quantity::of(number, "state"))
        }
    };
    done(
        context,
        &format!("{what} imported into `{}`", args.pipeline),
    );
    let data = json!({"pipeline": args.pipeline, "states": states, "stream": stream});
    Answer::new(&data, "")
}

async fn reset(args: Reset, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    state::known(&*store, &args.pipeline).await?;
    let stream = stream_id(args.stream, args.namespace);
    // What is wrong with the file is told before anything is forgotten.
    let named = args.delete_connectors.as_deref();
    let pipeline = named
        .map(|file| in_file(file, &args.pipeline))
        .transpose()?;
    store.reset(&args.pipeline, stream.as_ref()).await?;
    if let Some(pipeline) = &pipeline {
        let around = context.surroundings(store.clone(), &context.store_path(None));
        crossdock_control::delete_connectors(pipeline, &around).await?;
    }
    let what = match &stream {
        Some(stream) => format!(
            "the state of `{stream}` in `{}` is forgotten: the next run reads it from the beginning",
            args.pipeline
        ),
        None => format!(
            "the state of `{}` is forgotten: the next run reads everything again",
            args.pipeline
        ),
    };
    done(context, &what);
    let hint = context.printer.palette().hint("hint:");
    context.printer.talk(&format!(
        "{hint} `crossdock state history {}` lists the states to which `rollback` can go back",
        args.pipeline
    ));
    Answer::new(&json!({"pipeline": args.pipeline, "stream": stream}), "")
}

/// The pipeline of this id in a file.
fn in_file(file: &Path, id: &str) -> Result<Pipeline, Error> {
    let plan = load(file, &ProcessEnvironment)?;
    let chosen = super::run::choose(plan.pipelines, &[id.to_owned()]);
    let chosen = chosen.map_err(|error| error.with("file", file.display()))?;
    let found = chosen.into_iter().next();
    found.ok_or_else(|| Error::new(&code::INTERNAL, "the pipeline is gone"))
}

async fn history(args: History, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    state::known(&*store, &args.pipeline).await?;
    let stream = stream_id(args.stream, args.namespace);
    let entries = store
        .history(&args.pipeline, stream.as_ref(), args.limit)
        .await?;
    if let (Some(stream), true) = (&stream, entries.is_empty() && args.limit > 0) {
        return Err(stateless(&args.pipeline, stream));
    }
    Answer::new(&view::history_data(&entries), view::history(&entries))
}

async fn rollback(args: Rollback, context: &Context) -> Result<Answer, Error> {
    let store = context.existing_store()?;
    state::known(&*store, &args.pipeline).await?;
    store.rollback(&args.pipeline, args.version).await?;
    done(
        context,
        &format!(
            "`{}` stands where version {} left it",
            args.pipeline, args.version
        ),
    );
    Answer::new(
        &json!({"pipeline": args.pipeline, "version": args.version}),
        "",
    )
}

fn done(context: &Context, what: &str) {
    let word = context.printer.palette().success("ok:");
    context.printer.talk(&format!("{word} {what}"));
}

fn stream_id(name: Option<String>, namespace: Option<String>) -> Option<StreamId> {
    let name = name?;
    Some(match namespace {
        Some(namespace) => StreamId::with_namespace(namespace, name),
        None => StreamId::new(name),
    })
}

fn stateless(pipeline: &str, stream: &StreamId) -> Error {
    Error::new(&code::STORED_STREAM_UNKNOWN, "the stream has no state")
        .with("pipeline", pipeline)
        .with("stream", stream)
}

/// A file's text; `-` is standard input. Read where waiting does not keep Ctrl-C from being heard.
pub(super) async fn text_of(path: &Path) -> Result<String, Error> {
    let unreadable = |cause: std::io::Error| {
        Error::new(&code::CONFIG_UNREADABLE, "the file cannot be read")
            .with("file", path.display())
            .caused_by(cause)
    };
    if path == Path::new("-") {
        let mut text = String::new();
        let read = tokio::io::stdin().read_to_string(&mut text).await;
        return read.map(|_| text).map_err(unreadable);
    }
    let owned = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(owned)).await;
    read.map_err(std::io::Error::from)
        .flatten()
        .map_err(unreadable)
}
