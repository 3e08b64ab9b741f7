//! Changes of a source's catalog that wait for a person.

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::store::Store;

use crate::schema_review::StreamChange;
use crate::state;

/// Changes that a run found and did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The run.
    pub run: i64,
    /// When, ms since the epoch.
    pub at: i64,
    /// Nothing is moved until they are accepted.
    pub pauses: bool,
    /// The changes.
    pub changes: Vec<StreamChange>,
}

/// The changes that wait, if any.
pub async fn waiting(store: &dyn Store, pipeline: &str) -> Result<Option<Waiting>> {
    let Some(review) = store.review(pipeline).await? else {
        return Ok(None);
    };
    let changes = serde_json::from_value(review.reviewed.changes).map_err(|cause| {
        Error::new(
            &code::STORE_CORRUPT,
            "the store has changes of a schema that cannot be read",
        )
        .with("pipeline", pipeline)
        .caused_by(cause)
    })?;
    Ok(Some(Waiting {
        run: review.run,
        at: review.at,
        pauses: review.reviewed.pauses,
        changes,
    }))
}

/// Takes the changes that wait: from now on the pipeline's catalog is the one with them.
pub async fn accept(store: &dyn Store, pipeline: &str) -> Result<Waiting> {
    state::known(store, pipeline).await?;
    let waiting = waiting(store, pipeline).await?;
    store.accept(pipeline).await?;
    waiting.ok_or_else(|| Error::new(&code::NOTHING_TO_ACCEPT, "no change waits to be accepted"))
}
