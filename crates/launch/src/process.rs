//! One child process: started in a group of its own, always drained, always reaped (P8).
//!
//! A thread per process waits for the leader's end *without reaping it*. As long as the leader is
//! a zombie its number cannot be given to anybody else, so a signal to the group can never hit a
//! stranger. The leader is reaped when the group has been swept: in [`Process::stop`], or on drop.

mod group;
mod stderr;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::{Error, Result, code};
use rustix::process::Signal;
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{Exit, Kept, PrivateDir, Program, Reason};
use group::{Group, Life};
use stderr::Drain;

/// What pipes are raised to where the system allows: fewer switches between two processes.
const PIPE_BYTES: usize = 1 << 20;
/// How long a process may take to vanish after SIGKILL before that is an error: one that hangs in
/// a system call (a dead network file system) cannot be killed.
const UNKILLABLE: Duration = Duration::from_secs(10);

/// Takes the lines that a process writes to stderr.
pub trait StderrSink: Send + Sync {
    /// Called for each line, without its end, invalid UTF-8 replaced. An over-long one comes
    /// in pieces. Called from a task of the runtime: must not block for long.
    fn line(&self, line: &str);
}

/// What runs elsewhere and has a process of ours only for its client, e.g. a container.
#[async_trait]
pub(crate) trait Remote: Send + Sync + std::fmt::Debug {
    /// Asks it to end (SIGTERM). Does not wait.
    fn ask(&self);

    /// Ends it at once. Does not wait.
    fn end(&self);

    /// Called once the client has ended, with its exit: finds out how it ended in truth, and returns
    /// when nothing of it is left.
    async fn settle(&self, client: Exit) -> Outcome;
}

/// How something ended that ran elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Its own exit.
    pub(crate) exit: Exit,
    /// Why, where more is known than the exit.
    pub(crate) reason: Option<Reason>,
}

/// What to start.
pub struct Spawn<'a> {
    /// The program.
    pub program: &'a Program,
    /// Arguments after the program's own. Other users can read them: no secrets (P10).
    pub args: Vec<OsString>,
    /// The working directory.
    pub cwd: &'a Path,
    /// Environment variables on top of the inherited ones and the program's.
    pub env: Vec<(OsString, OsString)>,
    /// Whether stdin is a pipe; otherwise it is empty.
    pub stdin: bool,
    /// The longest line of stderr that comes whole, in bytes; `None`: 64 KiB.
    pub longest_line: Option<usize>,
    /// Where lines of stderr go.
    pub stderr: Arc<dyn StderrSink>,
}

impl Spawn<'_> {
    /// Starts the process as the leader of a new group. Stderr is drained from now on by a task;
    /// stdout is the caller's to drain. Must be called within a Tokio runtime with I/O and time.
    ///
    /// # Errors
    /// `launch.not_found` if the program is not there or not executable, `launch.failed` for
    /// everything else that the system says.
    pub fn spawn(self) -> Result<Process> {
        let mut command = Command::new(&self.program.path);
        command
            .args(&self.program.args)
            .args(&self.args)
            .envs(self.program.env.iter().map(|(key, value)| (key, value)))
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .current_dir(self.cwd)
            .stdin(if self.stdin {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // P8: a group of its own, so that everything it starts can be ended with it.
            .process_group(0);
        let (release, released) = mpsc::channel();
        let (hand, handed) = mpsc::channel::<(Child, Arc<Group>)>();
        let (tell, life) = watch::channel(Life::Running);
        // The thread comes first: were it to fail after the child, nobody would reap the child.
        std::thread::Builder::new()
            .name("crossdock-reaper".to_owned())
            .stack_size(64 << 10)
            .spawn(move || {
                if let Ok((child, group)) = handed.recv() {
                    group::watch(child, &group, &tell, &released);
                }
            })
            .map_err(|cause| self.refused(cause))?;
        let mut child = start(&mut command).map_err(|cause| self.refused(cause))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let id = child.id();
        let group = Arc::new(Group::led_by(&child));
        // The thread waits for just this; it cannot have ended before.
        let _ = hand.send((child, group.clone()));
        let mut process = Process {
            id,
            group,
            life,
            release: Some(release),
            stdin: None,
            stdout: None,
            stderr: Drain::default(),
            remote: None,
            settling: None,
            outcome: None,
            dir: None,
        };
        // From here on a failure drops `process`, which ends and reaps the child.
        let piped = |cause| self.refused(cause);
        if let Some(stdin) = pipes.0 {
            raise(&stdin);
            process.stdin = Some(ChildStdin::from_std(stdin).map_err(piped)?);
        }
        if let Some(stdout) = pipes.1 {
            raise(&stdout);
            process.stdout = Some(ChildStdout::from_std(stdout).map_err(piped)?);
        }
        if let Some(stderr) = pipes.2 {
            let pipe = ChildStderr::from_std(stderr).map_err(piped)?;
            process.stderr = Drain::start(
                pipe,
                self.longest_line.unwrap_or(stderr::LONGEST),
                self.stderr.clone(),
            );
        }
        Ok(process)
    }

    /// The system's refusal, told by what it most likely means.
    fn refused(&self, cause: io::Error) -> Error {
        let path = &self.program.path;
        let (code, message) = match cause
            .raw_os_error()
            .map(rustix::io::Errno::from_raw_os_error)
        {
            _ if !self.cwd.is_dir() => (
                &code::LAUNCH_FAILED,
                format!(
                    "the working directory {} does not exist",
                    self.cwd.display()
                ),
            ),
            Some(rustix::io::Errno::NOENT) if path.exists() => (
                &code::PROGRAM_NOT_FOUND,
                "the interpreter that the program's first line names does not exist".to_owned(),
            ),
            Some(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => (
                &code::PROGRAM_NOT_FOUND,
                "the program does not exist".to_owned(),
            ),
            Some(rustix::io::Errno::ACCESS) => (
                &code::PROGRAM_NOT_FOUND,
                "the program is not executable".to_owned(),
            ),
            Some(rustix::io::Errno::NOEXEC) => (
                &code::LAUNCH_FAILED,
                "the program is neither a native executable of this machine nor a script whose \
                 first line names its interpreter (`#!…`)"
                    .to_owned(),
            ),
            _ => (
                &code::LAUNCH_FAILED,
                "the process could not be started".to_owned(),
            ),
        };
        Error::new(code, message)
            .with("program", path.display())
            .caused_by(cause)
    }
}

/// Starts the command. A file that somebody still writes cannot be run (ETXTBSY); where several
/// threads start processes, a just written file can be held open for a moment by the copy of the
/// file table in another's child, so this is tried again for a moment.
fn start(command: &mut Command) -> io::Result<Child> {
    for _ in 0..20 {
        match command.spawn() {
            Err(cause) if cause.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(Duration::from_millis(5));
            }
            started => return started,
        }
    }
    command.spawn()
}

/// Best effort: users without privilege have a limit on all their pipes together.
fn raise(pipe: &impl std::os::fd::AsFd) {
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_BYTES);
}

/// A started process and its group. Drop kills what is left of the group, and reaps.
pub struct Process {
    id: u32,
    group: Arc<Group>,
    life: watch::Receiver<Life>,
    /// Dropped to let the thread sweep the group and reap the leader.
    release: Option<mpsc::Sender<()>>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Drain,
    /// What the process is only the client of.
    remote: Option<Arc<dyn Remote>>,
    settling: Option<JoinHandle<Outcome>>,
    outcome: Option<Outcome>,
    /// Its configuration; gone with the process (P10).
    dir: Option<PrivateDir>,
}

impl Process {
    /// The process with the directory that is to be removed when it is dropped.
    pub(crate) fn keeping(mut self, dir: PrivateDir) -> Self {
        self.dir = Some(dir);
        self
    }

    /// Keeps what the process wrote where it stood, if it is one whose files are kept, and says where. `None` if there
    /// is nothing.
    #[must_use]
    pub fn keep_files(&self) -> Option<Kept> {
        self.dir.as_ref()?.keep()
    }

    /// The process as the client of something that runs elsewhere: the two end together, and the exit
    /// is that of the other.
    pub(crate) fn attached_to(mut self, remote: Arc<dyn Remote>) -> Self {
        self.remote = Some(remote);
        self
    }

    /// The process's id, which is its group's as well.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The pipe to its stdin, once. Dropping the pipe ends its input.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// The pipe from its stdout, once. Whoever takes it must drain it; a process whose stdout
    /// nobody reads stands still.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// Waits for the leader's end, whoever of its children may live on and hold its pipes: sweep
    /// those by [`stop`](Self::stop) or drop. All lines that the leader wrote to stderr have been
    /// passed on when this returns. May be dropped and called again at any time. Closes a stdin
    /// that nobody took.
    ///
    /// # Errors
    /// `launch.failed` if the system lost the process's exit code.
    pub async fn wait(&mut self) -> Result<Exit> {
        drop(self.stdin.take());
        let exit = self.ended().await?;
        self.stderr.flush().await;
        self.settled(exit).await
    }

    /// Ends the process and everything in its group (P8): SIGTERM, and after `grace` SIGKILL.
    /// Members that outlive the leader have the rest of the grace for as long as they hold its
    /// stderr. Also right after the process ended by itself, to sweep its group.
    ///
    /// # Errors
    /// `launch.failed` if the system lost the process's exit code or cannot kill it.
    pub async fn stop(&mut self, grace: Duration) -> Result<Exit> {
        drop(self.stdin.take());
        let deadline = Instant::now() + grace;
        self.signal_stop();
        if timeout_at(deadline, self.ended()).await.is_ok() {
            let _ = timeout_at(deadline, self.stderr.ended()).await;
        }
        self.kill();
        let exit = timeout(UNKILLABLE, self.ended()).await.map_err(|_| {
            Error::new(
                &code::LAUNCH_FAILED,
                "the process did not end although it was killed",
            )
            .with("pid", self.id)
            .hint("it hangs in the system, most often on a network file system; see `ps`")
        })??;
        self.stderr.flush().await;
        self.release = None;
        // The thread ends the wait by its own end, too, so this cannot hang.
        let _ = self.life.wait_for(|life| *life == Life::Reaped).await;
        self.settled(exit).await
    }

    /// SIGKILL to the group at once.
    pub fn kill(&mut self) {
        self.stop_handle().kill();
    }

    /// SIGTERM to the group, no more.
    pub fn signal_stop(&self) {
        self.stop_handle().term();
    }

    /// Why it ended, where whoever ran it for us knows more than its exit says. Known once
    /// [`wait`](Self::wait) or [`stop`](Self::stop) has returned.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        self.outcome.as_ref()?.reason.as_ref()
    }

    /// A handle by which another task can ask the process to end.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle {
            group: self.group.clone(),
            remote: self.remote.clone(),
        }
    }

    /// The last 20 lines of stderr so far.
    #[must_use]
    pub fn stderr_tail(&self) -> Vec<String> {
        self.stderr.tail()
    }

    /// The exit in the end: what ran elsewhere has its own, and is gone when this returns (P8).
    async fn settled(&mut self, exit: Exit) -> Result<Exit> {
        let Some(remote) = &self.remote else {
            return Ok(exit);
        };
        if let Some(outcome) = &self.outcome {
            return Ok(outcome.exit);
        }
        // A task, since whoever waits may be dropped and come again.
        let settling = self.settling.get_or_insert_with(|| {
            let remote = remote.clone();
            tokio::spawn(async move { remote.settle(exit).await })
        });
        let outcome = settling.await.map_err(|cause| {
            Error::new(&code::INTERNAL, "the task that ends a container died").caused_by(cause)
        })?;
        self.settling = None;
        Ok(self.outcome.insert(outcome).exit)
    }

    async fn ended(&mut self) -> Result<Exit> {
        // Once the thread is gone, what it told last is what there is.
        let _ = self.life.wait_for(|life| *life != Life::Running).await;
        self.group.exit().ok_or_else(|| {
            Error::new(
                &code::LAUNCH_FAILED,
                "the process ended and the system does not say how",
            )
            .with("pid", self.id)
            .hint("is SIGCHLD ignored by the program that started Crossdock?")
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // P8: nothing that was started outlives its owner. The thread reaps the leader.
        self.kill();
    }
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process")
            .field("id", &self.id)
            .field("life", &*self.life.borrow())
            .finish_non_exhaustive()
    }
}

/// Asks a process to end, from any task. Does nothing once the process is reaped.
#[derive(Clone, Debug)]
pub struct StopHandle {
    group: Arc<Group>,
    /// What the process is only the client of.
    remote: Option<Arc<dyn Remote>>,
}

impl StopHandle {
    /// SIGTERM to the group, no more. Of a container: to what runs in it, for a client that is asked
    /// to end may do so at once and leave what the connector still says unread.
    pub fn term(&self) {
        match &self.remote {
            None => self.group.signal(Signal::TERM),
            Some(remote) => remote.ask(),
        }
    }

    /// SIGKILL to the group. A container is removed.
    pub fn kill(&self) {
        if let Some(remote) = &self.remote {
            remote.end();
        }
        self.group.signal(Signal::KILL);
    }
}
