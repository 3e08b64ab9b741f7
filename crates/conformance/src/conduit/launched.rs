//! A connector that is a program.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_conduit::host::raw::{Connection, Refused, Stream, Utilities};
use crossdock_conduit::wire::handshake::{self, Handshake};
use crossdock_conduit::wire::version::Version;
use crossdock_core::session::Session;
use crossdock_launch::{Call, Exit, Launcher, StderrSink as _};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStdout;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::message;
use super::peer::{Answer, Down, Hello, Peer, Process, Question, Up};
use super::side;
use crate::Role;
use crate::tail::Tail;

/// How long a connector may take to print its first line, as under Conduit.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// No line on stdout that is kept is longer.
const LONGEST_LINE: u64 = 64 << 10;
/// How long a process that printed nothing may take to end.
const ENDING: Duration = Duration::from_secs(2);
/// How many messages are kept that came while Stop was waited for.
const MOST: usize = 10_000;
/// The stream of go-plugin in which redirected output comes.
const STDIO: &str = "/plugin.GRPCStdio/StreamStdio";
/// The stream of go-plugin in which further connections are offered.
const BROKER: &str = "/plugin.GRPCBroker/StartStream";

/// A program with a role.
pub struct Launched {
    launcher: Arc<dyn Launcher>,
    session: Session,
    role: Role,
}

impl Launched {
    /// This program.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>, session: Session, role: Role) -> Self {
        Self {
            launcher,
            session,
            role,
        }
    }
}

struct Running {
    process: crossdock_launch::Process,
    hello: Hello,
    role: Role,
    version: Version,
    connection: Option<Connection>,
    run: Option<Stream>,
    /// What came on Run while something else was waited for.
    came: VecDeque<Down>,
    stdout: Tail,
    stderr: Tail,
    listeners: Vec<JoinHandle<()>>,
    _utilities: Utilities,
}

impl Drop for Running {
    fn drop(&mut self) {
        for listener in &self.listeners {
            listener.abort();
        }
        self.process.kill();
    }
}

#[async_trait]
impl Peer for Launched {
    async fn start(
        &self,
        env: &[(&'static str, String)],
    ) -> crossdock_core::Result<Box<dyn Process>> {
        let utilities = Utilities::start().await?;
        let stderr = Tail::default();
        let mut all = vec![
            (handshake::UTILITIES, utilities.address().to_owned()),
            (handshake::TOKEN, utilities.token().to_owned()),
        ];
        all.extend(env.iter().cloned());
        let call = Call {
            words: Vec::new(),
            env: all,
            folder: None,
            stdin: false,
            keeps_files: false,
            stderr: Arc::new(stderr.clone()),
        };
        let began = Instant::now();
        let process = self.launcher.start(call, &self.session).await?;
        let mut running = Running {
            process,
            hello: Hello::default(),
            role: self.role,
            version: Version::V2,
            connection: None,
            run: None,
            came: VecDeque::new(),
            stdout: Tail::default(),
            stderr,
            listeners: Vec::new(),
            _utilities: utilities,
        };
        running.greet().await;
        running.hello.took = began.elapsed();
        Ok(Box::new(running))
    }
}

impl Running {
    fn down(&self, received: Result<Option<Bytes>, Refused>) -> Down {
        match received {
            Err(refused) => Down::Failed(refused),
            Ok(None) => Down::End,
            Ok(Some(bytes)) => message::down(self.role, self.version, bytes),
        }
    }

    /// Reads the first line, and connects to where it says.
    async fn greet(&mut self) {
        let Some(stdout) = self.process.take_stdout() else {
            return;
        };
        let mut stdout = BufReader::new(stdout);
        let line = timeout(HANDSHAKE, line(&mut stdout)).await;
        self.hello.line = line.ok().flatten();
        let Some(line) = &self.hello.line else {
            self.hello.exit = self.exit(ENDING).await;
            return;
        };
        let said = Handshake::parse(line);
        let kept = self.stdout.clone();
        self.listeners.push(tokio::spawn(drain(stdout, kept)));
        // What the line lacks is told by the checks of it.
        let Ok(said) = said else { return };
        self.version = said.version;
        match Connection::dial(&said.address).await {
            Err(cause) => self.hello.unreachable = Some(cause),
            Ok(connection) => {
                // As Conduit does: a Go connector that prints stands still otherwise (§1.6).
                for (path, first) in [(STDIO, Some(Bytes::new())), (BROKER, None)] {
                    let stream = connection.streaming(path);
                    self.listeners.push(tokio::spawn(hear(stream, first)));
                }
                self.connection = Some(connection);
            }
        }
    }
}

/// The next line, without its end; `None` at the end of the output.
async fn line(stdout: &mut BufReader<ChildStdout>) -> Option<String> {
    let mut line = Vec::new();
    let read = stdout.take(LONGEST_LINE).read_until(b'\n', &mut line).await;
    let text = String::from_utf8_lossy(&line);
    matches!(read, Ok(1..)).then(|| text.trim_end_matches('\n').to_owned())
}

async fn drain(mut stdout: BufReader<ChildStdout>, kept: Tail) {
    while let Some(line) = line(&mut stdout).await {
        kept.line(&line);
    }
}

/// Keeps one of go-plugin's streams open; what comes there is allowed to be anything.
async fn hear(mut stream: Stream, first: Option<Bytes>) {
    if let Some(first) = first {
        stream.send(first).await;
        stream.finish();
    }
    while let Ok(Some(_)) = stream.receive().await {}
}

#[async_trait]
impl Process for Running {
    fn hello(&self) -> &Hello {
        &self.hello
    }

    async fn ask(&mut self, question: &Question, limit: Duration) -> Answer {
        let Some(connection) = self.connection.clone() else {
            return Answer::Unreadable("there is no connection".to_owned());
        };
        let path = message::path(self.role, self.version, question);
        let request = message::request(question);
        let answering = connection.unary(&path, request);
        let mut answering = pin!(timeout(limit, answering));
        let answered = loop {
            // As Conduit does: a source that still sends before it stops must not be held back by its own answer.
            let receiving = async {
                match &mut self.run {
                    Some(run)
                        if matches!(question, Question::Stop(_)) && self.came.len() < MOST =>
                    {
                        run.receive().await
                    }
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                answered = &mut answering => break answered,
                received = receiving => {
                    let down = self.down(received);
                    let is_over = !matches!(down, Down::Records(_) | Down::Acks(_));
                    self.came.push_back(down);
                    if is_over {
                        self.run = None;
                    }
                }
            }
        };
        match answered {
            Err(_) => Answer::Silence(limit),
            Ok(Err(refused)) => Answer::Refused(refused),
            Ok(Ok(answer)) => message::answer(self.role, self.version, question, answer),
        }
    }

    async fn run(&mut self) {
        let service = side(self.role).service();
        let path = format!("/{}.{service}/Run", self.version.package());
        self.came.clear();
        self.run = self.connection.as_ref().map(|c| c.streaming(&path));
    }

    async fn send(&mut self, up: &Up, limit: Duration) -> bool {
        let Some(run) = &self.run else { return false };
        let messages = message::up(self.version, up);
        let sending = async {
            for message in messages {
                if !run.send(message).await {
                    return false;
                }
            }
            true
        };
        timeout(limit, sending).await.unwrap_or(false)
    }

    async fn receive(&mut self, limit: Duration) -> Down {
        if let Some(down) = self.came.pop_front() {
            return down;
        }
        let Some(run) = &mut self.run else {
            return Down::Unreadable("Run is not open".to_owned());
        };
        match timeout(limit, run.receive()).await {
            Err(_) => Down::Silence,
            Ok(received) => self.down(received),
        }
    }

    async fn pause(&mut self, pause: Duration) {
        tokio::time::sleep(pause).await;
    }

    async fn half_close(&mut self) {
        if let Some(run) = &mut self.run {
            run.finish();
        }
    }

    async fn cancel(&mut self) {
        self.run = None;
    }

    fn kill(&mut self) {
        self.process.kill();
    }

    async fn exit(&mut self, limit: Duration) -> Option<Exit> {
        timeout(limit, self.process.wait()).await.ok()?.ok()
    }

    fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }

    fn stdout(&self) -> Vec<String> {
        self.stdout.lines()
    }
}

impl std::fmt::Debug for Launched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Launched").field(&self.launcher).finish()
    }
}
