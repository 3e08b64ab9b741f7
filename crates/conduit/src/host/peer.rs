//! A connector's process and the connection to it: started, asked, ended. Every step has a deadline,
//! for the protocol itself has none (§3.10).

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::LogLevel;
use crossdock_launch::{Exit, Process, Program, Spawn};
use prost::Message;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tonic::{Code, Status};

use super::talk::Talk;
use crate::grpc::client::Link;
use crate::wire::handshake::{self, Handshake};
use crate::wire::proto::connector::Empty;
use crate::wire::proto::plugin::StdioData;
use crate::wire::side::Side;
use crate::wire::version::Version;

/// How long a connector may take to print its first line, as under Conduit.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// No handshake is longer.
const LONGEST_LINE: u64 = 64 << 10;
/// How long the process may go on after it was told to shut down.
const EXIT: Duration = Duration::from_secs(2);

/// The way to ask a connector. Cheap to clone, for tasks beside the one that owns the process.
#[derive(Clone, Debug)]
pub(super) struct Line {
    link: Link,
    version: Version,
    talk: Talk,
}

/// How asking failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connector's own answer, or the connection broke.
    Status(Status),
    /// No answer within so long.
    Silence(Duration),
}

impl Line {
    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn talk(&self) -> &Talk {
        &self.talk
    }

    fn path(&self, service: &str, method: &str) -> String {
        format!("/{}.{service}/{method}", self.version.package())
    }

    /// Asks `method` of the side's service.
    pub(super) async fn ask<M: Message + Default>(
        &self,
        side: Side,
        method: &str,
        request: &impl Message,
        limit: Duration,
    ) -> Result<M, Failure> {
        self.ask_at(&self.path(side.service(), method), request, limit)
            .await
    }

    /// Asks for the specification.
    pub(super) async fn specify<M: Message + Default>(
        &self,
        limit: Duration,
    ) -> Result<M, Failure> {
        let path = self.path("SpecifierPlugin", "Specify");
        self.ask_at(&path, &Empty {}, limit).await
    }

    async fn ask_at<M: Message + Default>(
        &self,
        path: &str,
        request: &impl Message,
        limit: Duration,
    ) -> Result<M, Failure> {
        let request = Bytes::from(request.encode_to_vec());
        let longest = self.talk.limits().max_line_bytes;
        let answer = timeout(limit, self.link.unary(path, request, longest)).await;
        let answer = answer.map_err(|_| Failure::Silence(limit))?;
        let answer = answer.map_err(Failure::Status)?;
        self.talk.alive();
        M::decode(answer).map_err(|cause| {
            Failure::Status(Status::internal(format!(
                "the answer cannot be read: {cause}"
            )))
        })
    }

    /// Opens the side's stream of records and acknowledgements.
    pub(super) async fn run(
        &self,
        side: Side,
        requests: impl tokio_stream::Stream<Item = Bytes> + Send + 'static,
    ) -> Result<tonic::Streaming<Bytes>, Status> {
        let path = self.path(side.service(), "Run");
        let longest = self.talk.limits().max_line_bytes;
        self.link.streaming(&path, requests, longest).await
    }
}

/// A running connector.
#[derive(Debug)]
pub(super) struct Peer {
    process: Process,
    line: Line,
    exit: Option<Exit>,
    /// The reading of its output, and of what go-plugin redirects.
    listeners: Vec<JoinHandle<()>>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
    }
}

impl Peer {
    /// Starts the program and connects. `env` is what it is given beside the handshake's variables.
    pub(super) async fn start(
        program: &Program,
        cwd: &Path,
        env: Vec<(&'static str, String)>,
        talk: &Talk,
    ) -> Result<Self> {
        let mut all = vec![
            (handshake::COOKIE, handshake::COOKIE_VALUE.to_owned()),
            (handshake::VERSIONS, "1,2".to_owned()),
        ];
        all.extend(handshake::PORTS.map(|(name, port)| (name, port.to_owned())));
        all.extend(env);
        let process = Spawn {
            program,
            args: Vec::new(),
            cwd,
            env: all
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            stdin: false,
            longest_line: Some(talk.limits().max_line_bytes),
            stderr: std::sync::Arc::new(talk.clone()),
        }
        .spawn()
        .map_err(|error| talk.error(error))?;
        let mut starting = Starting { process, talk };
        match starting.connect().await {
            Ok((line, listeners)) => Ok(Self {
                process: starting.process,
                line,
                exit: None,
                listeners,
            }),
            Err(error) => {
                let grace = talk.limits().grace;
                let _ = starting.process.stop(grace.min(EXIT)).await;
                Err(talk.error(error))
            }
        }
    }

    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// What a failed question means: the connector's own words, or how its process ended.
    pub(super) async fn explain(&mut self, operation: &str, failure: Failure) -> Error {
        let talk = self.line.talk.clone();
        let error = match failure {
            Failure::Silence(limit) => Error::new(
                &code::CONNECTOR_TIMEOUT,
                format!("the connector did not answer {operation}"),
            )
            .with("limit", format!("{} s", limit.as_secs_f64())),
            Failure::Status(status) => self.of_status(operation, &status).await,
        };
        talk.error(error).during(operation)
    }

    async fn of_status(&mut self, operation: &str, status: &Status) -> Error {
        let text = status.message();
        if is_broken(status) {
            // The process may be about to end; its end explains more than the broken connection.
            if self.exit.is_none() {
                self.exit = timeout(EXIT, self.process.wait())
                    .await
                    .ok()
                    .and_then(Result::ok);
            }
            return self.ended(operation, text);
        }
        match status.code() {
            Code::ResourceExhausted => Error::new(
                &code::RECORD_TOO_LARGE,
                format!("a message is larger than the other side takes: {text}"),
            ),
            Code::Unimplemented => Error::new(
                &code::CONNECTOR_ROLE,
                format!("the connector does not have {operation}: {text}"),
            ),
            _ => Error::new(&code::CONNECTOR_FAILED, reason(text)),
        }
    }

    /// The error for a process that ended, or broke its connection, before it was told to.
    fn ended(&self, operation: &str, text: &str) -> Error {
        let code = match self.exit.map(Exit::code) {
            Some(137 | 143) => &code::CONNECTOR_KILLED,
            _ => &code::CONNECTOR_EXIT,
        };
        let message = match self.exit {
            Some(exit @ Exit::Signal(_)) => {
                format!("the connector was {} during {operation}", exit.in_words())
            }
            Some(exit) => format!(
                "the connector ended with {} during {operation}",
                exit.in_words()
            ),
            None => format!("the connector broke its connection during {operation}: {text}"),
        };
        let mut error = Error::new(code, message);
        if let Some(words) = self.line.talk.last_words() {
            error = error.with("log", words);
        }
        error
    }

    /// Ends the process: asks, waits, kills; all within `grace` (P8).
    pub(super) async fn stop(&mut self, grace: Duration) -> Result<()> {
        let deadline = Instant::now() + grace;
        if self.exit.is_none() {
            let request = Bytes::from(Empty {}.encode_to_vec());
            // The server stops at once, so an error is what is usually heard (§1.8).
            let shutdown =
                self.line
                    .link
                    .unary("/plugin.GRPCController/Shutdown", request, 1 << 20);
            let _ = timeout_at(deadline.min(Instant::now() + EXIT), shutdown).await;
            let patience = deadline.min(Instant::now() + EXIT);
            if let Ok(exit) = timeout_at(patience, self.process.wait()).await {
                self.exit = Some(exit?);
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.process.stop(left).await.map(drop)
    }
}

/// Whether a status says that the connection is gone rather than that the connector refused.
fn is_broken(status: &Status) -> bool {
    use std::error::Error as _;
    status.code() == Code::Unavailable || status.source().is_some()
}

/// The words of a connector, or that there were none.
pub(super) fn reason(text: &str) -> &str {
    match text.trim() {
        "" => "the connector gave no reason",
        text => text,
    }
}

struct Starting<'a> {
    process: Process,
    talk: &'a Talk,
}

impl Starting<'_> {
    async fn connect(&mut self) -> Result<(Line, Vec<JoinHandle<()>>)> {
        let no_output = || Error::new(&code::INTERNAL, "the connector's output was taken before");
        let mut stdout = BufReader::new(self.process.take_stdout().ok_or_else(no_output)?);
        let limit = HANDSHAKE.min(self.talk.limits().command_timeout);
        let first = match timeout(limit, first_line(&mut stdout)).await {
            Ok(Ok(Some(line))) => line,
            Ok(Ok(None)) => return Err(self.silent_end().await),
            Ok(Err(cause)) => {
                return Err(
                    Error::new(&code::IO, "the connector's output cannot be read").caused_by(cause),
                );
            }
            Err(_) => {
                return Err(Error::new(
                    &code::CONNECTOR_TIMEOUT,
                    "the connector printed no handshake",
                )
                .with("limit", format!("{} s", limit.as_secs_f64()))
                .hint("is it a connector of Conduit? it must print one line when it is ready"));
            }
        };
        let said = Handshake::parse(&first).map_err(|fault| {
            Error::new(&code::HANDSHAKE, fault.to_string()).with("line", excerpt(&first))
        })?;
        let link = Link::dial(&said.address).await.map_err(|cause| {
            Error::new(
                &code::HANDSHAKE,
                "the connector cannot be reached where it says that it is",
            )
            .with("address", &said.address)
            .caused_by(cause)
        })?;
        let listeners = vec![
            tokio::spawn(drain(stdout, self.talk.clone())),
            tokio::spawn(redirected(link.clone(), self.talk.clone())),
            tokio::spawn(brokered(link.clone(), self.talk.clone())),
        ];
        let line = Line {
            link,
            version: said.version,
            talk: self.talk.clone(),
        };
        Ok((line, listeners))
    }

    /// The output ended without a line.
    async fn silent_end(&mut self) -> Error {
        let exit = timeout(EXIT, self.process.wait()).await;
        let message = match exit {
            Ok(Ok(exit)) => format!(
                "the connector ended with {} before it was ready",
                exit.in_words()
            ),
            _ => "the connector closed its output before it was ready".to_owned(),
        };
        let error = Error::new(&code::HANDSHAKE, message);
        let tail = self.process.stderr_tail();
        if tail.is_empty() {
            error
        } else {
            error.with("stderr", tail.join("\n"))
        }
    }
}

fn excerpt(line: &str) -> &str {
    &line[..line.floor_char_boundary(200)]
}

/// The first line, without its end; `None` if there is none.
async fn first_line(stdout: &mut BufReader<ChildStdout>) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    stdout
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line)
        .await?;
    Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).trim_end().to_owned()))
}

/// Reads the rest of stdout, so that a connector that prints does not stand still.
async fn drain(mut stdout: BufReader<ChildStdout>, talk: Talk) {
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut stdout)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        talk.log(LogLevel::Debug, String::from_utf8_lossy(&line).trim_end());
    }
}

/// Reads what go-plugin redirects: a Go connector that prints stands still otherwise (§1.6).
async fn redirected(link: Link, talk: Talk) {
    let request = tokio_stream::once(Bytes::new());
    let opened = link
        .streaming("/plugin.GRPCStdio/StreamStdio", request, 1 << 20)
        .await;
    // Not every connector has it.
    let Ok(mut chunks) = opened else { return };
    let mut rest = Vec::new();
    while let Ok(Some(chunk)) = chunks.message().await {
        let Ok(said) = StdioData::decode(chunk) else {
            continue;
        };
        rest.extend_from_slice(&said.data);
        while let Some(end) = memchr::memchr(b'\n', &rest) {
            talk.log(
                LogLevel::Debug,
                String::from_utf8_lossy(&rest[..end]).trim_end(),
            );
            rest.drain(..=end);
        }
        if rest.len() > talk.limits().max_line_bytes {
            rest.clear();
        }
    }
    if !rest.is_empty() {
        talk.log(LogLevel::Debug, &String::from_utf8_lossy(&rest));
    }
}

/// Keeps the broker's stream open, as go-plugin does: a connector may offer further connections there. No
/// connector of Conduit needs one, so none is made, and that is told.
async fn brokered(link: Link, talk: Talk) {
    let opened = link
        .streaming(
            "/plugin.GRPCBroker/StartStream",
            tokio_stream::pending(),
            1 << 20,
        )
        .await;
    let Ok(mut offers) = opened else { return };
    while let Ok(Some(_)) = offers.message().await {
        talk.log(
            LogLevel::Debug,
            "the connector offers another connection, which nobody takes",
        );
    }
}
