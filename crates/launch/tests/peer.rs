//! Shell scripts to start, ears for what they say, and eyes for whether they live.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossdock_core::session::{Note, Observer, Session};
use crossdock_launch::{Process, Program, Spawn, StderrSink};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::ChildStdout;

/// Long enough for any machine; only a failure takes it.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// Keeps every line.
#[derive(Default)]
pub(crate) struct Ear(Mutex<Vec<String>>);

impl Ear {
    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().expect("a lock").clone()
    }
}

impl StderrSink for Ear {
    fn line(&self, line: &str) {
        self.0.lock().expect("a lock").push(line.to_owned());
    }
}

/// Keeps what is told of progress.
#[derive(Default)]
pub(crate) struct Progress(Mutex<Vec<String>>);

impl Progress {
    pub(crate) fn session() -> (Arc<Self>, Session) {
        let progress = Arc::new(Self::default());
        (progress.clone(), Session::new(progress))
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.0.lock().expect("a lock").clone()
    }
}

impl Observer for Progress {
    fn observe(&self, note: Note) {
        if let Note::Progress(text) = note {
            self.0.lock().expect("a lock").push(text);
        }
    }
}

pub(crate) fn shell(script: &str) -> Program {
    Program {
        path: "/bin/sh".into(),
        args: vec!["-c".into(), script.into(), "peer".into()],
        env: Vec::new(),
    }
}

/// Starts `sh -c script` with the arguments.
pub(crate) fn start(script: &str, args: &[&str], stdin: bool) -> (Process, Arc<Ear>) {
    let ear = Arc::new(Ear::default());
    let process = Spawn {
        program: &shell(script),
        args: args.iter().map(OsString::from).collect(),
        cwd: Path::new("/"),
        env: Vec::new(),
        stdin,
        longest_line: None,
        stderr: ear.clone(),
    };
    (process.spawn().expect("a process"), ear)
}

/// Its stdout by lines.
pub(crate) fn stdout(process: &mut Process) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(process.take_stdout().expect("stdout")).lines()
}

/// The next line, which must be a number: a process id.
pub(crate) async fn pid(lines: &mut Lines<BufReader<ChildStdout>>) -> u32 {
    let line = lines.next_line().await.expect("readable").expect("a line");
    line.parse().expect("a process id")
}

/// Whether the process exists and is no zombie.
pub(crate) fn lives(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = stat
        .rsplit(") ")
        .next()
        .and_then(|rest| rest.chars().next());
    !matches!(state, Some('Z' | 'X'))
}

/// Waits until the condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(GUARD, waiting)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Writes an executable file.
pub(crate) fn executable(directory: &Path, name: &str, content: &str) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permissions");
    path
}
