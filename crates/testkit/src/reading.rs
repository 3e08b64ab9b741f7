//! What a source emits.

use std::collections::BTreeMap;

use crossdock_core::batch::{BodyShape, Operation};
use crossdock_core::catalog::{ConfiguredCatalog, ConfiguredStream, SyncMode};
use crossdock_core::checkpoint::LaneState;
use crossdock_core::convert::columns_to_rows;
use crossdock_core::erased::ErasedSource;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, StreamStatus};
use crossdock_core::session::Session;
use crossdock_core::source::SourceOpening;
use crossdock_core::{Batch, Body};
use serde_json::Value;

/// All that a source emitted.
#[derive(Debug, Default)]
pub struct Read {
    /// The records of each stream, in order: the row after the change, or before it if that is all there is.
    pub records: BTreeMap<String, Vec<Value>>,
    /// What was done to the rows of each stream, in the same order.
    pub operations: BTreeMap<String, Vec<Operation>>,
    /// The states on the way: all lanes' as they were after each checkpoint, and how many records had come by then.
    pub checkpoints: Vec<(Vec<LaneState>, usize)>,
    /// The last status of each stream.
    pub statuses: BTreeMap<String, StreamStatus>,
    /// The streams that failed.
    pub failed: BTreeMap<String, Error>,
    /// How it ended, if not well.
    pub error: Option<Error>,
    /// The stream of each record, over all streams.
    pub(crate) order: Vec<(String, Value)>,
}

impl Read {
    /// The records of a stream; none if there is no such stream.
    #[must_use]
    pub fn of(&self, stream: &str) -> &[Value] {
        self.records.get(stream).map_or(&[], Vec::as_slice)
    }

    /// The states after the last checkpoint.
    #[must_use]
    pub fn states(&self) -> Vec<LaneState> {
        let last = self.checkpoints.last();
        last.map(|(states, _)| states.clone()).unwrap_or_default()
    }

    fn take(&mut self, batch: Batch) -> Result<()> {
        let stream = batch.stream.to_string();
        let rows = match batch.body {
            Body::Rows(rows) => rows,
            Body::Columns(columns) => columns_to_rows(&columns, None)?,
        };
        for index in 0..rows.len() {
            let text = match rows.after(index) {
                [] => rows.before(index).unwrap_or_default(),
                after => after,
            };
            let value: Value = serde_json::from_slice(text).expect("a record is JSON");
            let operations = self.operations.entry(stream.clone()).or_default();
            operations.push(rows.operation(index));
            let records = self.records.entry(stream.clone()).or_default();
            records.push(value.clone());
            self.order.push((stream.clone(), value));
        }
        Ok(())
    }
}

/// Reads all streams of a source from the beginning, incrementally where it can. What goes wrong on the way is in
/// [`Read::error`].
///
/// # Panics
/// If the source cannot list its streams.
pub async fn read(source: &dyn ErasedSource, config: &Value) -> Read {
    read_from(source, config, Vec::new()).await
}

/// The same from these states on.
///
/// # Panics
/// As [`read`].
pub async fn read_from(source: &dyn ErasedSource, config: &Value, state: Vec<LaneState>) -> Read {
    let session = Session::default();
    let found = source.discover(config.clone(), &session).await;
    let found = found.expect("a source lists its streams");
    let streams = found.streams.into_iter().map(|stream| {
        let mut configured = ConfiguredStream::new(stream);
        if configured.stream.supports(SyncMode::Incremental) {
            configured.sync_mode = SyncMode::Incremental;
            configured.cursor_field = configured.stream.default_cursor_field.clone();
        }
        configured.primary_key = configured.stream.source_defined_primary_key.clone();
        configured
    });
    let catalog = ConfiguredCatalog {
        streams: streams.collect(),
        ..ConfiguredCatalog::default()
    };
    let opening = SourceOpening {
        catalog,
        pipeline: "test".to_owned(),
        connector: String::new(),
        state: state.clone(),
        shape: BodyShape::Rows,
        verbatim: None,
        values: true,
        bounded: true,
        session,
    };
    let mut read = Read::default();
    let mut states = state;
    let mut reader = match source.open(config.clone(), opening).await {
        Ok(reader) => reader,
        Err(error) => {
            read.error = Some(error);
            return read;
        }
    };
    loop {
        let taken = match reader.next().await {
            Ok(Event::End) => break,
            Ok(Event::Batch(batch)) => read.take(batch),
            Ok(Event::Checkpoint(checkpoint)) => {
                states.retain(|state| state.lane != checkpoint.lane);
                states.push(LaneState {
                    lane: checkpoint.lane,
                    kind: checkpoint.kind,
                    state: checkpoint.state,
                });
                let records = read.order.len();
                read.checkpoints.push((states.clone(), records));
                Ok(())
            }
            Ok(Event::Status { stream, status }) => {
                read.statuses.insert(stream.to_string(), status);
                Ok(())
            }
            Ok(Event::StreamFailed { stream, error }) => {
                read.failed.insert(stream.to_string(), error);
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            read.error = Some(error);
            break;
        }
    }
    if let Err(error) = reader.close().await {
        read.error.get_or_insert(error);
    }
    read
}
