//! Docker's command line client, called for one answer each time.
//!
//! The program and no library of its interface: it finds the engine as its user has set it up (contexts,
//! `DOCKER_HOST`, certificates, credentials of registries), which a library would have to learn.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crossdock_core::session::Session;
use crossdock_core::{Error, Result, code};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::fault::fault;
use crate::{Exec, Launcher as _};

/// How long an engine that is well may take for anything but a pull.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long it may take to build an image of what it is handed.
const BUILDING: Duration = Duration::from_secs(3600);

/// The client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    path: PathBuf,
}

impl Client {
    /// The program `docker` in `PATH`.
    pub(super) async fn find() -> Result<Self> {
        let exec = Exec::new(vec!["docker".to_owned()]);
        match exec.program(&Session::default()).await {
            Ok(program) => Ok(Self { path: program.path }),
            Err(_) => Err(Error::new(
                &code::DOCKER_NOT_FOUND,
                "the program `docker` is not in PATH",
            )),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What the client prints for these words; its own reason, in our words, if it fails. `input` goes to
    /// its stdin. A future that is dropped ends the client.
    pub(super) async fn ask<W: Into<OsString>>(
        &self,
        words: impl IntoIterator<Item = W>,
        input: &[u8],
    ) -> Result<String> {
        let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
        let is_building = words.first().is_some_and(|word| word == "build");
        let patience = if is_building { BUILDING } else { PATIENCE };
        let mut child = Command::new(&self.path)
            .args(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|cause| {
                Error::new(&code::LAUNCH_FAILED, "Docker's client could not be started")
                    .with("program", self.path.display())
                    .caused_by(cause)
            })?;
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // A client that does not want it says why by its exit.
                let _ = stdin.write_all(input).await;
            }
        };
        let (output, ()) = timeout(patience, async {
            tokio::join!(child.wait_with_output(), feed)
        })
        .await
        .map_err(|_| {
            Error::new(&code::DOCKER_UNAVAILABLE, "Docker's engine does not answer")
                .with("limit", format!("{} s", patience.as_secs()))
        })?;
        let output = output.map_err(|cause| {
            Error::new(&code::LAUNCH_FAILED, "Docker's client was lost").caused_by(cause)
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(fault(&String::from_utf8_lossy(&output.stderr)))
    }
}
