//! A Docker engine for the tests alone: own data, own socket, own number, below the cache.
//!
//! Whatever engine the machine has is left alone, and no rule of its firewall is touched: containers of the tests have
//! no network, or the host's. The data stay, so that images need not be made again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::environment;
use crate::workspace;

/// How long an engine may take to begin or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running engine. It is ended when this is dropped.
pub(crate) struct Engine {
    folder: PathBuf,
    child: Option<Child>,
    /// One run at a time: two engines cannot have the same data.
    _lock: File,
}

/// Installs what is missing: the engine, and the client that Debian has apart in later versions.
pub(crate) fn prepare() -> Result<()> {
    let is_missing = |program: &str| Command::new(program).arg("--version").output().is_err();
    for (program, package) in [("dockerd", "docker.io"), ("docker", "docker-cli")] {
        if is_missing(program) {
            super::install(&[package])?;
        }
    }
    Ok(())
}

impl Engine {
    /// Starts the engine, or takes over one that a run that was killed left behind.
    pub(crate) fn start() -> Result<Self> {
        prepare()?;
        Self::start_in(environment::cache()?.join("docker"))
    }

    fn start_in(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        if lock.try_lock().is_err() {
            println!("    waiting for another run that tests with Docker");
            lock.lock()?;
        }
        let mut engine = Self {
            folder,
            child: None,
            _lock: lock,
        };
        if !engine.answers() {
            engine.launch()?;
        }
        Ok(engine)
    }

    /// Where it listens, as `DOCKER_HOST` has it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.path("sock").display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn launch(&mut self) -> Result<()> {
        let log = File::create(self.path("log"))?;
        // What an engine that was killed left would keep the next one from starting, down to the number of its
        // helper: where nobody asks about dead processes, that one seems to live.
        for name in ["pid", "sock", "exec/containerd/containerd.pid"] {
            let _ = fs::remove_file(self.path(name));
        }
        let mut command = Command::new("dockerd");
        command
            .args(["--iptables=false", "--bridge=none"])
            .arg("--data-root")
            .arg(self.path("data"))
            .arg("--exec-root")
            .arg(self.path("exec"))
            .arg("--pidfile")
            .arg(self.path("pid"))
            .args(["--host", &self.host()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", workspace::name(&command)))?;
        self.child = Some(child);
        let begin = Instant::now();
        while !self.answers() {
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok())
                .flatten();
            if ended.is_some() || begin.elapsed() > PATIENCE {
                bail!(
                    "Docker's engine does not begin:\n{}",
                    end_of(&self.path("log"))
                );
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let mut client = Command::new("docker");
        client
            .env("DOCKER_HOST", self.host())
            .args(["version", "--format", "{{.Server.Version}}"])
            .stdin(Stdio::null());
        client.output().is_ok_and(|output| output.status.success())
    }

    /// The number of the engine's process, as it noted it itself.
    fn process(&self) -> Option<String> {
        let noted = fs::read_to_string(self.path("pid")).ok()?;
        noted.trim().parse::<u32>().ok().map(|id| id.to_string())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(process) = self.process() else {
            return;
        };
        let _ = Command::new("kill").args(["-TERM", &process]).status();
        let begin = Instant::now();
        let lives = |child: &mut Option<Child>| match child {
            Some(child) => child.try_wait().is_ok_and(|ended| ended.is_none()),
            None => Path::new("/proc").join(&process).exists(),
        };
        while lives(&mut self.child) && begin.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn end_of(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_begins_answers_and_ends() {
        let is_there = Command::new("dockerd").arg("--version").output().is_ok();
        let id = workspace::output(Command::new("id").arg("-u")).unwrap();
        if !is_there || id.trim() != "0" {
            assert!(
                std::env::var_os("CROSSDOCK_TEST_REQUIRED").is_none(),
                "`dockerd` and root are needed"
            );
            return;
        }
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("docker");
        let engine = Engine::start_in(folder.clone()).unwrap();
        assert!(engine.answers());
        let process = Path::new("/proc").join(engine.process().unwrap());
        assert!(process.exists());
        drop(engine);
        // Ended by us and asked about, it is gone for good.
        assert!(!process.exists());
        // One that another run left is taken over, and ended as well.
        let mut left = Engine::start_in(folder.clone()).unwrap();
        let mut child = left.child.take().unwrap();
        let process = child.id();
        std::mem::forget(left);
        let taken = Engine {
            folder,
            child: None,
            _lock: File::open(place.path()).unwrap(),
        };
        assert!(taken.answers());
        assert_eq!(taken.process(), Some(process.to_string()));
        let waiting = std::thread::spawn(move || child.wait().unwrap());
        drop(taken);
        waiting.join().unwrap();
    }
}
