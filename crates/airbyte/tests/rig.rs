//! What the tests drive: a launcher for the scripted connector, and ears for what is said.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use crossdock_airbyte::{AirbyteDestination, AirbyteSource};
use crossdock_core::Result;
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, Stream};
use crossdock_core::destination::{Ack, Acknowledge};
use crossdock_core::event::Event;
use crossdock_core::session::{Limits, Note, Observer, Session};
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::stream::StreamId;
use crossdock_launch::{Launcher, Program};
use serde_json::{Value, json};

/// Nothing in these tests takes this long; it only keeps a defect from hanging them.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Script;

#[async_trait]
impl Launcher for Script {
    async fn program(&self, _: &Session) -> Result<Program> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peer/connector.py");
        Ok(Program {
            path: "python3".into(),
            args: vec!["-S".into(), OsString::from(script)],
            env: Vec::new(),
        })
    }

    async fn identity(&self) -> Option<String> {
        None
    }

    fn name(&self) -> String {
        "scripted".into()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Ears {
    pub(crate) notes: Mutex<Vec<Note>>,
    pub(crate) acks: Mutex<Vec<Ack>>,
}

impl Observer for Ears {
    fn observe(&self, note: Note) {
        if !matches!(note, Note::Alive) {
            self.notes.lock().unwrap().push(note);
        }
    }
}

impl Acknowledge for Ears {
    fn acknowledge(&self, ack: Ack) {
        self.acks.lock().unwrap().push(ack);
    }
}

impl Ears {
    /// All log lines as one text.
    pub(crate) fn log(&self) -> String {
        let notes = self.notes.lock().unwrap();
        let lines = notes.iter().filter_map(|note| match note {
            Note::Log(record) => Some(format!("{:?} {}\n", record.level, record.message)),
            _ => None,
        });
        lines.collect()
    }

    pub(crate) fn new_configs(&self) -> Vec<Value> {
        let notes = self.notes.lock().unwrap();
        let configs = notes.iter().filter_map(|note| match note {
            Note::NewConfig(config) => Some(config.clone()),
            _ => None,
        });
        configs.collect()
    }
}

pub(crate) struct Rig {
    pub(crate) ears: Arc<Ears>,
    pub(crate) session: Session,
}

impl Rig {
    pub(crate) fn new(change: impl FnOnce(&mut Limits)) -> Self {
        let ears = Arc::new(Ears::default());
        let mut session = Session::new(ears.clone());
        session.limits.grace = Duration::from_secs(20);
        session.limits.command_timeout = GUARD;
        change(&mut session.limits);
        Self { ears, session }
    }

    /// One for all tests, since it remembers the specification: a start of Python is slow.
    pub(crate) fn source() -> &'static AirbyteSource {
        static SOURCE: LazyLock<AirbyteSource> =
            LazyLock::new(|| AirbyteSource::new(Arc::new(Script)).with_cache_dir(None));
        &SOURCE
    }

    /// Likewise.
    pub(crate) fn destination() -> &'static AirbyteDestination {
        static DESTINATION: LazyLock<AirbyteDestination> =
            LazyLock::new(|| AirbyteDestination::new(Arc::new(Script)).with_cache_dir(None));
        &DESTINATION
    }

    /// Starts to read the streams `a` and `b` from a source that goes through `steps`.
    pub(crate) async fn open(&self, steps: Value) -> Box<dyn SourceReader> {
        let opening = SourceOpening {
            bounded: true,
            connector: String::new(),
            pipeline: "p".to_owned(),
            shape: crossdock_core::batch::BodyShape::Rows,

            verbatim: None,
            values: true,
            catalog: catalog(&["a", "b"]),
            state: Vec::new(),
            session: self.session.clone(),
        };
        let config = json!({"source": steps, "password": "hunter22"});
        Self::source().open(config, opening).await.unwrap()
    }

    /// Reads to the end. Returns what came, and the error if there was one.
    pub(crate) async fn read(&self, steps: Value) -> (Vec<String>, Option<crossdock_core::Error>) {
        let mut reader = self.open(steps).await;
        let seen = drain(&mut reader).await;
        reader.close().await.unwrap();
        seen
    }
}

pub(crate) async fn drain(
    reader: &mut Box<dyn SourceReader>,
) -> (Vec<String>, Option<crossdock_core::Error>) {
    let mut seen: Vec<String> = Vec::new();
    // Where a batch is cut is up to the pipe: neighbours of one stream are shown as one, and so are
    // neighbouring drops.
    let mut last: Option<(StreamId, usize)> = None;
    let mut dropped = 0;
    loop {
        match tokio::time::timeout(GUARD, reader.next())
            .await
            .expect("the source hangs")
        {
            Ok(Event::End) => return (seen, None),
            Ok(Event::Batch(batch)) => {
                let before = last.take().filter(|(stream, _)| *stream == batch.stream);
                let records = batch.records()
                    + before.map_or(0, |(_, records)| {
                        seen.pop();
                        records
                    });
                seen.push(format!("{} x{records}", batch.stream));
                last = Some((batch.stream, records));
            }
            Ok(Event::Dropped { records, .. }) => {
                if seen.last() == Some(&format!("dropped {dropped}")) {
                    seen.pop();
                } else {
                    dropped = 0;
                }
                dropped += records;
                seen.push(format!("dropped {dropped}"));
                last = None;
            }
            Ok(event) => {
                if let Some(shown) = show(&event) {
                    seen.push(shown);
                    last = None;
                }
            }
            Err(error) => return (seen, Some(error)),
        }
    }
}

/// An event in short; batches and statuses are left out.
fn show(event: &Event) -> Option<String> {
    Some(match event {
        Event::Checkpoint(c) => format!("{} at {}", c.lane, c.state),
        Event::StreamFailed { stream, error } => {
            format!("{stream} failed: {} {}", error.code().name, error.message())
        }
        Event::Batch(_)
        | Event::Passed { .. }
        | Event::Schema(_)
        | Event::Dropped { .. }
        | Event::Refused(_)
        | Event::Estimate(_)
        | Event::Status { .. }
        | Event::End => return None,
    })
}

pub(crate) fn catalog(names: &[&str]) -> ConfiguredCatalog {
    let stream = |name: &&str| {
        let mut stream = ConfiguredStream::new(Stream::new(*name, json!({})));
        stream.generation_id = Some(1);
        stream
    };
    ConfiguredCatalog {
        streams: names.iter().map(stream).collect(),
        ..ConfiguredCatalog::default()
    }
}
