//! Who answers: a program, or a double in a test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use crossdock_core::Result;
use crossdock_core::line::LineBuffer;
use crossdock_core::session::Session;
use crossdock_launch::{Call, Launcher, Process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::ChildStdin;
use tokio::time::{timeout, timeout_at};

use super::{Exchange, Invocation, Until};
use crate::tail::Tail;

/// A connector that can be used any number of times.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Uses it once.
    ///
    /// # Errors
    /// Only if it cannot be started at all.
    async fn call(&self, invocation: &Invocation) -> Result<Exchange>;
}

/// A connector that is a program.
pub struct Launched {
    launcher: Arc<dyn Launcher>,
    session: Session,
    patience: Duration,
    grace: Duration,
}

/// Reading is given up after so many lines …
const MOST_LINES: usize = 200_000;
/// … or bytes: what a battery reads is held in memory.
const MOST_BYTES: usize = 256 << 20;
/// How long one use may take …
const PATIENCE: Duration = Duration::from_secs(300);
/// … and the end of one that is asked to end, which is what platforms wait.
const GRACE: Duration = Duration::from_secs(10);
/// How long a slow reader does not read.
const SLOWNESS: Duration = Duration::from_secs(3);

impl Launched {
    /// A program, with as much patience as platforms have.
    #[must_use]
    pub fn new(launcher: Arc<dyn Launcher>, session: Session) -> Self {
        Self {
            launcher,
            session,
            patience: PATIENCE,
            grace: GRACE,
        }
    }

    /// The same with less patience: for a whole use, and for the end of one that is asked to end.
    #[must_use]
    pub fn hurried(mut self, patience: Duration, grace: Duration) -> Self {
        self.patience = patience;
        self.grace = grace;
        self
    }
}

#[async_trait]
impl Peer for Launched {
    async fn call(&self, invocation: &Invocation) -> Result<Exchange> {
        let stderr = Tail::default();
        let call = Call {
            words: invocation.words.clone(),
            env: Vec::new(),
            folder: None,
            stdin: invocation.input.is_some(),
            keeps_files: false,
            stderr: Arc::new(stderr.clone()),
        };
        let began = Instant::now();
        let mut process = self.launcher.start(call, &self.session).await?;
        let feeding = process.take_stdin().map(|stdin| {
            let input = invocation.input.clone().unwrap_or_default();
            let open = matches!(invocation.until, Until::Asked(_));
            tokio::spawn(feed(stdin, input, open))
        });
        let mut listener = Listener::new(self.grace);
        let listened = timeout(
            self.patience,
            listener.listen(&mut process, invocation.until),
        );
        let patient = listened.await.is_ok();
        let exit = if patient {
            let waited = timeout(self.grace, process.wait()).await;
            waited.ok().transpose()?
        } else {
            None
        };
        // Sweeps what it left behind, too.
        process.kill();
        process.stop(self.grace).await?;
        if let Some(feeding) = feeding {
            feeding.abort();
        }
        let mut exchange = Exchange::new(invocation.clone(), listener.lines, exit);
        exchange.cut = listener.cut;
        exchange.stderr = stderr.lines();
        exchange.took = began.elapsed();
        Ok(exchange)
    }
}

/// Whether a line is a state, without a look at all of a long one.
fn is_state(line: &str) -> bool {
    line.contains("\"STATE\"")
        && super::exchange::message(0, line).is_some_and(|m| m.kind == "STATE")
}

/// A connector that ends early does not read all; that is not the error to report.
async fn feed(mut stdin: ChildStdin, input: Vec<u8>, stays_open: bool) {
    let _ = stdin.write_all(&input).await;
    let _ = stdin.flush().await;
    if stays_open {
        // Until the task is aborted.
        std::future::pending::<()>().await;
    }
    let _ = stdin.shutdown().await;
}

struct Listener {
    grace: Duration,
    lines: Vec<String>,
    states: usize,
    bytes: usize,
    cut: bool,
}

impl Listener {
    fn new(grace: Duration) -> Self {
        Self {
            grace,
            lines: Vec::new(),
            states: 0,
            bytes: 0,
            cut: false,
        }
    }

    /// Reads until the end of stdout, or for as long as somebody listens.
    async fn listen(&mut self, process: &mut Process, until: Until) {
        let Some(mut stdout) = process.take_stdout() else {
            return;
        };
        if until == Until::EndSlowly {
            tokio::time::sleep(SLOWNESS).await;
        }
        let mut late = None;
        let mut buffer = LineBuffer::new(MOST_BYTES);
        loop {
            match until {
                Until::Closed(lines) if self.lines.len() >= lines => return,
                Until::Killed(lines) if self.lines.len() >= lines => {
                    process.kill();
                    return;
                }
                Until::KilledAtState(states) if self.states >= states => {
                    process.kill();
                    return;
                }
                Until::Asked(lines) if self.lines.len() >= lines && late.is_none() => {
                    process.signal_stop();
                    late = Some(tokio::time::Instant::now() + self.grace);
                }
                _ => {}
            }
            if self.lines.len() >= MOST_LINES || self.bytes >= MOST_BYTES {
                self.cut = true;
                process.kill();
                return;
            }
            let reading = stdout.read_buf(buffer.space());
            let read = match late {
                None => reading.await,
                // Its exit tells that it was too slow.
                Some(deadline) => match timeout_at(deadline, reading).await {
                    Ok(read) => read,
                    Err(_) => return,
                },
            };
            match read {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            match buffer.take() {
                Ok(Some(run)) => self.add(&run),
                Ok(None) => {}
                Err(_) => {
                    self.cut = true;
                    process.kill();
                    return;
                }
            }
        }
        if let Some(rest) = buffer.rest() {
            self.add(&rest);
        }
    }

    fn add(&mut self, run: &[u8]) {
        self.bytes += run.len();
        let text = String::from_utf8_lossy(run);
        self.states += text.lines().filter(|line| is_state(line)).count();
        self.lines.extend(text.lines().map(str::to_owned));
    }
}

impl std::fmt::Debug for Launched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Launched").field(&self.launcher).finish()
    }
}
