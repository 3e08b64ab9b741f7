//! Signs of life: any note or event of a connector counts, log lines included (Airbyte §3.6: the
//! platform counts records and states only, and kills sources that wait for a quota).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crossdock_core::clock::Clock;
use crossdock_core::session::{Note, Observer};

/// An observer that notes the time of each sign of life before it passes the note on.
pub struct Life {
    inner: Arc<dyn Observer>,
    clock: Arc<dyn Clock>,
    last_ms: AtomicI64,
}

impl Life {
    /// Wraps `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Observer>, clock: Arc<dyn Clock>) -> Arc<Self> {
        let now = clock.now_ms();
        Arc::new(Self {
            inner,
            clock,
            last_ms: AtomicI64::new(now),
        })
    }

    /// Notes a sign of life.
    pub fn beat(&self) {
        self.last_ms.store(self.clock.now_ms(), Ordering::Relaxed);
    }

    /// The last sign of life, in ms since the epoch.
    #[must_use]
    pub fn last_ms(&self) -> i64 {
        self.last_ms.load(Ordering::Relaxed)
    }
}

impl Observer for Life {
    fn observe(&self, note: Note) {
        self.beat();
        if !matches!(note, Note::Alive) {
            self.inner.observe(note);
        }
    }
}

impl std::fmt::Debug for Life {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Life").field(&self.last_ms()).finish()
    }
}
