//! The seam between a connector reference and a process: a [`Launcher`] finds or installs the
//! program, and starts it.

use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use crossdock_core::Result;
use crossdock_core::session::Session;

use crate::{PrivateDir, Process, Program, Spawn, StderrSink};

/// One use of a connector: what it is told, wherever it runs.
pub struct Call {
    /// Its arguments, in this order. Other users can read them: no secrets (P10).
    pub words: Vec<Word>,
    /// Environment variables on top of those that it has anyway.
    pub env: Vec<(&'static str, String)>,
    /// A folder of this machine that the connector sees, too, by the same path.
    pub folder: Option<PathBuf>,
    /// Whether stdin is a pipe; otherwise it is empty.
    pub stdin: bool,
    /// Whether files that it writes where it stands are somebody's data: they are kept then, however the use or the machine
    /// ends (P4), as far as it runs on this machine and not in a container.
    pub keeps_files: bool,
    /// Where lines of stderr go.
    pub stderr: Arc<dyn StderrSink>,
}

/// An argument of a connector.
#[derive(Clone, PartialEq, Eq)]
pub enum Word {
    /// This text.
    Text(String),
    /// The path of a file, as the connector sees it, which has this content when it starts and is
    /// gone after its end.
    File {
        /// A plain file name.
        name: String,
        /// What stands in it; may be secret.
        content: Vec<u8>,
    },
}

/// Contents are left out, since they may be secret (P10).
impl Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::File { name, .. } => write!(f, "<{name}>"),
        }
    }
}

/// How a program comes to be: found, or installed.
#[async_trait]
pub trait Launcher: Send + Sync + Debug {
    /// Finds or installs the program. Slow work is told through the session's notes
    /// ([`Note::Progress`](crossdock_core::session::Note::Progress)). Dropping the future ends
    /// whatever it had started.
    async fn program(&self, session: &Session) -> Result<Program>;

    /// Finds or installs the program and starts it for one use, in a directory of its own that it
    /// may write to and that is removed with the process, unless its files are to be kept.
    async fn start(&self, call: Call, session: &Session) -> Result<Process> {
        start_here(&self.program(session).await?, call)
    }

    /// A key that changes whenever the program's content may have changed, for keeping its spec.
    /// `None`: this cannot be told, do not keep anything. Never slow, never over the network.
    async fn identity(&self) -> Option<String>;

    /// The program for messages, e.g. `./my-source` or `airbyte-source-faker==7.2.1`.
    fn name(&self) -> String;
}

/// Starts a program of this machine. Its files are in a private directory (P10).
fn start_here(program: &Program, call: Call) -> Result<Process> {
    let dir = if call.keeps_files {
        PrivateDir::create_lasting()?
    } else {
        PrivateDir::create()?
    };
    let mut args = Vec::new();
    for word in call.words {
        args.push(match word {
            Word::Text(text) => text.into(),
            Word::File { name, content } => dir.write(&name, &content)?.into_os_string(),
        });
    }
    // Connectors write where they stand (§6, 25).
    let cwd = if call.keeps_files {
        dir.kept_work()?
    } else {
        dir.work()?
    };
    let env = call
        .env
        .iter()
        .map(|(key, value)| (key.into(), value.into()));
    let process = Spawn {
        program,
        args,
        cwd: &cwd,
        env: env.collect(),
        stdin: call.stdin,
        longest_line: None,
        stderr: call.stderr,
    }
    .spawn()?;
    Ok(process.keeping(dir))
}
