//! How an attempt begins: what it resumes from, and which copies of its streams it writes.

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::store::{Commit, Lease, Resume, Reviewed};

use super::attempt::Attempt;
use super::{PreparedDestination, interruptible};
use crate::generation::{self, Beginning};
use crate::recall::recall;
use crate::refresh;
use crate::schema_review::Review;

impl Attempt<'_> {
    /// Numbers the copies of the catalog's streams and writes down what begins anew.
    pub(super) async fn begin(
        &self,
        lease: &Lease,
        resume: &Resume,
        catalog: &mut ConfiguredCatalog,
        review: &Review,
    ) -> Result<Beginning> {
        let store = &self.around.store;
        let beginning = match self.prepared.clears {
            Some(clearing) => generation::clear(catalog, resume, clearing.is_whole, lease.run)?,
            None => {
                let mut asked = refresh::asked(self.pipeline, resume);
                if let Some(impossible) =
                    refresh::backfill(self.pipeline, resume, review, &mut asked)
                {
                    self.around.ui.warning(&self.pipeline.id, &impossible);
                }
                generation::begin(catalog, resume, &asked, lease.run)
            }
        };
        if !beginning.clear.is_empty() {
            store.clear(lease, beginning.clear.clone()).await?;
        }
        if !beginning.generations.is_empty() {
            let generations = beginning.generations.clone();
            store.set_generations(lease, generations).await?;
        }
        // A clear is of some streams, and the pipeline has others still.
        if self.prepared.clears.is_none() {
            store.save_catalog(lease, catalog.clone()).await?;
            if review.leaves_out() {
                store.save_review(lease, self.found(review)?).await?;
            }
        }
        Ok(beginning)
    }

    /// What the sources offer beside what was agreed on, and what of it is moved. An error if somebody has to accept
    /// changes first; they are kept for that.
    pub(super) async fn reviewed(&self, lease: &Lease) -> Result<(ConfiguredCatalog, Review)> {
        let mut catalog = self.prepared.catalog.clone();
        let agreed = match self.prepared.clears {
            None => self.around.store.catalog(&self.pipeline.id).await?,
            Some(_) => None,
        };
        let Some(agreed) = agreed else {
            return Ok((catalog, Review::default()));
        };
        let review = Review::new(self.pipeline, &agreed, &catalog);
        if let Some(error) = review.error(&self.pipeline.id) {
            let found = self.found(&review)?;
            self.around.store.save_review(lease, found).await?;
            return Err(error);
        }
        review.narrow(&mut catalog, false);
        Ok((catalog, review))
    }

    fn found(&self, review: &Review) -> Result<Reviewed> {
        let changes = serde_json::to_value(&review.changes).map_err(|cause| {
            Error::new(&code::INTERNAL, "could not write the changes of a schema").caused_by(cause)
        })?;
        Ok(Reviewed {
            pauses: review.pauses(),
            changes,
            catalog: self.prepared.catalog.clone(),
        })
    }

    /// Asks a transactional destination how far the data is. Only where it is the only one:
    /// another destination's data may end elsewhere.
    pub(super) async fn recall(&self, lease: &Lease, resume: &mut Resume) -> Result<()> {
        let [PreparedDestination { found, ready, .. }] = self.prepared.destinations.as_slice()
        else {
            return Ok(());
        };
        if !ready.spec.destination.transactional_checkpoint || self.begins_anew {
            return Ok(());
        }
        let ask = found
            .destination
            .stored(ready.config(), &self.pipeline.id, &ready.session);
        let stored = interruptible(&self.around.cancel, ask).await?;
        let recalled = recall(resume, stored, lease.epoch);
        let store = &self.around.store;
        if !recalled.generations.is_empty() {
            store.set_generations(lease, recalled.generations).await?;
        }
        if !recalled.states.is_empty() {
            let commit = Commit {
                states: recalled.states,
                ..Commit::default()
            };
            store.commit(lease, commit).await?;
        }
        Ok(())
    }
}
