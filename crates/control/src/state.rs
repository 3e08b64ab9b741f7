//! States in and out, in the form that Airbyte sources take.

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::store::Store;

/// The committed states of a pipeline as Airbyte's array of state messages. The states' text is
/// as it was committed, to the digit.
pub async fn export(store: &dyn Store, pipeline: &str) -> Result<Json> {
    known(store, pipeline).await?;
    let resume = store.resume(pipeline).await?;
    Ok(crossdock_store::state_array::export(&resume.states))
}

/// Replaces the states of a pipeline; tells how many there are.
pub async fn import(store: &dyn Store, pipeline: &str, text: &str) -> Result<usize> {
    let states = crossdock_store::state_array::import(text)?;
    let count = states.len();
    store.import(pipeline, states).await?;
    Ok(count)
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
