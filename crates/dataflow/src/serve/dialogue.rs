//! One command after the other, one answer each.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::LogLevel;
use crossdock_core::secret::Masker;
use crossdock_core::session::Session;
use serde_json::{Map, Value};

use super::commands::{Commands, Input};
use super::sink::Sink;
use super::source::Source;
use super::{Served, failure, log};
use crate::wire::{
    Command, Failure, Finished, Init, Line, Ready, Role, classify, write_done, write_error,
    write_pong, write_ready,
};

/// The longest line that is read, as it is announced: lines above that are refused, but a processor need not
/// know where the limit is.
const ANNOUNCED: u64 = 64 << 20;
/// After `close`, how long somebody may go on talking.
const FAREWELL: Duration = Duration::from_secs(2);

/// What `init` said.
struct Given {
    role: Role,
    config: Value,
    options: Map<String, Value>,
}

enum Stage {
    New,
    Initialised(Box<Given>),
    Source(Box<Source>),
    Sink(Box<Sink>),
    Closed,
}

/// The connector.
pub(super) struct Dialogue {
    served: Served,
    session: Session,
    stage: Stage,
    masker: Masker,
}

/// How it goes on after a command.
#[derive(PartialEq, Eq)]
enum Going {
    On,
    Closed,
}

impl Dialogue {
    pub(super) fn new(served: Served, session: Session) -> Self {
        Self {
            served,
            session,
            stage: Stage::New,
            masker: Masker::for_config(&Value::Null, &Value::Null),
        }
    }

    /// Answers until there is nobody to answer to.
    pub(super) async fn talk(
        &mut self,
        commands: &mut Commands,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let mut stop = std::pin::pin!(stop);
        let mut is_closed = false;
        loop {
            let farewell = async {
                match is_closed {
                    true => tokio::time::sleep(FAREWELL).await,
                    false => std::future::pending().await,
                }
            };
            let input = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                input = commands.next() => input,
                () = farewell => return Ok(()),
            };
            let line = match input {
                // The end of the input is as good as `close`.
                None => return Ok(()),
                Some(Input::Line(line)) => line,
                Some(Input::TooLong(why)) => {
                    refuse(&failure::plain("line_too_long", why.clone()))?;
                    return Err(Error::new(&code::LINE_TOO_LONG, why));
                }
            };
            // A command that is carried out is answered first: the processor waits for that.
            is_closed |= self.line(&line).await? == Going::Closed;
        }
    }

    async fn line(&mut self, line: &Bytes) -> Result<Going> {
        let text = match classify(line) {
            Line::Blank => return Ok(Going::On),
            Line::Object(text) => text,
            Line::Text(text) => {
                let shown = String::from_utf8_lossy(&text[..text.len().min(100)]).into_owned();
                let why = format!("a line is no command: {shown}");
                refuse(&failure::plain("invalid_command", why))?;
                return Ok(Going::On);
            }
        };
        let command = match Command::read(text) {
            Ok(command) => command,
            Err(fault) => {
                refuse(&failure::plain("invalid_command", fault.to_string()))?;
                return Ok(Going::On);
            }
        };
        if let (Stage::Closed, false) = (
            &self.stage,
            matches!(command, Command::Close | Command::Ping),
        ) {
            let why = "the connector is closed; only `close` is answered";
            refuse(&failure::plain("not_connected", why))?;
            return Ok(Going::On);
        }
        let answer = match command {
            Command::Init(init) => self.init(text, &init),
            Command::Connect => self.connect().await,
            Command::Read { limit } => return self.read(limit).await,
            Command::Write(messages) => match &mut self.stage {
                Stage::Sink(sink) => sink.write(text, &messages).await.map(|()| Answer::Done),
                _ => Err(self.not_connected("write")),
            },
            Command::Close => {
                self.end().await;
                say(write_done, Finished::default())?;
                return Ok(Going::Closed);
            }
            Command::Ping => Ok(Answer::Pong),
            Command::Ack { count } => {
                if let Stage::Source(source) = &mut self.stage {
                    source.acknowledged(count).await;
                }
                // It has no answer.
                return Ok(Going::On);
            }
            Command::Unknown(name) => Err(failure::plain(
                "unknown_command",
                format!("`{name}` is not known"),
            )),
        };
        match answer {
            Ok(Answer::Ready(ready)) => say(|out, ready| write_ready(out, &ready), ready)?,
            Ok(Answer::Done) => say(write_done, Finished::default())?,
            Ok(Answer::Pong) => say(|out, ()| write_pong(out), ())?,
            Err(failure) => refuse(&failure)?,
        }
        Ok(Going::On)
    }

    fn not_connected(&self, command: &str) -> Failure {
        let (code, why) = match (&self.stage, command) {
            (Stage::Source(_), _) => ("unsupported_role", "a source takes no messages"),
            (Stage::Sink(_), _) => ("unsupported_role", "a sink has no messages"),
            _ => ("not_connected", "`init` and `connect` come first"),
        };
        failure::plain(code, format!("`{command}` is not possible: {why}"))
    }

    fn init(&mut self, line: &[u8], init: &Init) -> Result<Answer, Failure> {
        if !matches!(self.stage, Stage::New) {
            return Err(failure::plain("invalid_command", "`init` came twice"));
        }
        let is_there = match init.role {
            Role::Source => self.served.source.is_some(),
            Role::Sink => self.served.destination.is_some(),
        };
        if !is_there {
            let role = init.role.as_str();
            let why = format!("the connector `{}` is not a {role}", self.served.kind);
            return Err(failure::plain("unsupported_role", why));
        }
        let object = |range: &std::ops::Range<usize>| {
            serde_json::from_slice::<Map<String, Value>>(&line[range.clone()])
                .map_err(|cause| failure::plain("invalid_config", cause.to_string()))
        };
        let config = Value::from(object(&init.config)?);
        let options = init.options.as_ref().map(object).transpose()?;
        self.stage = Stage::Initialised(Box::new(Given {
            role: init.role,
            config,
            options: options.unwrap_or_default(),
        }));
        let features: &[&str] = match init.role {
            Role::Source => &["more", "ack"],
            Role::Sink => &["failed"],
        };
        Ok(Answer::Ready(Ready {
            features: features.iter().map(|&name| name.to_owned()).collect(),
            max_line_bytes: Some(ANNOUNCED),
        }))
    }

    async fn connect(&mut self) -> Result<Answer, Failure> {
        match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Initialised(given) => match self.open(*given).await {
                Ok(stage) => {
                    self.stage = stage;
                    Ok(Answer::Ready(Ready::default()))
                }
                Err(error) => Err(failure::of(&error, &self.masker)),
            },
            stage => {
                let failure = match &stage {
                    Stage::New => failure::plain("not_connected", "`init` comes first"),
                    _ => failure::plain("invalid_command", "`connect` came twice"),
                };
                self.stage = stage;
                Err(failure)
            }
        }
    }

    async fn open(&mut self, given: Given) -> Result<Stage> {
        let Given {
            role,
            config,
            options,
        } = given;
        let name = options.get("name").and_then(Value::as_str);
        let name = name.unwrap_or(&self.served.kind).to_owned();
        match (role, &self.served.source, &self.served.destination) {
            (Role::Source, Some(source), _) => {
                let spec = source.spec(&self.session).await?;
                self.masker = Masker::for_config(&spec.connection_specification, &config);
                let source = source.clone();
                let opened =
                    Source::open(source, &spec, config, &options, name, &self.session).await?;
                Ok(Stage::Source(Box::new(opened)))
            }
            (Role::Sink, _, Some(destination)) => {
                let spec = destination.spec(&self.session).await?;
                self.masker = Masker::for_config(&spec.connection_specification, &config);
                let destination = destination.clone();
                let sink = Sink::open(
                    destination,
                    &spec,
                    config,
                    name,
                    self.masker.clone(),
                    &self.session,
                );
                Ok(Stage::Sink(Box::new(sink.await?)))
            }
            _ => Err(Error::new(&code::INTERNAL, "the role was looked at before")),
        }
    }

    async fn read(&mut self, limit: Option<u64>) -> Result<Going> {
        let Stage::Source(source) = &mut self.stage else {
            refuse(&self.not_connected("read"))?;
            return Ok(Going::On);
        };
        match source.read(limit, &mut std::io::stdout().lock()).await {
            Ok(Ok(more)) => say(write_done, Finished { more })?,
            Ok(Err(error)) => refuse(&failure::of(&error, &self.masker))?,
            Err(cause) => return Err(unwritable(cause)),
        }
        Ok(Going::On)
    }

    /// Ends what is open. Nothing follows but farewells.
    pub(super) async fn end(&mut self) {
        let ended = match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Source(source) => source.close().await,
            Stage::Sink(sink) => sink.close().await,
            _ => Ok(()),
        };
        if let Err(error) = ended {
            let text = self.masker.mask(&error.in_one_line()).into_owned();
            log::write(LogLevel::Warn, &text);
        }
    }
}

enum Answer {
    Ready(Ready),
    Done,
    Pong,
}

/// Writes an answer, and sends it off (§1.1).
fn say<T>(write: impl FnOnce(&mut Vec<u8>, T), what: T) -> Result<()> {
    let mut line = Vec::new();
    write(&mut line, what);
    let mut out = std::io::stdout().lock();
    let written = out.write_all(&line).and_then(|()| out.flush());
    written.map_err(unwritable)
}

fn refuse(failure: &Failure) -> Result<()> {
    say(write_error, failure)
}

fn unwritable(cause: std::io::Error) -> Error {
    Error::new(&code::CANCELLED, "the processor is gone").caused_by(cause)
}
