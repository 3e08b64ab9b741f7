//! All that a served connector says, on stdout: lines of JSON, each whole, without secrets (§2.2, P10).

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Context, Poll};

use crossdock_core::catalog::Catalog;
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::error::Error;
use crossdock_core::event::{Estimate, LogLevel};
use crossdock_core::secret::Masker;
use crossdock_core::session::{Note, Observer};
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use serde_json::{Value, json};
use tokio::io::AsyncWrite;

use crate::trace_error::trace_of;

/// The environment variable that tells how much is logged (§2.4).
const LOG_LEVEL: &str = "LOG_LEVEL";

/// Writes to stdout. Whoever writes holds the lock for whole lines.
pub(super) struct Voice {
    // Not the standard library's own handle, which looks for line ends in everything that passes.
    stdout: Mutex<File>,
    masker: RwLock<Masker>,
    least: RwLock<LogLevel>,
}

impl Voice {
    pub(super) fn stdout() -> io::Result<Self> {
        let least = std::env::var(LOG_LEVEL).ok();
        Ok(Self {
            stdout: Mutex::new(File::from(io::stdout().as_fd().try_clone_to_owned()?)),
            masker: RwLock::default(),
            least: RwLock::new(least.as_deref().map_or(LogLevel::Info, level)),
        })
    }

    /// Stdout, for whoever has whole lines.
    pub(super) fn data(&self) -> MutexGuard<'_, File> {
        self.stdout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on nothing below this level is left out.
    pub(super) fn speak_from(&self, level: LogLevel) {
        let mut least = self.least.write().unwrap_or_else(PoisonError::into_inner);
        *least = level.min(*least);
    }

    /// From now on these values are masked, too.
    pub(super) fn keep_secret(&self, masker: &Masker) {
        let mut own = self.masker.write().unwrap_or_else(PoisonError::into_inner);
        *own = own.join(masker);
    }

    fn mask(&self, text: &str) -> String {
        let masker = self.masker.read().unwrap_or_else(PoisonError::into_inner);
        masker.mask(text).into_owned()
    }

    /// Text that is no message.
    pub(super) fn plain(&self, text: &str) {
        // With nobody to read it, there is nobody to tell.
        let _ = self.data().write_all(text.as_bytes());
    }

    fn message(&self, message: &Value) {
        self.plain(&format!("{message}\n"));
    }

    pub(super) fn log(&self, level: LogLevel, text: &str) {
        if level < *self.least.read().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        let message =
            json!({"type": "LOG", "log": {"level": name(level), "message": self.mask(text)}});
        self.message(&message);
    }

    /// Why it fails, as an ERROR trace.
    pub(super) fn error(&self, error: &Error, stream: Option<&StreamId>) {
        let mut trace = trace_of(error, stream);
        trace.message = self.mask(&trace.message);
        trace.internal_message = trace.internal_message.map(|text| self.mask(&text));
        self.trace("ERROR", "error", &json!(trace));
    }

    pub(super) fn estimate(&self, estimate: &Estimate) {
        let mut body =
            json!({"type": if estimate.stream.is_some() { "STREAM" } else { "SYNC" }, "name": ""});
        let parts = [
            ("row_estimate", estimate.records),
            ("byte_estimate", estimate.bytes),
        ];
        for (key, value) in parts {
            if let Some(value) = value {
                body[key] = json!(value);
            }
        }
        if let Some(stream) = &estimate.stream {
            body["name"] = json!(stream.name);
            if let Some(namespace) = &stream.namespace {
                body["namespace"] = json!(namespace);
            }
        }
        self.trace("ESTIMATE", "estimate", &body);
    }

    fn trace(&self, kind: &str, key: &str, body: &Value) {
        let now = SystemClock.now_ms();
        self.message(
            &json!({"type": "TRACE", "trace": {"type": kind, "emitted_at": now, key: body}}),
        );
    }

    pub(super) fn spec(&self, spec: &Spec) {
        self.message(&json!({"type": "SPEC", "spec": spec}));
    }

    pub(super) fn catalog(&self, catalog: &Catalog) {
        self.message(&json!({"type": "CATALOG", "catalog": catalog}));
    }

    pub(super) fn checked(&self, checked: &Checked) {
        let status = match checked {
            Checked::Succeeded => json!({"status": "SUCCEEDED"}),
            Checked::Failed(why) => json!({"status": "FAILED", "message": self.mask(why)}),
        };
        self.message(&json!({"type": "CONNECTION_STATUS", "connectionStatus": status}));
    }

    /// The configuration is to be replaced by this one (§1.6): secrets are what it is for.
    fn control(&self, config: &Value) {
        let control = json!({"type": "CONNECTOR_CONFIG", "emitted_at": SystemClock.now_ms(),
            "connectorConfig": {"config": config}});
        self.message(&json!({"type": "CONTROL", "control": control}));
    }
}

impl Observer for Voice {
    fn observe(&self, note: Note) {
        match note {
            Note::Log(log) => self.log(log.level, &log.message),
            Note::Progress(text) => self.log(LogLevel::Info, &text),
            Note::NewConfig(config) => self.control(&config),
            Note::Alive => {}
        }
    }
}

/// The way of the data: what is written in one call stands together on stdout. It blocks while nobody reads,
/// which is the back-pressure of the protocol (§3.1).
pub(super) struct Data(pub(super) Arc<Voice>);

impl AsyncWrite for Data {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.data().write_all(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Trace => "TRACE",
        LogLevel::Debug => "DEBUG",
        LogLevel::Info => "INFO",
        LogLevel::Warn => "WARN",
        LogLevel::Error => "ERROR",
        LogLevel::Fatal => "FATAL",
    }
}

/// The level of the name; information if it is none.
fn level(name: &str) -> LogLevel {
    match name.to_ascii_uppercase().as_str() {
        "TRACE" => LogLevel::Trace,
        "DEBUG" => LogLevel::Debug,
        "WARN" | "WARNING" => LogLevel::Warn,
        "ERROR" => LogLevel::Error,
        "FATAL" => LogLevel::Fatal,
        _ => LogLevel::Info,
    }
}
