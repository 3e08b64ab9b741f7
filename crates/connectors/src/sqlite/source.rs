//! The SQLite source.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use crossdock_core::batch::{Batch, Body, RowsBuilder, Span};
use crossdock_core::capability::SourceCapabilities;
use crossdock_core::catalog::{Catalog, ConfiguredStream, SyncMode};
use crossdock_core::checkpoint::{Checkpoint, Lane, LaneState};
use crossdock_core::clock::{Clock, SystemClock};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::event::{Event, StreamStatus};
use crossdock_core::schema::{DataType, StreamSchema};
use crossdock_core::session::Session;
use crossdock_core::source::{Source, SourceOpening, SourceReader};
use crossdock_core::spec::{Checked, Spec};
use crossdock_core::stream::StreamId;
use serde_json::Map;

use super::database::Database;
use super::fault::fault;
use super::place::{Mark, Place};
use super::relation::{Relation, relations};
use super::row_text::RowText;
use super::source_config::SourceConfig;
use crate::reader::{Break, Line, ThreadedReader};
use crate::semantics::column_shape::ADDITIONAL;
use crate::writer::ended;

/// A batch is sent when it holds this many bytes.
const BATCH_BYTES: usize = 1 << 20;
/// A checkpoint stands after this many bytes of records at the latest.
const CHECKPOINT_BYTES: u64 = 32 << 20;

/// Reads tables and views of a SQLite database.
#[derive(Clone, Copy, Debug, Default)]
pub struct SqliteSource;

#[async_trait]
impl Source for SqliteSource {
    type Config = SourceConfig;

    async fn spec(&self, _: &Session) -> Result<Spec> {
        Ok(Spec::of_source::<SourceConfig>(SourceCapabilities {
            incremental: true,
            bounded: true,
            bounded_on_wish: false,
            drains: true,
            learns_streams: false,
            whole_states: false,
            deletes: false,
        }))
    }

    async fn check(&self, config: SourceConfig, session: &Session) -> Result<Checked> {
        Ok(Checked::of(self.discover(config, session).await))
    }

    async fn discover(&self, config: SourceConfig, _: &Session) -> Result<Catalog> {
        let look = move || look(&config);
        let (_, relations) = tokio::task::spawn_blocking(look).await.map_err(ended)??;
        Ok(Catalog {
            streams: relations.iter().map(Relation::stream).collect(),
            extra: Map::new(),
        })
    }

    async fn open(
        &self,
        config: SourceConfig,
        opening: SourceOpening,
    ) -> Result<Box<dyn SourceReader>> {
        let look = move || look(&config);
        let (database, relations) = tokio::task::spawn_blocking(look).await.map_err(ended)??;
        let mut works = Vec::new();
        for stream in opening.catalog.streams {
            let id = stream.id();
            let relation = relations
                .iter()
                .find(|r| r.name == stream.stream.name && id.namespace.is_none())
                .ok_or_else(|| {
                    Error::new(&code::STREAM_UNKNOWN, "the database has no such table")
                        .with("stream", &id)
                })?;
            let work = Work::new(id.clone(), relation, &stream, &opening.state);
            works.push(work.map_err(|e| e.with("stream", id))?);
        }
        let read = move |line: &Line| {
            works
                .into_iter()
                .try_for_each(|work| work.read(&database, line))
        };
        Ok(Box::new(ThreadedReader::open(opening.session, read)))
    }
}

/// Opens the database and looks at what it has.
fn look(config: &SourceConfig) -> Result<(Database, Vec<Relation>)> {
    let path: PathBuf = config.path.clone();
    let busy = Duration::from_millis(config.busy_timeout_ms.min(i32::MAX as u64));
    let database = Database::look(&path, busy)?.ok_or_else(|| {
        Error::new(&code::DATABASE_UNUSABLE, "there is no such file")
            .with("path", path.display())
            .hint("correct `path`; a relative one begins where crossdock was started")
    })?;
    let relations = relations(&database, &config.tables, config.sample_rows)?;
    Ok((database, relations))
}

/// A stream to read.
struct Work {
    id: StreamId,
    relation: Relation,
    /// The columns to read, with their types.
    columns: Vec<(String, DataType)>,
    /// The columns by which the read goes on.
    order: Vec<String>,
    place: Option<Place>,
}

impl Work {
    fn new(
        id: StreamId,
        relation: &Relation,
        stream: &ConfiguredStream,
        states: &[LaneState],
    ) -> Result<Self> {
        let order = match stream.sync_mode {
            SyncMode::FullRefresh => relation.order.clone(),
            SyncMode::Incremental => {
                let cursor = match stream.cursor_field.as_deref() {
                    Some([column]) => column.clone(),
                    _ => {
                        return Err(Error::new(
                            &code::CURSOR_MISSING,
                            "an incremental read needs a column as its cursor",
                        ));
                    }
                };
                if relation.columns.iter().all(|(name, _)| *name != cursor) {
                    return Err(Error::new(
                        &code::FIELD_UNKNOWN,
                        format!("the table has no column `{cursor}`"),
                    ));
                }
                // Rows with the same cursor are told apart, so that one that is added later is seen.
                let others = relation.order.iter().filter(|column| **column != cursor);
                [cursor.clone()]
                    .into_iter()
                    .chain(others.cloned())
                    .collect()
            }
        };
        let lane = Lane::Stream(id.clone());
        let state = states.iter().find(|s| s.lane == lane && !s.state.is_null());
        let place = state
            .map(|state| Place::from_state(&state.state, &order))
            .transpose()?;
        // Types are those that the destination was told.
        let wanted = StreamSchema::from_json_schema(&stream.stream.json_schema);
        let columns = relation.columns.iter().filter_map(|(name, data_type)| {
            if wanted.fields.is_empty() || name == ADDITIONAL {
                return Some((name.clone(), *data_type));
            }
            let field = wanted.fields.iter().find(|f| f.name == *name)?;
            Some((name.clone(), field.data_type))
        });
        Ok(Self {
            id,
            columns: columns.collect(),
            relation: relation.clone(),
            order,
            place,
        })
    }

    fn read(mut self, database: &Database, line: &Line) -> Result<(), Break> {
        line.status(&self.id, StreamStatus::Started)?;
        line.status(&self.id, StreamStatus::Running)?;
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        let sql = self
            .relation
            .query(&names, &self.order, self.place.is_some());
        let wrap = |cause| {
            let error = fault("read a table", &database.path)(cause);
            Break::Failed(error.with("stream", &self.id))
        };
        let mut select = database.connection.prepare(&sql).map_err(wrap)?;
        let after = self.place.iter().flat_map(|place| &place.after);
        let after: Vec<_> = after.map(Mark::value).collect();
        let parameters = rusqlite::params_from_iter(after);
        // One statement, so one state of the database from the first row to the last.
        let mut rows = select.query(parameters).map_err(wrap)?;
        let mut text = RowText::new(&self.columns);
        let mut pending = Pending::default();
        // The place of the last row that was read; without an order there is none.
        let mut after: Vec<Mark> = self.place.take().map_or_else(Vec::new, |place| place.after);
        while let Some(row) = rows.next().map_err(wrap)? {
            if pending.rows.is_empty() {
                pending.emitted_at = SystemClock.now_ms();
            }
            let start = pending.buffer.len();
            text.write(&mut pending.buffer, row).map_err(wrap)?;
            let span = Span::new(start, pending.buffer.len()).ok_or_else(|| {
                Break::Failed(Error::new(&code::RECORD_TOO_LARGE, "a batch exceeds 4 GiB"))
            })?;
            pending.rows.push_line(span, pending.emitted_at, Span::NONE);
            pending.records += 1;
            after.clear();
            for at in 0..self.order.len() {
                let value = row.get_ref(self.columns.len() + at).map_err(wrap)?;
                after.push(Mark::of(value));
            }
            if pending.buffer.len() >= BATCH_BYTES {
                self.flush(&mut pending, line)?;
                if line.is_over() || pending.bytes >= CHECKPOINT_BYTES {
                    self.checkpoint(&mut pending, &after, line)?;
                }
                if line.is_over() {
                    return Err(Break::Over);
                }
            }
        }
        self.flush(&mut pending, line)?;
        self.checkpoint(&mut pending, &after, line)?;
        line.status(&self.id, StreamStatus::Complete)
    }

    fn flush(&self, pending: &mut Pending, line: &Line) -> Result<(), Break> {
        if pending.rows.is_empty() {
            return Ok(());
        }
        pending.bytes += pending.buffer.len() as u64;
        let buffer = Bytes::from(std::mem::take(&mut pending.buffer));
        line.tell(Event::Batch(Batch {
            stream: self.id.clone(),
            body: Body::Rows(pending.rows.finish(buffer, None)),
        }))
    }

    /// The rows of a view read in full have no order, so no place to go on from.
    fn checkpoint(&self, pending: &mut Pending, after: &[Mark], line: &Line) -> Result<(), Break> {
        if after.is_empty() {
            return Ok(());
        }
        let place = Place {
            order: self.order.clone(),
            after: after.to_vec(),
        };
        let mut checkpoint = Checkpoint::stream(self.id.clone(), place.to_state()?);
        checkpoint.source_count = Some(std::mem::take(&mut pending.records));
        pending.bytes = 0;
        line.tell(Event::Checkpoint(checkpoint))
    }
}

/// Rows that were read and not sent.
#[derive(Default)]
struct Pending {
    buffer: Vec<u8>,
    rows: RowsBuilder,
    /// When the batch's first row was read, in milliseconds since the epoch.
    emitted_at: i64,
    /// Rows since the last checkpoint.
    records: u64,
    /// Bytes since then.
    bytes: u64,
}
