//! A connector's process: commands go in, lines come out, and one does not wait for the other.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::line::LineBuffer;
use crossdock_launch::{Exit, Process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::time::{Instant, timeout, timeout_at};

use super::failure;
use super::talk::Talk;
use crate::wire::{Line, Ready, Response, classify, write_close};

/// Once the process has ended, how long something that it left behind may hold its output.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Between two pings there are so many times the time that one may take.
const PINGS: u32 = 3;
/// Of a line that cannot be read, so much is shown.
const EXCERPT: usize = 300;

/// A running connector.
#[derive(Debug)]
pub(super) struct Peer {
    process: Process,
    stdin: Option<ChildStdin>,
    /// What it has not been told yet.
    outgoing: VecDeque<Bytes>,
    stdout: Option<ChildStdout>,
    lines: LineBuffer,
    exit: Option<Exit>,
    talk: Talk,
    /// Checkpoints that came between two commands.
    late: Vec<Json>,
}

impl Peer {
    pub(super) fn new(mut process: Process, talk: Talk) -> Self {
        Self {
            stdin: process.take_stdin(),
            outgoing: VecDeque::new(),
            stdout: process.take_stdout(),
            lines: LineBuffer::new(talk.limits().max_line_bytes),
            exit: None,
            process,
            talk,
            late: Vec::new(),
        }
    }

    pub(super) fn talk(&self) -> &Talk {
        &self.talk
    }

    /// How often it is asked whether it is alive, while nothing else is.
    pub(super) fn ping_interval(&self) -> Duration {
        self.talk.limits().answers.ping * PINGS
    }

    /// Tells it something, as soon as somebody waits for [`Peer::step`].
    pub(super) fn tell(&mut self, command: impl Into<Bytes>) {
        self.outgoing.push_back(command.into());
    }

    /// Goes on telling and listening until lines have come: whole ones, line ends included. `None`: its
    /// output is over. May be dropped and called again at any time.
    pub(super) async fn step(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(stdout) = &mut self.stdout else {
                return Ok(None);
            };
            let patience = async {
                match self.exit {
                    Some(_) => tokio::time::sleep(LAST_WORDS).await,
                    None => std::future::pending().await,
                }
            };
            let read = tokio::select! {
                biased;
                read = stdout.read_buf(self.lines.space()) => read,
                told = put(&mut self.stdin, &mut self.outgoing) => {
                    if told.is_err() {
                        // Why it no longer listens is for its output and its exit to say.
                        self.stdin = None;
                        self.outgoing.clear();
                    }
                    continue;
                }
                exit = self.process.wait(), if self.exit.is_none() => {
                    self.exit = Some(exit?);
                    continue;
                }
                () = patience => {
                    self.talk.warn("the connector left processes behind; they are stopped");
                    Ok(0)
                }
            };
            let count = read.map_err(|cause| {
                let error = Error::new(&code::IO, "the connector's output cannot be read");
                self.talk.error(error.caused_by(cause))
            })?;
            self.talk.alive();
            if count == 0 {
                self.stdout = None;
                return Ok(self.lines.rest());
            }
            let run = self.lines.take().map_err(|too_long| {
                let error = Error::new(&code::LINE_TOO_LONG, too_long.to_string());
                self.talk.error(error)
            })?;
            if run.is_some() {
                return Ok(run);
            }
        }
    }

    /// Reads a line that is not a message of a source. `None`: it says nothing.
    pub(super) fn hear(&mut self, line: &[u8]) -> Result<Option<Response>> {
        match classify(line) {
            Line::Blank => Ok(None),
            Line::Text(text) => {
                self.talk.printed(&String::from_utf8_lossy(text));
                Ok(None)
            }
            Line::Object(line) => match Response::read(line) {
                Ok(Response::Unknown(kind)) => {
                    let text = format!(
                        "the connector says `{kind}`, which is not known; it is passed over"
                    );
                    self.talk.warn(&text);
                    Ok(None)
                }
                Ok(response) => Ok(Some(response)),
                Err(fault) => Err(self.unreadable(line, &fault)),
            },
        }
    }

    /// The error for a line that cannot be read.
    pub(super) fn unreadable(&self, line: &[u8], fault: &dyn std::fmt::Display) -> Error {
        let excerpt = &line[..line.len().min(EXCERPT)];
        let error = Error::new(
            &code::RECORD_UNREADABLE,
            "a line of the connector cannot be read",
        );
        let error = error.with("line", String::from_utf8_lossy(excerpt));
        self.talk.error(error.caused_by(fault.to_string()))
    }

    /// Tells it `command` and waits for the end of it.
    pub(super) async fn ask(
        &mut self,
        name: &'static str,
        command: Vec<u8>,
        limit: Duration,
    ) -> Result<Response> {
        self.tell(command);
        let deadline = Instant::now() + limit;
        loop {
            let step = timeout_at(deadline, self.step()).await;
            let run = match step.map_err(|_| self.silent(name, limit))?? {
                Some(run) => run,
                None => return Err(self.gone(Some(name)).await),
            };
            let mut answer = None;
            for line in run.split_inclusive(|byte| *byte == b'\n') {
                match self.hear(line)? {
                    None => {}
                    Some(Response::Checkpoint(value)) => {
                        let line = line.trim_ascii_start();
                        self.late
                            .push(Json::from_scanned(Bytes::copy_from_slice(&line[value])));
                    }
                    Some(Response::Error(failure)) => {
                        let error = failure::error(&self.talk, &failure);
                        return Err(error.with("command", name));
                    }
                    Some(Response::Message(_)) => return Err(self.out_of_place(name, "a message")),
                    Some(other) => answer = Some(other),
                }
            }
            if let Some(answer) = answer {
                return Ok(answer);
            }
        }
    }

    /// Checkpoints that came between two commands.
    pub(super) fn take_late(&mut self) -> Vec<Json> {
        std::mem::take(&mut self.late)
    }

    /// Asks something that is to be answered by `ready`.
    pub(super) async fn ready(
        &mut self,
        name: &'static str,
        command: Vec<u8>,
        limit: Duration,
    ) -> Result<Ready> {
        match self.ask(name, command, limit).await? {
            Response::Ready(ready) => Ok(ready),
            _ => Err(self.out_of_place(name, "something else than `ready`")),
        }
    }

    /// The error for an answer that does not belong to the question.
    pub(super) fn out_of_place(&self, name: &str, what: &str) -> Error {
        let error = Error::new(
            &code::CONNECTOR_NO_ANSWER,
            format!("the connector answered `{name}` by {what}"),
        );
        self.talk.error(error)
    }

    /// The error for an answer that did not come in time.
    pub(super) fn silent(&self, name: &'static str, limit: Duration) -> Error {
        let error = Error::new(
            &code::CONNECTOR_TIMEOUT,
            format!("the connector did not answer `{name}`"),
        );
        let error = error
            .with("limit", format!("{} s", limit.as_secs_f64()))
            .hint(format!(
                "raise `settings.answers.{name}` if the connector needs longer"
            ));
        self.talk.error(error)
    }

    /// The error for an output that ended while `command` was to be answered, or, without one, while nobody had
    /// asked for anything.
    pub(super) async fn gone(&mut self, command: Option<&str>) -> Error {
        let grace = self.talk.limits().grace;
        if self.exit.is_none()
            && let Ok(Ok(exit)) = timeout(grace, self.process.wait()).await
        {
            self.exit = Some(exit);
        }
        let (code, how) = match self.exit {
            Some(exit @ Exit::Signal(_)) => (&code::CONNECTOR_KILLED, exit.in_words()),
            Some(exit) => (
                &code::CONNECTOR_EXIT,
                format!("ended with {}", exit.in_words()),
            ),
            None => (
                &code::CONNECTOR_EXIT,
                "closed its output and went on".to_owned(),
            ),
        };
        let was = match self.exit {
            Some(Exit::Signal(_)) => "was ",
            _ => "",
        };
        let when = match command {
            Some(command) => format!("before it answered `{command}`"),
            None => "although nobody asked it to".to_owned(),
        };
        let message = format!("the connector {was}{how} {when}");
        let mut error = Error::new(code, message);
        let stderr = self.process.stderr_tail();
        if !stderr.is_empty() {
            error = error.with("stderr", stderr.join("\n"));
        }
        let lines = self.talk.last_lines();
        if !lines.is_empty() {
            error = error.with("output", lines.join("\n"));
        }
        self.talk.error(error)
    }

    /// Asks it to close, if nothing is open and it still listens, then ends its process (P8).
    pub(super) async fn close(&mut self, is_idle: bool, patience: Duration) -> Result<()> {
        if is_idle && self.stdout.is_some() && self.exit.is_none() {
            let mut command = Vec::new();
            write_close(&mut command);
            if let Err(error) = self.ask("close", command, patience).await {
                self.talk.warn(&format!(
                    "the connector did not close well: {}",
                    error.message()
                ));
            }
        }
        // The end of its input says the same once more.
        self.stdin = None;
        let grace = self.talk.limits().grace;
        if self.exit.is_none() && is_idle {
            let end = timeout(grace / 2, self.ended()).await;
            if let Ok(Ok(exit)) = end
                && !exit.success()
            {
                let text = format!("the connector ended with {} after `close`", exit.in_words());
                self.talk.warn(&text);
            }
        }
        self.process.stop(grace / 2).await.map(drop)
    }

    async fn ended(&mut self) -> Result<Exit> {
        while self.step().await?.is_some() {}
        match self.exit {
            Some(exit) => Ok(exit),
            None => self.process.wait().await,
        }
    }
}

/// Writes what is to be told. Waits for ever if there is nothing.
async fn put(
    stdin: &mut Option<ChildStdin>,
    outgoing: &mut VecDeque<Bytes>,
) -> std::io::Result<()> {
    let (Some(stdin), Some(first)) = (stdin, outgoing.front_mut()) else {
        return std::future::pending().await;
    };
    let count = stdin.write(first).await?;
    first.advance(count);
    if first.is_empty() {
        outgoing.pop_front();
        stdin.flush().await?;
    }
    Ok(())
}
