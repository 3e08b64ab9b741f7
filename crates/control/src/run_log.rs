//! Each run's log, kept beside the store as JSON lines: what the connectors said, what the run was
//! busy with, what went wrong. Secrets are masked before they come here (P10).

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{LogLevel, LogRecord};
use crossdock_engine::progress::Progress;
use serde::{Deserialize, Serialize};

use crate::store_folder;
use crate::ui::{Phase, Role, Ui};

/// So many logs are kept; the oldest go.
const KEPT: usize = 200;
/// A log ends at this size, in bytes.
const LARGEST: u64 = 64 << 20;
/// So many lines from before a run has its number are kept for it.
const EARLY: usize = 1000;

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since the epoch.
    pub at: i64,
    /// `trace`, `debug`, `info`, `warn`, `error` or `fatal`.
    pub level: String,
    /// Who: `source`, `destination` or `run`.
    pub from: String,
    /// What.
    pub message: String,
    /// A stack trace, if the connector sent one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_trace: Option<String>,
}

/// A user interface that also keeps what it is told.
pub struct RunLog {
    inner: Arc<dyn Ui>,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    early: VecDeque<Line>,
    file: Option<File>,
    bytes: u64,
}

/// Where the logs of a store's runs are.
#[must_use]
pub fn folder(store: &Path) -> PathBuf {
    store_folder::named(store, ".logs")
}

impl RunLog {
    /// Passes everything on to `inner` and keeps logs in `folder`.
    #[must_use]
    pub fn new(inner: Arc<dyn Ui>, folder: PathBuf) -> Self {
        Self {
            inner,
            folder,
            state: Mutex::default(),
        }
    }

    fn say(&self, from: &str, level: LogLevel, message: &str) {
        let record = LogRecord {
            level,
            message: message.to_owned(),
            stack_trace: None,
        };
        self.keep(from, &record);
    }

    fn keep(&self, from: &str, log: &LogRecord) {
        let line = line(from, log);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.file.is_some() {
            state.write(&line);
        } else {
            if state.early.len() == EARLY {
                state.early.pop_front();
            }
            state.early.push_back(line);
        }
    }

    fn begin(&self, run: i64) -> std::io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        prune(&self.folder)?;
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path(&self.folder, run))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.file = Some(file);
        state.bytes = 0;
        for line in std::mem::take(&mut state.early) {
            state.write(&line);
        }
        Ok(())
    }
}

impl State {
    /// A log that cannot be written does not stop a run.
    fn write(&mut self, line: &Line) {
        let Some(file) = self.file.as_mut().filter(|_| self.bytes < LARGEST) else {
            return;
        };
        if let Ok(mut text) = serde_json::to_vec(line) {
            text.push(b'\n');
            self.bytes += text.len() as u64;
            if let Err(error) = file.write_all(&text) {
                tracing::debug!(%error, "a log could not be written");
            }
        }
    }
}

/// What `from` says now.
#[must_use]
pub fn line(from: &str, log: &LogRecord) -> Line {
    Line {
        at: SystemClock.now_ms(),
        level: level_name(log.level).to_owned(),
        from: from.to_owned(),
        message: log.message.clone(),
        stack_trace: log.stack_trace.clone(),
    }
}

fn path(folder: &Path, run: i64) -> PathBuf {
    folder.join(format!("{run}.jsonl"))
}

/// The numbers of the runs that have a log, oldest first.
fn numbers(folder: &Path) -> std::io::Result<Vec<i64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|n| n.strip_suffix(".jsonl"));
        numbers.extend(number.and_then(|n| n.parse::<i64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn prune(folder: &Path) -> std::io::Result<()> {
    let numbers = numbers(folder)?;
    let surplus = (numbers.len() + 1).saturating_sub(KEPT);
    for number in numbers.into_iter().take(surplus) {
        std::fs::remove_file(path(folder, number))?;
    }
    Ok(())
}

/// The name of a level in a log.
fn level_name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "trace",
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
        LogLevel::Fatal => "fatal",
    }
}

/// The lines of a run's log. A line that was cut off by a crash is left out.
pub fn read(store: &Path, run: i64) -> Result<Vec<Line>> {
    let path = path(&folder(store), run);
    let file = File::open(&path).map_err(|cause| {
        Error::new(&code::RUN_UNKNOWN, format!("there is no log of run {run}"))
            .with("path", path.display())
            .caused_by(cause)
    })?;
    let lines = BufReader::new(file).lines().map_while(|line| line.ok());
    Ok(lines
        .filter_map(|line| serde_json::from_str(&line).ok())
        .collect())
}

impl Ui for RunLog {
    fn log(&self, role: Role, log: &LogRecord) {
        self.keep(role.as_str(), log);
        self.inner.log(role, log);
    }

    fn preparing(&self, role: Role, what: &str) {
        self.say(role.as_str(), LogLevel::Info, what);
        self.inner.preparing(role, what);
    }

    fn phase(&self, pipeline: &str, phase: &Phase) {
        let message = match phase {
            Phase::Preparing => format!("{pipeline}: preparing the connectors"),
            Phase::Discovering => format!("{pipeline}: asking the source for its streams"),
            Phase::Syncing { attempt } => format!("{pipeline}: moving records, attempt {attempt}"),
            Phase::Waiting { error, seconds } => {
                format!("{pipeline}: trying again in {seconds} s after: {error}")
            }
        };
        if *phase == Phase::Preparing {
            // Another pipeline's log must not go on in this one's.
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            *state = State::default();
        }
        self.say("run", LogLevel::Info, &message);
        self.inner.phase(pipeline, phase);
    }

    fn began(&self, pipeline: &str, run: i64) {
        if let Err(error) = self.begin(run) {
            tracing::debug!(%error, "a log could not be begun");
        }
        self.inner.began(pipeline, run);
    }

    fn failed(&self, pipeline: &str, reason: &str) {
        self.say("run", LogLevel::Error, &format!("{pipeline}: {reason}"));
        self.inner.failed(pipeline, reason);
    }

    fn progress(&self, pipeline: &str, progress: &Progress) {
        self.inner.progress(pipeline, progress);
    }

    fn warning(&self, pipeline: &str, warning: &Error) {
        let message = format!("{} [{}]", warning.message(), warning.code().name);
        self.say("run", LogLevel::Warn, &message);
        self.inner.warning(pipeline, warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Silent;

    #[test]
    fn a_run_has_its_own_log_with_what_came_before_its_number() {
        let home = tempfile::tempdir().unwrap();
        let store = home.path().join("state.db");
        let log = RunLog::new(Arc::new(Silent), folder(&store));
        let say = |message: &str| {
            let record = LogRecord {
                level: LogLevel::Warn,
                message: message.to_owned(),
                stack_trace: None,
            };
            log.log(Role::Source, &record);
        };
        let messages = |run| -> Vec<String> {
            let lines = read(&store, run).unwrap().into_iter();
            lines
                .map(|line| format!("{} {}", line.from, line.message))
                .collect()
        };
        log.phase("p", &Phase::Preparing);
        say("early");
        log.began("p", 7);
        say("late");
        assert_eq!(
            messages(7),
            [
                "run p: preparing the connectors",
                "source early",
                "source late"
            ]
        );
        log.phase("q", &Phase::Preparing);
        say("other");
        log.began("q", 8);
        assert_eq!(messages(7).len(), 3);
        assert_eq!(messages(8).len(), 2);
        assert_eq!(read(&store, 9).unwrap_err().code().name, "run.unknown");
        for run in 9..300 {
            log.began("q", run);
        }
        assert_eq!(numbers(&folder(&store)).unwrap().len(), KEPT);
    }
}
