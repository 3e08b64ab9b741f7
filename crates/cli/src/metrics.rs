//! Metrics of the runs of this process, in Prometheus's text form, on `--metrics-port`.
//!
//! ```text
//! crossdock_records_read_total{pipeline="p",stream="users"} 1000
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossdock_control::Progress;
use crossdock_control::ui::{Phase, Role, Ui};
use crossdock_core::event::LogRecord;
use crossdock_core::store::StreamCounts;
use crossdock_core::{Error, code};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Longest request that is read, in bytes.
const LONGEST: usize = 8 << 10;
/// How long a client may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A user interface that also counts.
pub(crate) struct Metered {
    inner: Arc<dyn Ui>,
    state: Arc<State>,
}

/// What is known of each pipeline.
#[derive(Default)]
struct State(Mutex<BTreeMap<String, Pipeline>>);

#[derive(Default)]
struct Pipeline {
    progress: Option<Progress>,
    retries: u64,
    failures: u64,
    warnings: u64,
}

impl Metered {
    /// Counts what `inner` is told and answers on the port of this machine.
    pub(crate) async fn serve(inner: Arc<dyn Ui>, port: u16) -> Result<Self, Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.map_err(|cause| {
            Error::new(
                &code::USAGE,
                format!("metrics cannot be served on port {port}"),
            )
            .hint("choose another `--metrics-port`; 0 takes any that is free")
            .caused_by(cause)
        })?;
        let state = Arc::new(State::default());
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(answer(client, shared.clone()));
            }
        });
        Ok(Self { inner, state })
    }

    fn change(&self, pipeline: &str, change: impl FnOnce(&mut Pipeline)) {
        let mut all = self.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(pipeline.to_owned()).or_default());
    }
}

/// One request, whatever it asks for: there is one page.
async fn answer(mut client: TcpStream, state: Arc<State>) {
    let exchange = async {
        let mut request = Vec::new();
        while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < LONGEST {
            if client.read_buf(&mut request).await? == 0 {
                break;
            }
        }
        let body = {
            let all = state.0.lock().unwrap_or_else(PoisonError::into_inner);
            exposition(&all)
        };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        client.write_all(head.as_bytes()).await?;
        client.write_all(body.as_bytes()).await?;
        client.shutdown().await
    };
    if let Ok(Err(error)) = tokio::time::timeout(PATIENCE, exchange).await {
        tracing::debug!(%error, "a client of the metrics went away");
    }
}

/// A metric of each stream: its name, what it is, and where it comes from.
type OfStream = (&'static str, &'static str, fn(&StreamCounts) -> u64);

const STREAMS: [OfStream; 9] = [
    (
        "records_read_total",
        "Records that the source emitted.",
        |c| c.read,
    ),
    ("bytes_read_total", "Bytes of these.", |c| c.bytes),
    (
        "records_written_total",
        "Records durable at every destination.",
        |c| c.written,
    ),
    (
        "records_filtered_total",
        "Records that a processor removed.",
        |c| c.filtered,
    ),
    (
        "records_dead_lettered_total",
        "Records kept as dead letters.",
        |c| c.dead_lettered,
    ),
    (
        "records_rejected_total",
        "Records that a destination refused.",
        |c| c.rejected,
    ),
    (
        "records_dropped_total",
        "Records left out with a reason.",
        |c| c.dropped,
    ),
    (
        "records_committed_total",
        "Records covered by committed checkpoints.",
        |c| c.committed,
    ),
    (
        "checkpoints_committed_total",
        "Checkpoints committed.",
        |c| c.checkpoints,
    ),
];

/// The page.
fn exposition(pipelines: &BTreeMap<String, Pipeline>) -> String {
    let mut text = String::new();
    let mut head = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
        // Writing to memory does not fail.
        let _ = write!(
            text,
            "# HELP crossdock_{name} {help}\n# TYPE crossdock_{name} {kind}\n"
        );
        for (labels, value) in lines {
            let _ = writeln!(text, "crossdock_{name}{{{labels}}} {value}");
        }
    };
    for (name, help, of) in STREAMS {
        let lines = each_stream(pipelines, of);
        head(name, "counter", help, &lines);
    }
    let lag = each_stream(pipelines, |c| c.read.saturating_sub(c.committed));
    head(
        "lag_records",
        "gauge",
        "Records read and not yet committed.",
        &lag,
    );
    let each = |of: &dyn Fn(&Pipeline) -> Option<String>| -> Vec<(String, String)> {
        let line =
            |(name, pipeline): (&String, &Pipeline)| Some((label("pipeline", name), of(pipeline)?));
        pipelines.iter().filter_map(line).collect()
    };
    let progress = |of: fn(&Progress) -> Option<String>| {
        each(&move |pipeline| pipeline.progress.as_ref().and_then(of))
    };
    let since = progress(|p| p.since_commit.map(|t| t.as_secs_f64().to_string()));
    head(
        "lag_seconds",
        "gauge",
        "Seconds since the last commit.",
        &since,
    );
    let queued = progress(|p| Some(p.queued_bytes.to_string()));
    let help = "Bytes under way between source and destinations, of the memory budget.";
    head("memory_queued_bytes", "gauge", help, &queued);
    let retries = each(&|p| Some(p.retries.to_string()));
    head(
        "retries_total",
        "counter",
        "Attempts after a failed one.",
        &retries,
    );
    let failures = each(&|p| Some(p.failures.to_string()));
    head(
        "failures_total",
        "counter",
        "Attempts that failed.",
        &failures,
    );
    let warnings = each(&|p| Some(p.warnings.to_string()));
    head(
        "warnings_total",
        "counter",
        "Troubles that did not end a run.",
        &warnings,
    );
    text
}

fn each_stream(
    pipelines: &BTreeMap<String, Pipeline>,
    of: fn(&StreamCounts) -> u64,
) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (name, pipeline) in pipelines {
        for stream in pipeline.progress.iter().flat_map(|p| &p.streams) {
            let stream_name = stream.counts.stream.to_string();
            let labels = format!(
                "{},{}",
                label("pipeline", name),
                label("stream", &stream_name)
            );
            lines.push((labels, of(&stream.counts).to_string()));
        }
    }
    lines
}

fn label(name: &str, value: &str) -> String {
    let value = value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

impl Ui for Metered {
    fn log(&self, role: Role, log: &LogRecord) {
        self.inner.log(role, log);
    }

    fn preparing(&self, role: Role, what: &str) {
        self.inner.preparing(role, what);
    }

    fn phase(&self, pipeline: &str, phase: &Phase) {
        if matches!(phase, Phase::Waiting { .. }) {
            self.change(pipeline, |p| p.retries += 1);
        }
        self.inner.phase(pipeline, phase);
    }

    fn began(&self, pipeline: &str, run: i64) {
        self.change(pipeline, |_| {});
        self.inner.began(pipeline, run);
    }

    fn failed(&self, pipeline: &str, reason: &str) {
        self.change(pipeline, |p| p.failures += 1);
        self.inner.failed(pipeline, reason);
    }

    fn progress(&self, pipeline: &str, progress: &Progress) {
        self.change(pipeline, |p| p.progress = Some(progress.clone()));
        self.inner.progress(pipeline, progress);
    }

    fn warning(&self, pipeline: &str, warning: &Error) {
        self.change(pipeline, |p| p.warnings += 1);
        self.inner.warning(pipeline, warning);
    }
}

#[cfg(test)]
mod tests {
    use crossdock_core::StreamId;

    use super::*;

    #[test]
    fn the_page_has_every_stream_with_its_labels() {
        let mut counts = StreamCounts::new(StreamId::with_namespace("shop", "a\"b"));
        (counts.read, counts.committed) = (10, 7);
        let progress = Progress {
            elapsed: Duration::from_secs(3),
            since_commit: Some(Duration::from_millis(1500)),
            estimate: None,
            queued_bytes: 42,
            streams: vec![crossdock_control::StreamProgress {
                counts,
                status: None,
                estimate: None,
            }],
        };
        let pipeline = Pipeline {
            progress: Some(progress),
            retries: 2,
            ..Pipeline::default()
        };
        let page = exposition(&BTreeMap::from([("p".to_owned(), pipeline)]));
        for line in [
            r#"crossdock_records_read_total{pipeline="p",stream="shop.a\"b"} 10"#,
            r#"crossdock_lag_records{pipeline="p",stream="shop.a\"b"} 3"#,
            r#"crossdock_lag_seconds{pipeline="p"} 1.5"#,
            r#"crossdock_memory_queued_bytes{pipeline="p"} 42"#,
            r#"crossdock_retries_total{pipeline="p"} 2"#,
            "# TYPE crossdock_records_read_total counter",
        ] {
            assert!(page.lines().any(|l| l == line), "{line} is not in\n{page}");
        }
    }
}
