//! Running the installing tools (`python`, `pip`, `uv`) and hearing what they say.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_core::Result;
use crossdock_core::session::{Note, Session};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::{Exit, Program, Spawn, StderrSink};

/// How many lines of a tool are kept.
const KEPT: usize = 1000;
/// How much of a tool's stdout is kept. The report of one package is far under it.
const STDOUT: u64 = 16 << 20;

/// How tools are run for one package.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) session: &'a Session,
    /// The package, for what is told of progress.
    pub(super) name: String,
    pub(super) cwd: PathBuf,
    /// Where tools are looked for; `None`: in the usual places.
    pub(super) path: Option<&'a OsStr>,
    pub(super) env: &'a [(OsString, OsString)],
}

/// What a tool did.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) exit: Exit,
    pub(super) stdout: String,
    /// The lines of both streams, for finding out why it failed.
    pub(super) said: Vec<String>,
}

impl Bench<'_> {
    /// Says what is being done.
    pub(super) fn tell(&self, text: String) {
        self.session.note(Note::Progress(text));
    }

    /// Runs a tool to its end. A future that is dropped kills it (P8).
    pub(super) async fn run<A: AsRef<OsStr>>(&self, tool: &Path, args: &[A]) -> Result<Output> {
        let settings = [
            ("PIP_NO_INPUT", "1"),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
            ("PIP_PROGRESS_BAR", "off"),
            // These two would send packages elsewhere than into our environment, or forbid asking.
            ("PIP_USER", "0"),
            ("PIP_REQUIRE_VIRTUALENV", "0"),
            // A distribution's Python refuses even to be asked what would be installed. Nothing is
            // ever installed outside our environments.
            ("PIP_BREAK_SYSTEM_PACKAGES", "1"),
            ("PYTHONIOENCODING", "utf-8"),
            ("NO_COLOR", "1"),
            ("UV_NO_PROGRESS", "1"),
        ];
        let settings = settings.map(|(key, value)| (key.into(), value.into()));
        let ear = Arc::new(Ear {
            session: self.session.clone(),
            name: self.name.clone(),
            said: Mutex::default(),
        });
        let program = Program {
            path: tool.to_owned(),
            args: args.iter().map(Into::into).collect(),
            env: settings.into_iter().chain(super::isolation()).collect(),
        };
        let mut process = Spawn {
            program: &program,
            args: Vec::new(),
            cwd: &self.cwd,
            env: self.env.to_vec(),
            stdin: false,
            longest_line: None,
            stderr: ear.clone(),
        }
        .spawn()?;
        let mut stdout = Vec::new();
        if let Some(pipe) = process.take_stdout() {
            let mut pipe = BufReader::new(pipe).take(STDOUT);
            let mut start = 0;
            while let Ok(1..) = pipe.read_until(b'\n', &mut stdout).await {
                ear.line(String::from_utf8_lossy(&stdout[start..]).trim_end());
                start = stdout.len();
            }
            // What is over the limit is read all the same, so that the tool does not stand still.
            let _ = tokio::io::copy(&mut pipe.into_inner(), &mut tokio::io::sink()).await;
        }
        let exit = process.wait().await?;
        let said = std::mem::take(&mut *ear.said.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(Output {
            exit,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            said,
        })
    }
}

struct Ear {
    session: Session,
    name: String,
    said: Mutex<Vec<String>>,
}

impl StderrSink for Ear {
    fn line(&self, line: &str) {
        tracing::debug!(package = self.name, "{line}");
        if is_telling(line) {
            let text = format!("installing {}: {line}", self.name);
            self.session.note(Note::Progress(text));
        }
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < KEPT {
            said.push(line.to_owned());
        } else if let Some(last) = said.last_mut() {
            // The first lines have the cause and the last one the verdict.
            line.clone_into(last);
        }
    }
}

/// The lines by which pip and uv tell that they move on.
fn is_telling(line: &str) -> bool {
    let starts = [
        "Collecting ",
        "Downloading ",
        "Building wheel",
        "Installing collected packages",
        "Resolved ",
        "Prepared ",
        "Installed ",
    ];
    starts
        .iter()
        .any(|start| line.trim_start().starts_with(start))
}
