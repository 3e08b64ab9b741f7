//! The file source.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, RowSpans, RowsBuilder, Span};
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::{Catalog, Stream, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, StateKind};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, LogLevel};
use crossdock_core::json::Json;
use crossdock_core::raw;
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceControl, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use serde_json::{Map, json};
use tokio::time::{Instant, timeout};

use super::config::SourceConfig;
use super::tail::{Line, Tail};
use crate::stop::Stop;

/// How often the file is looked at when it has no more.
const LOOK: Duration = Duration::from_millis(100);
/// A last line without an end is taken once it has stood so long.
const SETTLED: Duration = Duration::from_secs(1);

/// Follows a file.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSource;

fn stream_of(config: &SourceConfig) -> Stream {
    let name = config
        .path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let schema = json!({"type": "object", "properties": {"raw": {"type": ["null", "string"]}}});
    Stream {
        supported_sync_modes: vec![SyncMode::Incremental],
        source_defined_cursor: Some(true),
        ..Stream::new(name.unwrap_or_else(|| "file".to_owned()), schema)
    }
}

#[async_trait]
impl Source for FileSource {
    type Config = SourceConfig;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_source::<SourceConfig>(SourceCapabilities {
            incremental: true,
            bounded: false,
            bounded_on_wish: false,
            drains: true,
            learns_streams: false,
            whole_states: true,
            deletes: false,
        }))
    }

    async fn check(&self, config: SourceConfig, _: &Session) -> Result<Checked> {
        // One that is not there is waited for.
        Ok(match File::open(&config.path) {
            Ok(_) => Checked::Succeeded,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Checked::Succeeded,
            Err(cause) => Checked::Failed(format!("`{}`: {cause}", config.path.display())),
        })
    }

    async fn discover(&self, config: SourceConfig, _: &Session) -> Result<Catalog> {
        Ok(Catalog {
            streams: vec![stream_of(&config)],
            extra: Map::new(),
        })
    }

    async fn open(
        &self,
        config: SourceConfig,
        opening: SourceOpening,
    ) -> Result<Box<dyn SourceReader>> {
        let mut at = At::default();
        for state in &opening.state {
            at = At::read(&state.state)?;
        }
        Ok(Box::new(Reader {
            stream: stream_of(&config).id(),
            plugin: opening.connector,
            pipeline: opening.pipeline,
            tail: Tail::at(at.offset),
            lines: at.lines,
            path: config.path,
            file: None,
            events: VecDeque::new(),
            session: opening.session,
            stop: Arc::default(),
        }))
    }
}

/// A place in the file.
#[derive(Clone, Copy, Debug, Default)]
struct At {
    offset: u64,
    /// Lines before it.
    lines: u64,
}

impl At {
    fn read(state: &Json) -> Result<Self> {
        let value = state.to_value()?;
        let number = |name: &str| value.get(name).and_then(serde_json::Value::as_u64);
        match (number("offset"), number("lines")) {
            (Some(offset), Some(lines)) => Ok(Self { offset, lines }),
            _ if state.is_null() => Ok(Self::default()),
            _ => Err(Error::new(
                &code::STATE_INVALID,
                "the state is not of the form `{\"offset\": n, \"lines\": n}`",
            )),
        }
    }
}

struct Reader {
    stream: StreamId,
    /// The connector's name in the pipeline.
    plugin: String,
    pipeline: String,
    path: PathBuf,
    file: Option<File>,
    tail: Tail,
    lines: u64,
    events: VecDeque<Event>,
    session: Session,
    stop: Arc<Stop>,
}

impl Reader {
    fn fault(&self, cause: io::Error) -> Error {
        Error::new(&code::IO, "the file could not be read")
            .with("path", self.path.display())
            .caused_by(cause)
    }

    /// The lines that are there; none where there is no file.
    fn look(&mut self) -> io::Result<Vec<Line>> {
        if self.file.is_none() {
            match File::open(&self.path) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(self.tail.offset))?;
                    self.file = Some(file);
                }
                Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(cause) => return Err(cause),
            }
        }
        let Some(file) = &mut self.file else {
            return Ok(Vec::new());
        };
        if file.metadata()?.len() < self.tail.offset {
            let message = "the file became shorter and is read from its beginning".to_owned();
            self.session.log(LogLevel::Warn, message);
            file.seek(SeekFrom::Start(0))?;
            self.tail = Tail::at(0);
            self.lines = 0;
        }
        self.tail.read(file, self.session.limits.max_line_bytes)
    }

    /// The next lines; `None` once the end is wished.
    async fn next_lines(&mut self) -> Result<Option<Vec<Line>>> {
        let mut since = Instant::now();
        let mut seen = self.tail.offset;
        loop {
            let lines = self.look().map_err(|cause| self.fault(cause))?;
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
            if self.tail.offset != seen {
                (since, seen) = (Instant::now(), self.tail.offset);
                continue;
            }
            let is_wished = timeout(LOOK, self.stop.wished()).await.is_ok();
            if self.tail.has_rest() && (is_wished || since.elapsed() >= SETTLED) {
                return Ok(Some(vec![self.tail.take_rest()]));
            }
            if is_wished {
                return Ok(None);
            }
        }
    }

    fn group(&mut self, lines: Vec<Line>) -> Result<()> {
        let now = SystemClock.now_ms();
        let mut buffer = Vec::new();
        let mut metadata = json!({
            "file.path": self.path.display().to_string(),
            "opencdc.readAt": (i128::from(now) * 1_000_000).to_string(),
            raw::RAW_PARTS: "key,after",
        });
        if !self.plugin.is_empty() {
            let id = format!("{}:{}", self.pipeline, self.plugin);
            metadata["conduit.source.connector.id"] = id.into();
        }
        buffer.extend_from_slice(metadata.to_string().as_bytes());
        let metadata = span(0, buffer.len())?;
        let mut rows = RowsBuilder::default();
        let mut end = self.tail.offset;
        for line in lines {
            self.lines += 1;
            end = line.end;
            let start = buffer.len();
            raw::wrap(self.lines.to_string().as_bytes(), &mut buffer);
            let key = span(start, buffer.len())?;
            let start = buffer.len();
            raw::wrap(&line.text, &mut buffer);
            rows.push(RowSpans {
                key,
                after: span(start, buffer.len())?,
                metadata,
                emitted_at: now,
                ..RowSpans::default()
            });
        }
        self.events.push_back(Event::Batch(Batch {
            stream: self.stream.clone(),
            body: Body::Rows(rows.finish(Bytes::from(buffer), None)),
        }));
        let state = json!({"offset": end, "lines": self.lines});
        let state = Json::from_value(&state);
        self.events.push_back(Event::Checkpoint(Checkpoint::global(
            StateKind::Position,
            state,
        )));
        Ok(())
    }
}

fn span(start: usize, end: usize) -> Result<Span> {
    Span::new(start, end).ok_or_else(|| {
        Error::new(
            &code::RECORD_TOO_LARGE,
            "lines of more than 4 GiB came at once",
        )
    })
}

#[async_trait]
impl SourceReader for Reader {
    async fn next(&mut self) -> Result<Event> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        match self.next_lines().await? {
            Some(lines) => self.group(lines)?,
            None => return Ok(Event::End),
        }
        Ok(self.events.pop_front().unwrap_or(Event::End))
    }

    fn control(&self) -> Arc<dyn SourceControl> {
        self.stop.clone()
    }
}
