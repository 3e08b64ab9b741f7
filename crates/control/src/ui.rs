//! Whom control tells what happens. The command line prints it; tests collect it.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use crossdock_core::code;
use crossdock_core::error::Error;
use crossdock_core::event::LogRecord;
pub use crossdock_core::role::Role;
use crossdock_core::secret::Masker;
use crossdock_core::session::{Note, Observer};
use crossdock_core::store::{Store, StoredConfig};
use crossdock_engine::progress::Progress;
use serde_json::Value;

use crate::beside;

/// What a run is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Installing or starting the connectors and asking what they expect.
    Preparing,
    /// Asking the source what it offers.
    Discovering,
    /// Moving records.
    Syncing {
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// Waiting before the next attempt.
    Waiting {
        /// Why the last one failed.
        error: String,
        /// Seconds until the next one.
        seconds: u64,
    },
}

/// Takes what happens. Called from any task; must not block.
pub trait Ui: Send + Sync {
    /// A connector's log line, masked (P10).
    fn log(&self, role: Role, log: &LogRecord);
    /// A slow preparation moved on.
    fn preparing(&self, role: Role, what: &str);
    /// The run turned to something else.
    fn phase(&self, pipeline: &str, phase: &Phase);
    /// An attempt began, as the run of this number.
    fn began(&self, _pipeline: &str, _run: i64) {}
    /// An attempt failed, in one masked line.
    fn failed(&self, _pipeline: &str, _reason: &str) {}
    /// How far the records are.
    fn progress(&self, pipeline: &str, progress: &Progress);
    /// Something is wrong and the run goes on.
    fn warning(&self, pipeline: &str, warning: &Error);
}

/// A user interface that shows nothing.
#[derive(Debug)]
pub struct Silent;

impl Ui for Silent {
    fn log(&self, _: Role, _: &LogRecord) {}
    fn preparing(&self, _: Role, _: &str) {}
    fn phase(&self, _: &str, _: &Phase) {}
    fn progress(&self, _: &str, _: &Progress) {}
    fn warning(&self, _: &str, _: &Error) {}
}

/// Where a configuration that a connector replaced goes.
pub(crate) enum ConfigKeeper {
    /// To the store, for the next run of the pipeline.
    Store {
        store: Arc<dyn Store>,
        pipeline: String,
        /// Which connector of the pipeline it is.
        connector: String,
        /// The configuration that the user gave.
        base: Value,
    },
    /// To a file beside the user's own, which is never written to.
    Beside(PathBuf),
    /// Nowhere: there is no place that the user would look at.
    Nowhere,
}

/// The configuration that a connector is to be started with: the user's, until the connector
/// replaces it (§1.6). Clones share it.
#[derive(Clone)]
pub(crate) struct CurrentConfig(Arc<RwLock<Value>>);

impl CurrentConfig {
    pub(crate) fn new(config: Value) -> Self {
        Self(Arc::new(RwLock::new(config)))
    }

    pub(crate) fn get(&self) -> Value {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, config: Value) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
    }
}

/// A connector's observer: masks, shows, and keeps new configurations.
pub(crate) struct Watch {
    pub(crate) role: Role,
    pub(crate) ui: Arc<dyn Ui>,
    pub(crate) masker: Masker,
    pub(crate) keeper: ConfigKeeper,
    pub(crate) current: CurrentConfig,
}

impl Observer for Watch {
    fn observe(&self, note: Note) {
        match note {
            Note::Log(mut log) => {
                log.message = self.masker.mask(&log.message).into_owned();
                log.stack_trace = log.stack_trace.map(|s| self.masker.mask(&s).into_owned());
                self.ui.log(self.role, &log);
            }
            Note::Progress(what) => self.ui.preparing(self.role, &self.masker.mask(&what)),
            Note::NewConfig(config) => self.keep(config),
            Note::Alive => {}
        }
    }
}

impl Watch {
    /// Persists before it returns: a refresh token that was used once is lost with its successor
    /// (§6, 22). Whatever is started next in this process gets the new one, too.
    fn keep(&self, config: Value) {
        self.current.set(config.clone());
        let kept = match &self.keeper {
            ConfigKeeper::Store { store, pipeline, connector, base } => {
                let stored = StoredConfig { base: base.clone(), config };
                let save = store.save_config(pipeline, connector, stored);
                // The worker thread is given back to the runtime meanwhile.
                let saved = tokio::task::block_in_place(|| {
                    tokio::runtime::Handle::current().block_on(save)
                });
                saved.err()
            }
            ConfigKeeper::Beside(path) => Some(match beside::write(path, &config) {
                Ok(()) => replaced("the connector replaced its configuration; the new one is in a file beside yours")
                    .with("file", path.display())
                    .hint("use that file from now on: what the old one holds may have expired"),
                Err(error) => error,
            }),
            ConfigKeeper::Nowhere => Some(
                replaced("the connector replaced its configuration, and it is not kept")
                    .hint("give the configuration in a file, or use a pipeline, so that it can be kept"),
            ),
        };
        if let Some(warning) = kept {
            self.ui.warning(self.role.as_str(), &warning);
        }
    }
}

fn replaced(message: &str) -> Error {
    Error::new(&code::CONFIG_REPLACED, message)
}

/// Passes the engine's progress on.
pub(crate) struct ProgressRelay {
    pub(crate) pipeline: String,
    pub(crate) ui: Arc<dyn Ui>,
}

impl crossdock_engine::progress::Watcher for ProgressRelay {
    fn progress(&self, progress: &Progress) {
        self.ui.progress(&self.pipeline, progress);
    }
}
