//! Back-pressure by bytes (P7): whoever puts a batch into a queue first takes its bytes from here;
//! they come back when the last holder drops the permit.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes are counted in units of this size, so that 32 bits of units are enough for any budget.
const UNIT: usize = 1024;

/// The bytes that may be under way at once.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    units: Arc<Semaphore>,
    limit: u32,
}

/// Some bytes of the budget; they return on drop.
pub(crate) type Permit = Arc<OwnedSemaphorePermit>;

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        let limit = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).max(1);
        // `Semaphore` counts in usize; a limit of 32 bits is below its maximum.
        Self {
            units: Arc::new(Semaphore::new(limit as usize)),
            limit,
        }
    }

    /// Waits until `bytes` are free. What is larger than the whole budget passes alone: it waits
    /// until everything else is gone.
    pub(crate) async fn take(&self, bytes: usize) -> Option<Permit> {
        let units = u32::try_from(bytes / UNIT + 1)
            .unwrap_or(u32::MAX)
            .min(self.limit);
        let permit = self.units.clone().acquire_many_owned(units).await.ok()?;
        Some(Arc::new(permit))
    }

    pub(crate) fn in_use(&self) -> usize {
        (self.limit as usize).saturating_sub(self.units.available_permits()) * UNIT
    }
}
