//! A running connector and its output: reads, decodes, and knows when there is nothing more to
//! come, also where a child of the connector keeps the pipe open (§2.3; §6, 18).

use std::time::Duration;

use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::line::LineBuffer;
use crossdock_launch::{Exit, Process, StopHandle};
use tokio::io::AsyncReadExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout};

use super::exit::End;
use crate::talk::{PIECE, Talk};
use crate::wire::{Decoder, Message};

/// Once the group is stopped, how long to wait for what is left in the pipe.
const LAST_WORDS: Duration = Duration::from_secs(1);

#[derive(Debug)]
struct Output {
    stdout: Option<ChildStdout>,
    lines: LineBuffer,
    decoder: Decoder,
    truncated: Option<String>,
}

/// A running connector, seen from its output.
#[derive(Debug)]
pub(super) struct Peer {
    process: Process,
    output: Output,
    exit: Option<Exit>,
    /// Time left to wait for the end of the output after the leader's end.
    patience: Duration,
    swept: bool,
    talk: Talk,
}

impl Peer {
    pub(super) fn new(mut process: Process, talk: Talk) -> Self {
        let output = Output {
            stdout: process.take_stdout(),
            lines: LineBuffer::new(talk.limits().max_line_bytes),
            decoder: Decoder::new(),
            truncated: None,
        };
        Self {
            process,
            output,
            exit: None,
            patience: talk.limits().grace,
            swept: false,
            talk,
        }
    }

    pub(super) fn talk(&self) -> &Talk {
        &self.talk
    }

    pub(super) fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.process.take_stdin()
    }

    pub(super) fn stop_handle(&self) -> StopHandle {
        self.process.stop_handle()
    }

    /// Reads once and appends what was said to `messages`. `false` when the output is over. The
    /// future may be dropped and called again.
    pub(super) async fn next(&mut self, messages: &mut Vec<Message>) -> Result<bool> {
        loop {
            if self.output.stdout.is_none() {
                return Ok(false);
            }
            if self.exit.is_none() {
                tokio::select! {
                    biased;
                    read = self.output.read(messages) => return self.read(read),
                    exit = self.process.wait() => self.exit = Some(exit?),
                }
                continue;
            }
            // The leader is gone. What it printed is in the pipe; only waiting costs patience.
            let start = Instant::now();
            if let Ok(read) = timeout(self.patience, self.output.read(messages)).await {
                self.patience = self.patience.saturating_sub(start.elapsed());
                return self.read(read);
            }
            if self.swept {
                self.output.stdout = None;
            } else {
                // A child that it left behind holds the pipe.
                self.talk
                    .warn("the connector left processes behind; they are stopped");
                self.process.stop(Duration::ZERO).await?;
                self.swept = true;
                self.patience = LAST_WORDS;
            }
        }
    }

    fn read(&self, read: Result<bool>) -> Result<bool> {
        self.talk.alive();
        read.map_err(|error| self.talk.error(error))
    }

    /// How the run ended, once `next` returned `false`. A process that goes on after that is
    /// stopped after the grace period.
    pub(super) async fn end(&mut self) -> Result<End> {
        let grace = self.talk.limits().grace;
        if self.exit.is_none() {
            match timeout(grace, self.process.wait()).await {
                Ok(exit) => self.exit = Some(exit?),
                Err(_) => drop(self.process.stop(grace).await?),
            }
        }
        Ok(End {
            exit: self.exit,
            reason: self.process.reason().cloned(),
            truncated: self.output.truncated.clone(),
            stderr: self.stderr_tail(),
        })
    }

    /// Of a destination that has ended: files in its working directory would be gone with it, and the records in them,
    /// so they are kept, and it is told where.
    pub(super) fn keep_files(&self) {
        if let Some(kept) = self.process.keep_files() {
            self.talk.warn(&format!(
                "the destination wrote {} files into its working directory, e.g. {}; they are kept in {}. Give it absolute \
                 paths in its configuration",
                kept.files,
                kept.first.display(),
                kept.path.display()
            ));
        }
    }

    /// Kills the group: its grace period is over. What it printed can still be read.
    pub(super) fn kill(&mut self) {
        self.process.kill();
    }

    /// Asks, then kills (P8).
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<()> {
        self.process.stop(grace).await.map(drop)
    }

    /// Its last lines on stderr. Pieces of an over-long one are left out: a secret may lie across the
    /// cut, and half of it would not be recognised (P10).
    pub(super) fn stderr_tail(&self) -> Vec<String> {
        let mut cut = false;
        let mut lines = self.process.stderr_tail();
        lines.retain(|line| {
            let follows = std::mem::replace(&mut cut, line.len() >= PIECE);
            !follows && !cut
        });
        lines
    }
}

impl Output {
    async fn read(&mut self, messages: &mut Vec<Message>) -> Result<bool> {
        let Some(stdout) = &mut self.stdout else {
            return Ok(false);
        };
        let failed =
            |cause| Error::new(&code::IO, "the connector's output cannot be read").caused_by(cause);
        let count = stdout.read_buf(self.lines.space()).await.map_err(failed)?;
        let now = SystemClock.now_ms();
        if count == 0 {
            self.stdout = None;
            if let Some(rest) = self.lines.rest() {
                self.last(&rest, now, messages);
            }
            return Ok(true);
        }
        let run = self
            .lines
            .take()
            .map_err(|too_long| Error::new(&code::LINE_TOO_LONG, too_long.to_string()))?;
        if let Some(run) = run {
            self.decoder.decode(&run, now, messages);
        }
        Ok(true)
    }

    /// What follows the last line end: a message whose line end was forgotten, or half of one.
    fn last(&mut self, rest: &bytes::Bytes, now: i64, messages: &mut Vec<Message>) {
        let mut said = Vec::new();
        self.decoder.decode(rest, now, &mut said);
        for message in said {
            match message {
                Message::Unreadable { excerpt, .. } => self.truncated = Some(excerpt),
                Message::Text(text) if text.starts_with('{') && !text.ends_with('}') => {
                    self.truncated = Some(text);
                }
                other => messages.push(other),
            }
        }
    }
}
