//! Connectors that are found by name in a folder, as Conduit finds those that it calls standalone (§3.2):
//! every file in the folder is asked who it is. What one has said is kept as long as the file stays
//! the same.

mod choice;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::LogLevel;
use crossdock_core::session::Session;
use crossdock_launch::{Exec, Launcher, Program};
use tokio::sync::OnceCell;

use super::connector::Connector;
use crate::wire::side::Side;
use choice::{Candidate, Wanted, choose};

/// The variable that names the folder, as Conduit's own.
const FOLDER: &str = "CONDUIT_CONNECTORS_PATH";
/// The folder otherwise, seen from where Crossdock is started.
const DEFAULT_FOLDER: &str = "./connectors";

/// Launches the connector that a name means. The folder is looked through once, when the connector is
/// first needed.
#[derive(Debug)]
pub struct Standalone {
    wanted: Wanted,
    folder: PathBuf,
    found: OnceCell<Exec>,
}

impl Standalone {
    /// The connector `NAME`, `NAME@VERSION` or `NAME@latest` of the folder that
    /// `CONDUIT_CONNECTORS_PATH` names, else of `./connectors`.
    #[must_use]
    pub fn new(wanted: &str) -> Self {
        let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty());
        Self {
            wanted: Wanted::parse(wanted),
            folder: folder.map_or_else(|| PathBuf::from(DEFAULT_FOLDER), PathBuf::from),
            found: OnceCell::new(),
        }
    }

    async fn find(&self, session: &Session) -> Result<Exec> {
        let files = files(&self.folder)?;
        let mut known = Vec::new();
        let mut candidates = Vec::new();
        for file in files {
            let launcher = Exec::new(vec![file.to_string_lossy().into_owned()]);
            // Who it is does not depend on the side.
            let connector = Connector::new(Arc::new(launcher.clone()), Side::Source);
            match connector.described(session).await {
                Ok(described) => {
                    candidates.push(Candidate {
                        name: described.name,
                        version: described.version,
                    });
                    known.push(launcher);
                }
                Err(error) => session.log(
                    LogLevel::Warn,
                    format!("{} is passed over: {}", file.display(), error.message()),
                ),
            }
        }
        match choose(&self.wanted, &candidates) {
            Some(at) => Ok(known.swap_remove(at)),
            None => Err(self.absent(&candidates)),
        }
    }

    /// Whether there is a program of that name.
    pub async fn is_there(&self, session: &Session) -> bool {
        self.found
            .get_or_try_init(|| self.find(session))
            .await
            .is_ok()
    }

    fn absent(&self, candidates: &[Candidate]) -> Error {
        let message = format!("there is no connector `{}` in the folder", self.wanted);
        let error =
            Error::new(&code::CONNECTOR_UNKNOWN, message).with("folder", self.folder.display());
        let names: Vec<String> = candidates.iter().map(|c| format!("`{c}`")).collect();
        error.hint(if names.is_empty() {
            format!("put the connector's program there, or name its folder by `{FOLDER}`")
        } else {
            format!(
                "it has {}; of two that are the same, neither is taken",
                names.join(", ")
            )
        })
    }
}

/// Everything in the folder that is no folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |cause: std::io::Error| {
        Error::new(
            &code::CONNECTOR_UNKNOWN,
            "the folder for Conduit's connectors cannot be read",
        )
        .with("folder", folder.display())
        .hint(format!(
            "make it and put the connector's program there, name another by `{FOLDER}`, or refer to the program by `conduit:exec:PATH`"
        ))
        .caused_by(cause)
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if !path.is_dir() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[async_trait]
impl Launcher for Standalone {
    async fn program(&self, session: &Session) -> Result<Program> {
        let found = self.found.get_or_try_init(|| self.find(session)).await?;
        found.program(session).await
    }

    async fn identity(&self) -> Option<String> {
        // Before it is found nothing is known of it.
        self.found.get()?.identity().await
    }

    fn name(&self) -> String {
        self.wanted.to_string()
    }
}
