//! What every command has at hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossdock_config::{
    ConnectorConfig, Diagnostics, Plan, ProcessEnvironment, Settings, load_config, parse_config,
};
use crossdock_control::command::Ask;
use crossdock_control::dead_letter;
use crossdock_control::run_log::{self, RunLog};
use crossdock_control::{Cancel, Surroundings};
use crossdock_core::store::Store;
use crossdock_core::{Error, code};
use tokio::sync::watch;

use crate::args::Global;
use crate::printer::Printer;
use crate::progress::Screen;

/// What every command has at hand.
pub(crate) struct Context {
    pub(crate) printer: Arc<Printer>,
    pub(crate) screen: Arc<Screen>,
    pub(crate) cancel: watch::Receiver<Option<Cancel>>,
    store: Option<PathBuf>,
}

impl Context {
    pub(crate) fn new(
        global: Global,
        printer: Arc<Printer>,
        cancel: watch::Receiver<Option<Cancel>>,
    ) -> Self {
        Self {
            screen: Arc::new(Screen::new(
                printer.clone(),
                global.verbose,
                global.log_format,
            )),
            printer,
            cancel,
            store: global.store,
        }
    }

    /// For questions to connectors.
    pub(crate) fn ask(&self, settings: Settings) -> Ask {
        Ask {
            registry: crossdock_control::registry(),
            ui: self.screen.clone(),
            settings,
        }
    }

    /// Tells what in a file has no effect.
    pub(crate) fn warn(&self, plan: &Plan) {
        for warning in &plan.warnings {
            self.printer.warning(&warning.clone().into());
        }
    }

    /// For runs. Their logs are kept beside the store `at`.
    pub(crate) fn surroundings(&self, store: Arc<dyn Store>, at: &Path) -> Surroundings {
        Surroundings {
            registry: crossdock_control::registry(),
            store,
            dead_letters: dead_letter::folder(at),
            ui: Arc::new(RunLog::new(self.screen.clone(), run_log::folder(at))),
            cancel: self.cancel.clone(),
        }
    }

    /// For plans, which change nothing: without a store there is nothing to know.
    pub(crate) fn onlooking(&self, file: Option<&Path>) -> Result<Surroundings, Error> {
        let path = self.store_path(file);
        let store = if path.exists() {
            crossdock_control::open_store(&path)?
        } else {
            crossdock_control::passing_store()?
        };
        Ok(Surroundings {
            registry: crossdock_control::registry(),
            store,
            dead_letters: dead_letter::folder(&path),
            ui: self.screen.clone(),
            cancel: self.cancel.clone(),
        })
    }

    /// The store's file: the flag or its variable, else the pipeline file's word, else the default.
    pub(crate) fn store_path(&self, file: Option<&Path>) -> PathBuf {
        self.store
            .clone()
            .or_else(|| file.map(Path::to_owned))
            .unwrap_or_else(crossdock_control::default_store_path)
    }

    /// Opens the store, or makes it.
    pub(crate) fn store(&self, file: Option<&Path>) -> Result<Arc<dyn Store>, Error> {
        crossdock_control::open_store(&self.store_path(file))
    }

    /// Opens the store, unless there is none: to look at a file must not make it.
    pub(crate) fn existing_store(&self) -> Result<Arc<dyn Store>, Error> {
        let path = self.store_path(None);
        if path.exists() {
            return crossdock_control::open_store(&path);
        }
        Err(
            Error::new(&code::STORE_UNAVAILABLE, "there is no state store yet")
                .with("store", path.display())
                .hint("name the store by `--store`, or run a pipeline first"),
        )
    }

    /// Whether somebody wants the end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.borrow().is_some()
    }

    /// Does `work`, or drops it as soon as somebody wants the end.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        let mut cancel = self.cancel.clone();
        let cancelled = async {
            if cancel.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            done = work => done,
            () = cancelled => Err(Error::new(&code::CANCELLED, "cancelled")
                .hint("nothing was changed")),
        }
    }
}

/// A connector's configuration from the command line: a file, or JSON that begins with `{`.
pub(crate) fn config(argument: Option<&str>, flag: &str) -> Result<ConnectorConfig, Error> {
    let inline = |text| parse_config(text, flag, Path::new(""), &ProcessEnvironment);
    let config = match argument {
        None => inline("{}"),
        Some(text) if text.trim_start().starts_with('{') => inline(text),
        Some(path) => load_config(Path::new(path), &ProcessEnvironment),
    };
    config.map_err(|wrong: Diagnostics| wrong.into())
}
