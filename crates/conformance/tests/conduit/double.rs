//! A healthy connector in memory, and where a fault comes in. It never waits: what would come later is there, or it is
//! silent at once.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_conduit::host::raw::Refused;
use crossdock_conduit::wire::description::{Described, Param};
use crossdock_conduit::wire::handshake::{
    COOKIE, COOKIE_VALUE, MAX_RECEIVE, MULTIPLEX, SOCKET_DIR, VERSIONS,
};
use crossdock_conduit::wire::proto::connector::Ack;
use crossdock_conduit::wire::proto::opencdc::v1::data::Data as Kind;
use crossdock_conduit::wire::proto::opencdc::v1::{Change, Data, Operation, Record};
use crossdock_conduit::wire::version::Version;
use crossdock_conformance::Role;
use crossdock_conformance::conduit::{
    Answer, Config, Down, Hello, Patience, Peer, Process, Question, Subject, Up,
};
use crossdock_core::Result;
use crossdock_launch::Exit;
use prost_types::value::Kind as Text;
use serde_json::{Value, json};

use crate::memory::{Memory, Row};

/// What the double is in the middle of, for faults.
#[derive(Default)]
pub(super) struct State {
    pub(super) version: u32,
    pub(super) env: Vec<(&'static str, String)>,
    pub(super) configured: Option<Config>,
    pub(super) asked: Vec<&'static str>,
    /// How many messages have come on Run, from the host and to it.
    pub(super) sent: usize,
    pub(super) received: usize,
    /// How often it was waited for a message in vain.
    pub(super) silences: usize,
    pub(super) acked: usize,
    /// Whether the host was slow.
    pub(super) paused: bool,
    /// What a fault keeps for later.
    pub(super) kept: Vec<Ack>,
    next: usize,
    opened: bool,
    stopped: bool,
    half_closed: bool,
    acks: Vec<Ack>,
    broken: bool,
    open_at: Bytes,
}

impl State {
    /// The value of a variable.
    pub(super) fn env(&self, name: &str) -> Option<&str> {
        let mut env = self.env.iter().filter(|(of, _)| *of == name);
        env.next().map(|(_, value)| value.as_str())
    }

    pub(super) fn has_asked(&self, name: &str) -> bool {
        self.asked.contains(&name)
    }

    pub(super) fn opened_at(&self) -> &[u8] {
        &self.open_at
    }
}

/// Changes what a healthy connector would have done.
#[derive(Clone, Copy)]
pub(super) enum Fault {
    Hello(fn(&State, &mut Hello)),
    Answer(fn(&mut State, &Question, &mut Answer)),
    Down(fn(&mut State, &mut Down)),
    /// Whether what is sent is taken.
    Taken(fn(&State, &Up) -> bool),
    Exit(Option<Exit>),
    Stderr(&'static str),
    Long,
    NoWords,
    Stdout,
    /// What is lost of the system that it writes to.
    Loss(fn(&State, Moment, &mut Vec<Row>)),
}

/// When a system may lose something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// So many records were sent in one message.
    Sent(usize),
    Killed,
    TornDown,
}

struct Double {
    role: Role,
    fault: Option<Fault>,
    memory: Memory,
}

struct Running {
    role: Role,
    fault: Option<Fault>,
    memory: Memory,
    hello: Hello,
    state: State,
}

/// A subject of this role with this fault.
pub(super) fn subject(role: Role, fault: Option<Fault>) -> Subject {
    let config = Config::from([("url".to_owned(), "somewhere".to_owned())]);
    let memory = Memory::default();
    let double = Double {
        role,
        fault,
        memory: memory.clone(),
    };
    let subject = Subject::new(Box::new(double), role, Some(config), Patience::default());
    subject.reaching(memory.reach())
}

pub(super) fn refused(code: i32, text: &str) -> Refused {
    Refused {
        code,
        text: text.to_owned(),
        broken: false,
    }
}

#[async_trait]
impl Peer for Double {
    async fn start(&self, env: &[(&'static str, String)]) -> Result<Box<dyn Process>> {
        let mut state = State {
            env: env.to_vec(),
            ..State::default()
        };
        let version = Version::negotiated(state.env(VERSIONS));
        state.version = version.number();
        let mut hello = Hello::default();
        if state.env(COOKIE) == Some(COOKIE_VALUE) {
            let folder = state.env(SOCKET_DIR).unwrap_or("/nowhere");
            let seventh = if state.env(MULTIPLEX).is_some() {
                "|false"
            } else {
                ""
            };
            hello.line = Some(format!(
                "1|{}|unix|{folder}/plugin|grpc|{seventh}",
                state.version
            ));
        } else {
            hello.exit = Some(Exit::Code(1));
        }
        if let Some(Fault::Hello(fault)) = self.fault {
            fault(&state, &mut hello);
        }
        let version = hello
            .line
            .as_deref()
            .and_then(|line| line.split('|').nth(1));
        state.version = version
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(state.version);
        Ok(Box::new(Running {
            role: self.role,
            fault: self.fault,
            memory: self.memory.clone(),
            hello,
            state,
        }))
    }
}

fn parameter(kind: i32, default: &str, rules: Vec<(i32, String)>) -> Param {
    Param {
        default: default.to_owned(),
        description: "something".to_owned(),
        kind,
        rules,
    }
}

fn described() -> Described {
    let parameters = [
        (
            "url",
            parameter(1, "", vec![(1, String::new()), (6, ".+".to_owned())]),
        ),
        (
            "many",
            parameter(2, "3", vec![(2, "0".to_owned()), (3, "9".to_owned())]),
        ),
        ("mode", parameter(1, "a", vec![(4, "a,b".to_owned())])),
        ("sdk.batch.size", parameter(2, "0", Vec::new())),
        ("sdk.batch.delay", parameter(6, "0", Vec::new())),
    ];
    let parameters = parameters.map(|(name, parameter)| (name.to_owned(), parameter));
    Described {
        name: "double".to_owned(),
        summary: "A double.".to_owned(),
        description: "A double of a connector.".to_owned(),
        version: "v1.0.0".to_owned(),
        author: "nobody".to_owned(),
        source: parameters.clone().into(),
        destination: parameters.into(),
    }
}

fn refusal(config: &Config) -> Option<String> {
    let known = described().source;
    if !config.contains_key("url") {
        return Some("`url` is required".to_owned());
    }
    config
        .iter()
        .find_map(|(name, value)| match known.get(name) {
            None => Some(format!("`{name}` is unknown")),
            Some(parameter) if parameter.kind == 2 && value.trim().parse::<i64>().is_err() => {
                Some(format!("`{name}` is no number"))
            }
            Some(_) => None,
        })
}

/// How many records a source has.
const RECORDS: usize = 9;

/// The record of a number; no two say the same.
pub(super) fn record(number: usize) -> Record {
    let raw = |text: &str| Data {
        data: Some(Kind::RawData(Bytes::copy_from_slice(text.as_bytes()))),
    };
    let delete = number % 3 == 2;
    let operation = if delete {
        Operation::Delete
    } else {
        Operation::Create
    };
    let metadata = [
        ("opencdc.version", "v1"),
        ("opencdc.readAt", "1700000000000000000"),
        ("opencdc.createdAt", "1700000000000000000"),
        ("opencdc.collection", "things"),
        ("opencdc.payload.schema.subject", "things"),
        ("opencdc.payload.schema.version", "1"),
    ];
    Record {
        position: number.to_string().into_bytes().into(),
        operation: operation as i32,
        metadata: metadata
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        key: Some(raw(&format!("key {number}"))),
        payload: Some(Change {
            before: None,
            after: (!delete).then(|| raw("value")),
        }),
    }
}

/// What a system has of a record whose data are structured.
fn stored(record: &Record) -> Option<Value> {
    let after = record.payload.as_ref()?.after.as_ref()?;
    let Some(Kind::StructuredData(data)) = &after.data else {
        return None;
    };
    match data.fields.get("name")?.kind.as_ref()? {
        Text::StringValue(name) => Some(json!({"name": name})),
        _ => None,
    }
}

impl Running {
    fn loses(&self, moment: Moment) {
        if let Some(Fault::Loss(loss)) = self.fault {
            self.memory.with(|rows| loss(&self.state, moment, rows));
        }
    }

    fn answer(&mut self, question: &Question) -> Answer {
        let state = &mut self.state;
        match question {
            Question::Specify => Answer::Described(described()),
            Question::Configure(config) => match refusal(config) {
                Some(text) => Answer::Refused(refused(2, &text)),
                None => {
                    state.configured = Some(config.clone());
                    Answer::Done
                }
            },
            Question::Open(_) if state.configured.is_none() => {
                Answer::Refused(refused(2, "not configured"))
            }
            Question::Open(position) => {
                let text = String::from_utf8_lossy(position);
                if position.is_empty() {
                    state.next = 0;
                } else if let Ok(number) = text.parse::<usize>() {
                    state.next = number + 1;
                } else {
                    return Answer::Refused(refused(2, "no position of mine"));
                }
                state.open_at = position.clone();
                state.opened = true;
                Answer::Done
            }
            Question::Stop(_) => {
                state.stopped = true;
                match self.role {
                    Role::Source if state.next == 0 => Answer::Position(Bytes::new()),
                    Role::Source => Answer::Position(record(state.next - 1).position),
                    Role::Destination => Answer::Done,
                }
            }
            Question::Health => Answer::Health(1),
            _ => Answer::Done,
        }
    }

    fn next(&mut self) -> Down {
        let state = &mut self.state;
        if !state.opened {
            return Down::Silence;
        }
        if state.broken {
            return Down::Failed(refused(8, "too large"));
        }
        if self.role == Role::Destination {
            let acks = std::mem::take(&mut state.acks);
            return match acks.is_empty() {
                true if state.half_closed => Down::End,
                true => Down::Silence,
                false => Down::Acks(acks),
            };
        }
        if state.next >= RECORDS || state.stopped {
            return if state.half_closed {
                Down::End
            } else {
                Down::Silence
            };
        }
        let size = state
            .configured
            .as_ref()
            .and_then(|c| c.get("sdk.batch.size"));
        let size = if size.is_some() && state.version == 2 {
            2
        } else {
            1
        };
        let first = state.next;
        state.next = (first + size).min(RECORDS);
        Down::Records((first..state.next).map(record).collect())
    }
}

#[async_trait]
impl Process for Running {
    fn hello(&self) -> &Hello {
        &self.hello
    }

    async fn ask(&mut self, question: &Question, _: Duration) -> Answer {
        let mut answer = self.answer(question);
        if let Some(Fault::Answer(fault)) = self.fault {
            fault(&mut self.state, question, &mut answer);
        }
        if *question == Question::Teardown {
            self.loses(Moment::TornDown);
        }
        self.state.asked.push(match question {
            Question::Configure(_) => "Configure",
            Question::Open(_) => "Open",
            Question::Stop(_) => "Stop",
            _ => "other",
        });
        answer
    }

    async fn run(&mut self) {
        self.state.asked.push("Run");
    }

    async fn send(&mut self, message: &Up, _: Duration) -> bool {
        if let Some(Fault::Taken(taken)) = self.fault
            && !taken(&self.state, message)
        {
            return false;
        }
        let state = &mut self.state;
        state.sent += 1;
        match message {
            Up::Acks(acks) => state.acked += acks.len(),
            Up::Records(records) => {
                let size: usize = records.iter().map(prost::Message::encoded_len).sum();
                let limit = state.env(MAX_RECEIVE).and_then(|limit| limit.parse().ok());
                state.broken |= limit.is_some_and(|limit: usize| size > limit);
                let acks = records.iter().map(|r| Ack {
                    position: r.position.clone(),
                    error: String::new(),
                });
                state.acks.extend(acks);
                let rows = records.iter().filter_map(stored);
                let rows = rows.map(|row| (String::new(), row));
                self.memory.with(|all| all.extend(rows));
                self.loses(Moment::Sent(records.len()));
            }
        }
        true
    }

    async fn receive(&mut self, _: Duration) -> Down {
        let mut down = self.next();
        if let Some(Fault::Down(fault)) = self.fault {
            fault(&mut self.state, &mut down);
        }
        match down {
            Down::Silence => self.state.silences += 1,
            _ => self.state.received += 1,
        }
        down
    }

    async fn pause(&mut self, _: Duration) {
        self.state.paused = true;
    }

    async fn half_close(&mut self) {
        self.state.half_closed = true;
    }

    async fn cancel(&mut self) {
        self.state.asked.push("Cancel");
    }

    fn kill(&mut self) {
        self.loses(Moment::Killed);
    }

    async fn exit(&mut self, _: Duration) -> Option<Exit> {
        match self.fault {
            Some(Fault::Exit(exit)) => exit,
            _ => Some(Exit::Code(0)),
        }
    }

    fn stderr(&self) -> Vec<String> {
        match self.fault {
            Some(Fault::Stderr(line)) => vec![line.to_owned()],
            Some(Fault::Long) => vec!["x".repeat(70_000)],
            Some(Fault::NoWords) => Vec::new(),
            _ => vec![
                r#"{"@level":"info","@message":"hello","@timestamp":"2026-01-01T00:00:00.000000Z"}"#.to_owned(),
            ],
        }
    }

    fn stdout(&self) -> Vec<String> {
        match self.fault {
            Some(Fault::Stdout) => vec!["noise".to_owned()],
            _ => Vec::new(),
        }
    }
}
