//! A healthy source and a healthy sink in memory, and where a fault comes in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_conformance::Role;
use crossdock_conformance::dataflow::{Channel, Heard, Peer, Subject};
use crossdock_core::Result;
use crossdock_launch::Exit;
use serde_json::{Value, json};

use crate::memory::Memory;

/// How many messages the source has.
pub(super) const ROWS: usize = 50;
/// How many it sends if no limit is said.
const USUAL: usize = 30;

/// Changes what a healthy connector does.
pub(super) type Fault = fn(&Happening, &mut Process);

/// What happens to a process.
#[derive(PartialEq)]
pub(super) enum What {
    Start,
    /// A line came, in so many pieces.
    Line(usize),
    /// A piece of a line came.
    Piece,
    Pause,
    InputEnds,
    Terminated,
    Killed,
}

/// What happens, and what a fault may want to know of it.
pub(super) struct Happening {
    pub(super) what: What,
    /// The line, without `\n`.
    pub(super) text: String,
    /// The line as JSON, if it is.
    pub(super) command: Value,
    /// How many processes there were before this one.
    pub(super) before: usize,
}

impl Happening {
    pub(super) fn is(&self, command: &str) -> bool {
        self.command["cmd"] == command
    }
}

/// What a process is in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    New,
    Initialised,
    Connected,
    Closed,
}

pub(super) struct Process {
    role: Role,
    fault: Option<Fault>,
    before: usize,
    input: String,
    pieces: usize,
    /// What stdout has that was not read.
    pub(super) out: VecDeque<Vec<u8>>,
    /// What the last event added to it.
    pub(super) new: Vec<Vec<u8>>,
    pub(super) state: State,
    pub(super) next: usize,
    pub(super) written: Vec<Value>,
    /// Where a sink writes to.
    pub(super) memory: Memory,
    pub(super) count: usize,
    /// How it ends by itself, after `close`.
    pub(super) leaving: Option<Exit>,
    pub(super) exit: Option<Exit>,
}

pub(super) fn error(code: &str) -> Value {
    json!({"type": "error", "message": "this is not possible", "code": code})
}

pub(super) fn row(id: usize) -> Value {
    if id == 5 {
        return json!({"type": "message", "data": "AP/+gA==", "metadata": {"dataflow.encoding": "base64"}});
    }
    json!({"type": "message", "data": format!("{{\"id\":{id}}}"), "metadata": {"table": "rows"},
        "timestamp": "2024-01-15T10:30:00.25+02:00"})
}

pub(super) fn checkpoint(after: usize) -> Value {
    json!({"type": "checkpoint", "data": json!({"after": after}).to_string()})
}

impl Process {
    /// Adds a line to what it says.
    pub(super) fn say(&mut self, line: &Value) {
        self.new.push(line.to_string().into_bytes());
    }

    /// Says this and nothing else.
    pub(super) fn only(&mut self, line: &Value) {
        self.new.clear();
        self.say(line);
    }

    /// Says nothing more, and ends.
    pub(super) fn dies(&mut self) {
        self.new.clear();
        self.exit = Some(Exit::Code(1));
    }

    /// Changes the lines of a type that it is about to say.
    pub(super) fn edit(&mut self, kind: &str, change: impl Fn(&mut Value)) {
        for line in &mut self.new {
            let mut value: Value = serde_json::from_slice(line).unwrap_or_default();
            if value["type"] == kind {
                change(&mut value);
                *line = value.to_string().into_bytes();
            }
        }
    }

    fn happens(&mut self, what: What, text: String) {
        if self.exit.is_some() {
            return;
        }
        let happening = Happening {
            command: serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default(),
            text,
            what,
            before: self.before,
        };
        match happening.what {
            What::Line(_) => self.healthy(&happening),
            What::Pause => self.new = self.out.drain(..).collect(),
            What::InputEnds => self.exit = self.leaving.or(Some(Exit::Code(0))),
            What::Terminated => self.exit = Some(Exit::Code(0)),
            What::Start | What::Piece | What::Killed => {}
        }
        if let Some(fault) = self.fault {
            fault(&happening, self);
        }
        self.out.extend(self.new.drain(..));
    }

    fn healthy(&mut self, line: &Happening) {
        if line.text.trim().is_empty() {
            return;
        }
        let answer = match self.carry_out(&line.command) {
            Ok(Some(answer)) => answer,
            Ok(None) => return,
            Err(code) => error(code),
        };
        self.say(&answer);
    }

    fn carry_out(&mut self, command: &Value) -> std::result::Result<Option<Value>, &'static str> {
        let name = command["cmd"].as_str().ok_or("invalid_command")?;
        let ready = json!({"type": "ready"});
        let answer = match (name, self.state) {
            ("ping", _) => json!({"type": "pong"}),
            ("close", _) => {
                self.state = State::Closed;
                self.leaving = Some(Exit::Code(0));
                json!({"type": "done"})
            }
            ("init", State::New) => self.init(command)?,
            ("connect", State::Initialised) => {
                self.state = State::Connected;
                ready
            }
            ("ack", State::Connected) => return Ok(None),
            ("read" | "write", state) if state != State::Connected => return Err("not_connected"),
            ("read", _) if self.role == Role::Source => self.read(command)?,
            ("write", _) if self.role == Role::Destination => self.write(command)?,
            ("read" | "write", _) => return Err("unsupported_role"),
            ("init" | "connect", _) => return Err("invalid_command"),
            _ => return Err("unknown_command"),
        };
        Ok(Some(answer))
    }

    fn init(&mut self, command: &Value) -> std::result::Result<Value, &'static str> {
        let role = match self.role {
            Role::Source => "source",
            Role::Destination => "sink",
        };
        if command["role"] != role {
            return Err("unsupported_role");
        }
        if !command["config"].is_object() {
            return Err("invalid_config");
        }
        let options = &command["options"];
        let given = options
            .get("checkpoint")
            .or(options.get("initialCheckpoint"));
        self.next = match given {
            None | Some(Value::Null) => 0,
            Some(given) => place(given).ok_or("invalid_config")?,
        };
        self.state = State::Initialised;
        Ok(json!({"type": "ready", "features": ["more", "ack"], "maxLineBytes": 1 << 26}))
    }

    fn read(&mut self, command: &Value) -> std::result::Result<Value, &'static str> {
        let limit = match command.get("limit") {
            None => USUAL,
            Some(limit) => limit
                .as_u64()
                .filter(|limit| *limit > 0)
                .ok_or("invalid_command")? as usize,
        };
        let end = (self.next + limit).min(ROWS);
        for id in self.next..end {
            self.say(&row(id));
        }
        if end > self.next {
            self.say(&checkpoint(end));
        }
        self.next = end;
        Ok(json!({"type": "done", "more": end < ROWS}))
    }

    fn write(&mut self, command: &Value) -> std::result::Result<Value, &'static str> {
        let messages = command["messages"].as_array().ok_or("invalid_command")?;
        let places = messages.iter().enumerate();
        let bad = places
            .filter(|(_, message)| !message.is_object())
            .map(|(at, _)| at);
        let bad: Vec<usize> = bad.collect();
        if bad.is_empty() {
            let data = messages
                .iter()
                .filter_map(|message| message["data"].as_str());
            let rows = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
            let rows = rows.map(|row| (String::new(), row));
            self.memory.with(|all| all.extend(rows));
            return Ok(json!({"type": "done"}));
        }
        let mut error = error("invalid_data");
        error["failed"] = json!(bad);
        Ok(error)
    }
}

/// Where a checkpoint is.
pub(super) fn place(checkpoint: &Value) -> Option<usize> {
    let after = match checkpoint.as_str() {
        Some(text) => serde_json::from_str::<Value>(text).ok()?["after"].as_u64(),
        None => checkpoint["after"].as_u64(),
    };
    after.map(|after| after as usize)
}

#[async_trait]
impl Channel for Process {
    async fn send(&mut self, bytes: &[u8], _: Duration) -> bool {
        self.input
            .push_str(std::str::from_utf8(bytes).expect("the battery writes UTF-8"));
        self.pieces += 1;
        while let Some(end) = self.input.find('\n') {
            let rest = self.input.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.input, rest);
            line.pop();
            let pieces = std::mem::take(&mut self.pieces);
            self.happens(What::Line(pieces), line);
        }
        if !self.input.is_empty() {
            let piece = self.input.clone();
            self.happens(What::Piece, piece);
        }
        self.exit.is_none()
    }

    async fn line(&mut self, _: Duration) -> Heard {
        match self.out.pop_front() {
            Some(line) => Heard::Line(Bytes::from(line)),
            None if self.exit.is_some() || self.leaving.is_some() => Heard::End,
            None => Heard::Nothing,
        }
    }

    async fn pause(&mut self, _: Duration) {
        self.happens(What::Pause, String::new());
    }

    fn close_input(&mut self) {
        self.happens(What::InputEnds, String::new());
    }

    fn terminate(&mut self) {
        self.happens(What::Terminated, String::new());
    }

    fn kill(&mut self) {
        self.happens(What::Killed, String::new());
        self.out.clear();
        self.exit = Some(Exit::Signal(9));
    }

    async fn ended(&mut self, _: Duration) -> Option<Exit> {
        self.exit.or(self.leaving)
    }

    fn stderr(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A connector of a role, with a fault or without.
pub(super) struct Double {
    role: Role,
    fault: Option<Fault>,
    opened: Arc<AtomicUsize>,
    memory: Memory,
}

#[async_trait]
impl Peer for Double {
    async fn open(&self) -> Result<Box<dyn Channel>> {
        let mut process = Process {
            role: self.role,
            fault: self.fault,
            before: self.opened.fetch_add(1, Ordering::Relaxed),
            input: String::new(),
            pieces: 0,
            out: VecDeque::new(),
            new: Vec::new(),
            state: State::New,
            next: 0,
            written: Vec::new(),
            memory: self.memory.clone(),
            count: 0,
            leaving: None,
            exit: None,
        };
        process.happens(What::Start, String::new());
        Ok(Box::new(process))
    }
}

pub(super) fn subject(role: Role, fault: Option<Fault>) -> Subject {
    let memory = Memory::default();
    let double = Double {
        role,
        fault,
        opened: Arc::default(),
        memory: memory.clone(),
    };
    let config = json!({"password": "s3cret"});
    Subject::new(Box::new(double), role, "double", Some(config)).reaching(memory.reach())
}
