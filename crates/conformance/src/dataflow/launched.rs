//! A connector that is a program.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::Result;
use crossdock_core::line::LineBuffer;
use crossdock_core::session::Session;
use crossdock_launch::{Call, Exit, Launcher, Process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout, timeout_at};

use super::peer::{Channel, Heard, Peer};
use crate::tail::Tail;

/// The longest line that is read: what a battery reads is held in memory.
const LONGEST_LINE: usize = 256 << 20;

/// A connector that is a program.
pub struct Launched {
    launcher: Arc<dyn Launcher>,
    session: Session,
    longest: Duration,
}

impl Launched {
    /// A program, waited for as long as processors wait.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>, session: Session) -> Self {
        Self {
            launcher,
            session,
            longest: Duration::MAX,
        }
    }

    /// The same with less patience: nothing is waited for longer than that.
    #[must_use]
    pub fn hurried(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }
}

impl std::fmt::Debug for Launched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Launched").field(&self.launcher).finish()
    }
}

#[async_trait]
impl Peer for Launched {
    async fn open(&self) -> Result<Box<dyn Channel>> {
        let stderr = Tail::default();
        let call = Call {
            words: Vec::new(),
            env: Vec::new(),
            folder: None,
            stdin: true,
            keeps_files: false,
            stderr: Arc::new(stderr.clone()),
        };
        let mut process = self.launcher.start(call, &self.session).await?;
        Ok(Box::new(Piped {
            stdin: process.take_stdin(),
            stdout: process.take_stdout(),
            process,
            buffer: LineBuffer::new(LONGEST_LINE),
            lines: VecDeque::new(),
            stderr,
            longest: self.longest,
        }))
    }
}

/// A process and its pipes. Stdout is read only while somebody listens, so that a slow reader is one.
struct Piped {
    process: Process,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    buffer: LineBuffer,
    lines: VecDeque<Bytes>,
    stderr: Tail,
    longest: Duration,
}

impl Piped {
    /// Cuts whole lines off.
    fn add(&mut self, mut run: Bytes) {
        while let Some(end) = run.iter().position(|byte| *byte == b'\n') {
            let mut line = run.split_to(end + 1);
            line.truncate(end);
            self.lines.push_back(line);
        }
    }

    /// Reads once more. Stdout is given up where it ends, or has a line without end.
    async fn read(&mut self) {
        let Some(stdout) = &mut self.stdout else {
            return;
        };
        let read = stdout.read_buf(self.buffer.space()).await;
        let goes_on = matches!(read, Ok(count) if count > 0);
        match self.buffer.take() {
            Ok(run) if goes_on => {
                if let Some(run) = run {
                    self.add(run);
                }
            }
            _ => {
                self.stdout = None;
                if let Some(rest) = self.buffer.rest() {
                    self.add(rest);
                }
            }
        }
    }
}

#[async_trait]
impl Channel for Piped {
    async fn send(&mut self, bytes: &[u8], wait: Duration) -> bool {
        let Some(stdin) = &mut self.stdin else {
            return false;
        };
        let sending = async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        };
        matches!(timeout(wait.min(self.longest), sending).await, Ok(Ok(())))
    }

    async fn line(&mut self, wait: Duration) -> Heard {
        let deadline = Instant::now() + wait.min(self.longest);
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Heard::Line(line);
            }
            if self.stdout.is_none() {
                return Heard::End;
            }
            if timeout_at(deadline, self.read()).await.is_err() {
                return Heard::Nothing;
            }
        }
    }

    async fn pause(&mut self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn close_input(&mut self) {
        self.stdin = None;
    }

    fn terminate(&mut self) {
        self.process.signal_stop();
    }

    fn kill(&mut self) {
        self.process.kill();
    }

    async fn ended(&mut self, wait: Duration) -> Option<Exit> {
        let waited = timeout(wait.min(self.longest), self.process.wait()).await;
        waited.ok()?.ok()
    }

    fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }
}
