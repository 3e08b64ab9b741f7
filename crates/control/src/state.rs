//! States in and out, in the form that Airbyte sources take.

use crossdock_core::checkpoint::{Lane, LaneState};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::store::Store;
use crossdock_core::stream::StreamId;

/// The committed states of a pipeline as Airbyte's array of state messages. The states' text is
/// as it was committed, to the digit.
pub async fn export(store: &dyn Store, pipeline: &str) -> Result<Json> {
    known(store, pipeline).await?;
    let resume = store.resume(pipeline).await?;
    Ok(crossdock_core::state_array::export(&resume.states))
}

/// Replaces the states of a pipeline; tells how many there are.
pub async fn import(store: &dyn Store, pipeline: &str, text: &str) -> Result<usize> {
    let states = crossdock_core::state_array::import(text)?;
    let count = states.len();
    store.import(pipeline, states).await?;
    Ok(count)
}

/// As [`export`], of one stream. An error if the stream has no state of its own.
pub async fn export_stream(store: &dyn Store, pipeline: &str, stream: &StreamId) -> Result<Json> {
    known(store, pipeline).await?;
    let mut states = store.resume(pipeline).await?.states;
    divisible("the pipeline's state", &states, stream).map_err(|error| {
        error
            .with("pipeline", pipeline)
            .hint("export the whole state, without `--stream`")
    })?;
    states.retain(|state| covers(state, stream));
    if states.is_empty() {
        return Err(
            Error::new(&code::STORED_STREAM_UNKNOWN, "the stream has no state")
                .with("pipeline", pipeline)
                .with("stream", stream),
        );
    }
    Ok(crossdock_core::state_array::export(&states))
}

/// Replaces the state of one stream by that which `text` has of it; the other streams keep theirs,
/// and what `text` has of others is left out. The store has no conditional
/// import, so the states are read and then written: what a run commits that begins and ends in
/// between is taken back to what was read here.
pub async fn import_stream(
    store: &dyn Store,
    pipeline: &str,
    stream: &StreamId,
    text: &str,
) -> Result<()> {
    let mut fresh = crossdock_core::state_array::import(text)?;
    divisible("the state to import", &fresh, stream)
        .map_err(|error| error.hint("import the whole state, without `--stream`"))?;
    fresh.retain(|state| covers(state, stream));
    if fresh.is_empty() {
        return Err(Error::new(
            &code::STATE_IMPORT,
            "the state to import has nothing of the stream",
        )
        .with("stream", stream)
        .hint("pass an array that names the stream, as `crossdock state export` writes"));
    }
    let mut states = store.resume(pipeline).await?.states;
    divisible("the pipeline's state", &states, stream).map_err(|error| {
        error
            .with("pipeline", pipeline)
            .hint("import a whole state, without `--stream`")
    })?;
    states.retain(|state| !covers(state, stream));
    states.extend(fresh);
    store.import(pipeline, states).await
}

fn covers(state: &LaneState, stream: &StreamId) -> bool {
    matches!(&state.lane, Lane::Stream(id) if id == stream)
}

/// An error if one of the states covers the whole source: no stream can be told apart in it.
fn divisible(what: &str, states: &[LaneState], stream: &StreamId) -> Result<()> {
    if states.iter().all(|state| state.lane != Lane::Global) {
        return Ok(());
    }
    let message = format!("{what} covers the whole source and has no part for one stream alone");
    Err(Error::new(&code::STATE_INDIVISIBLE, message).with("stream", stream))
}

/// An error if the store has never heard of the pipeline.
pub async fn known(store: &dyn Store, pipeline: &str) -> Result<()> {
    let pipelines = store.pipelines().await?;
    if pipelines.iter().any(|p| p == pipeline) {
        return Ok(());
    }
    let error = Error::new(
        &code::PIPELINE_UNKNOWN,
        format!("the store knows no pipeline `{pipeline}`"),
    );
    Err(
        match crossdock_config::nearest(pipeline, pipelines.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error,
        },
    )
}
