//! A conversation with one process, and what was said in it.

use std::time::Duration;

use crossdock_launch::Exit;
use serde_json::{Value, json};

use super::peer::{Channel, Heard};
use crate::{From, Line, Outcome, broken};

/// How long an answer may take …
pub(super) const ANSWER: Duration = Duration::from_secs(30);
/// … that of a write of much …
pub(super) const WRITE: Duration = Duration::from_secs(120);
/// … the end of a process …
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// … and something that is not to come.
const QUIET: Duration = Duration::from_millis(300);

/// How long the last words of a process may take that has closed its stdout.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Lines of one answer are given up after so many.
const MOST_LINES: usize = 100_000;
/// How many lines of a conversation stand in a finding, at most.
const SHOWN: usize = 12;

/// What is wrong with a line as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    NotUtf8,
    NotAnObject,
    UnknownType,
    CarriageReturn,
}

/// What came after a command.
pub(super) struct Answer {
    /// Everything before the line that ends it.
    pub(super) before: Vec<Value>,
    /// The line that ends it: `ready`, `done`, `error`, `pong`.
    pub(super) last: Option<Value>,
    /// Whether stdout has ended.
    over: bool,
}

impl Answer {
    /// Whether a line of this type ends it.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.last.as_ref().is_some_and(|last| last["type"] == kind)
    }

    /// What ends it, for a person.
    pub(super) fn kind(&self) -> String {
        match &self.last {
            Some(last) => format!("`{}`", last["type"].as_str().unwrap_or("?")),
            None if self.over => "the end of stdout".to_owned(),
            None => "nothing".to_owned(),
        }
    }

    /// Its lines of this type before the end.
    pub(super) fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let kind = kind.to_owned();
        self.before.iter().filter(move |line| line["type"] == kind)
    }
}

/// A conversation with one process.
pub(super) struct Talk {
    channel: Box<dyn Channel>,
    said: Vec<Line>,
    /// Lines that are not as they should be, and where they stand in what was said.
    pub(super) flaws: Vec<(Flaw, usize)>,
}

impl Talk {
    pub(super) fn new(channel: Box<dyn Channel>) -> Self {
        Self {
            channel,
            said: Vec::new(),
            flaws: Vec::new(),
        }
    }

    /// Sends bytes as they are; a person sees `shown`.
    pub(super) async fn send(&mut self, bytes: &[u8], shown: impl Into<String>) {
        self.said.push(Line::new(From::Battery, shown));
        if !self.channel.send(bytes, WRITE).await {
            self.event("it did not take that");
        }
    }

    /// Sends a command, and hears its answer.
    pub(super) async fn ask(&mut self, command: &Value, wait: Duration) -> Answer {
        self.tell(command).await;
        self.answer(wait).await
    }

    /// Sends a command.
    pub(super) async fn tell(&mut self, command: &Value) {
        self.send(format!("{command}\n").as_bytes(), shown(command))
            .await;
    }

    /// Sends a line as it stands, and hears its answer.
    pub(super) async fn ask_text(&mut self, line: &str) -> Answer {
        self.send(format!("{line}\n").as_bytes(), line).await;
        self.answer(ANSWER).await
    }

    /// Hears the answer to what was sent.
    pub(super) async fn answer(&mut self, wait: Duration) -> Answer {
        let mut answer = Answer {
            before: Vec::new(),
            last: None,
            over: false,
        };
        while answer.before.len() < MOST_LINES {
            match self.next(wait).await {
                Next::Message(message) => {
                    let kind = message["type"].as_str();
                    if matches!(kind, Some("ready" | "done" | "error" | "pong")) {
                        answer.last = Some(message);
                        break;
                    }
                    answer.before.push(message);
                }
                Next::Other => {}
                Next::Nothing => break,
                Next::End => {
                    answer.over = true;
                    break;
                }
            }
        }
        answer
    }

    /// The next line.
    pub(super) async fn next(&mut self, wait: Duration) -> Next {
        let line = match self.channel.line(wait).await {
            Heard::Line(line) => line,
            Heard::End => {
                // Its last words on stderr come with its end, which is near, most often.
                let _ = self.channel.ended(LAST_WORDS).await;
                self.event("stdout ended");
                return Next::End;
            }
            Heard::Nothing => {
                self.event("nothing came");
                return Next::Nothing;
            }
        };
        let at = self.said.len();
        let text = String::from_utf8_lossy(&line);
        self.said.push(Line::new(From::Connector, text.trim_end()));
        if std::str::from_utf8(&line).is_err() {
            self.flaws.push((Flaw::NotUtf8, at));
        }
        if text.ends_with('\r') {
            self.flaws.push((Flaw::CarriageReturn, at));
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(message @ Value::Object(_)) => {
                const KNOWN: [&str; 6] =
                    ["ready", "message", "done", "error", "checkpoint", "pong"];
                if !message["type"]
                    .as_str()
                    .is_some_and(|kind| KNOWN.contains(&kind))
                {
                    self.flaws.push((Flaw::UnknownType, at));
                }
                Next::Message(message)
            }
            _ => {
                self.flaws.push((Flaw::NotAnObject, at));
                Next::Other
            }
        }
    }

    /// What it says although nothing is asked.
    pub(super) async fn unasked(&mut self) -> bool {
        !matches!(self.next(QUIET).await, Next::Nothing)
    }

    /// Pings. What came before the answer belongs to what was asked before.
    pub(super) async fn ping(&mut self) -> Answer {
        self.ask(&json!({"cmd": "ping"}), ANSWER).await
    }

    /// It still answers, and has said nothing since its last answer.
    pub(super) async fn is_well(&mut self) -> Outcome {
        let answer = self.ping().await;
        if !answer.is("pong") {
            return broken(
                format!("a `ping` after that was answered by {}", answer.kind()),
                self.shown(),
            );
        }
        match answer
            .before
            .iter()
            .find(|line| line["type"] != "checkpoint")
        {
            None => Ok(()),
            Some(_) => broken("it said more than its answer", self.shown()),
        }
    }

    /// The answer is of this type.
    pub(super) fn expect(&self, answer: &Answer, kind: &str, to: &str) -> Outcome {
        match answer.is(kind) {
            true => Ok(()),
            false => {
                let seen = format!("{to} was answered by {}, not by `{kind}`", answer.kind());
                broken(seen, self.shown())
            }
        }
    }

    /// Refuses a command, by one error with a message, and goes on.
    pub(super) async fn refuses(&mut self, line: &str, what: &str) -> Outcome {
        let answer = self.ask_text(line).await;
        self.expect(&answer, "error", what)?;
        self.is_well().await
    }

    /// Reads nothing for so long.
    pub(super) async fn pause(&mut self, time: Duration) {
        self.event("nothing is read from stdout for a while");
        self.channel.pause(time).await;
    }

    pub(super) fn terminate(&mut self) {
        self.event("SIGTERM");
        self.channel.terminate();
    }

    pub(super) fn kill(&mut self) {
        self.event("SIGKILL");
        self.channel.kill();
    }

    pub(super) fn close_input(&mut self) {
        self.event("stdin ended");
        self.channel.close_input();
    }

    /// Hears it out, and waits for its end.
    pub(super) async fn ended(&mut self) -> Option<Exit> {
        for _ in 0..MOST_LINES {
            if matches!(self.next(GRACE).await, Next::End | Next::Nothing) {
                break;
            }
        }
        let exit = self.channel.ended(GRACE).await;
        self.event(match exit {
            None => "it did not end".to_owned(),
            Some(exit) => exit.in_words(),
        });
        exit
    }

    /// Waits for its end, and hears nothing more.
    pub(super) async fn ended_within(&mut self, wait: Duration) {
        let _ = self.channel.ended(wait).await;
    }

    /// Ends with status 0.
    pub(super) async fn ends_well(&mut self) -> Outcome {
        match self.ended().await {
            Some(exit) if exit.success() => Ok(()),
            Some(exit) => broken(exit.in_words(), self.shown()),
            None => broken("it did not end within 10 s", self.shown()),
        }
    }

    fn event(&mut self, text: impl Into<String>) {
        self.said.push(Line::new(From::Event, text));
    }

    /// The end of the conversation for a person.
    pub(super) fn shown(&self) -> Vec<Line> {
        self.shown_at(self.said.len())
    }

    /// The conversation around a line for a person.
    pub(super) fn shown_at(&self, at: usize) -> Vec<Line> {
        let after = (at + SHOWN / 2).min(self.said.len());
        let first = after.saturating_sub(SHOWN);
        let mut shown = Vec::new();
        if first > 0 {
            shown.push(Line::new(From::Event, format!("{first} lines")));
        }
        shown.extend_from_slice(&self.said[first..after]);
        let stderr = self.channel.stderr();
        let stderr = stderr.iter().rev().take(SHOWN / 2).rev();
        shown.extend(stderr.map(|text| Line::new(From::Stderr, text.as_str())));
        shown
    }
}

/// What came next.
pub(super) enum Next {
    /// An object.
    Message(Value),
    /// A line that is none.
    Other,
    /// Nothing within the time.
    Nothing,
    /// The end of stdout.
    End,
}

/// A command for a person: of a configuration nothing is shown.
pub(super) fn shown(command: &Value) -> String {
    let mut command = command.clone();
    if let Some(config) = command.get_mut("config") {
        *config = json!("…");
    }
    command
        .to_string()
        .replace("\"config\":\"…\"", "\"config\":{…}")
}
