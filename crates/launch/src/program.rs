//! The seam between a connector reference and a program: a [`Launcher`] finds or installs it.

use std::ffi::OsString;
use std::fmt::Debug;
use std::path::PathBuf;

use async_trait::async_trait;
use crossdock_core::Result;
use crossdock_core::session::Session;

/// A resolved command: what to run before the connector's own arguments.
#[derive(Clone, Debug)]
pub struct Program {
    /// The executable, absolute.
    pub path: PathBuf,
    /// Arguments that come before the connector's own.
    pub args: Vec<OsString>,
    /// Environment variables on top of the inherited ones.
    pub env: Vec<(OsString, OsString)>,
}

/// How a program comes to be: found, or installed.
#[async_trait]
pub trait Launcher: Send + Sync + Debug {
    /// Finds or installs the program. Slow work is told through the session's notes
    /// ([`Note::Progress`](crossdock_core::session::Note::Progress)). Dropping the future ends
    /// whatever it had started.
    async fn program(&self, session: &Session) -> Result<Program>;

    /// A key that changes whenever the program's content may have changed, for keeping its spec.
    /// `None`: this cannot be told, do not keep anything. Never slow, never over the network.
    async fn identity(&self) -> Option<String>;

    /// The program for messages, e.g. `./my-source` or `airbyte-source-faker==7.2.1`.
    fn name(&self) -> String;
}
