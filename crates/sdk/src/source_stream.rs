//! A stream of a source, as an author writes it.

use std::marker::PhantomData;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use crossdock_core::batch::Operation;
use crossdock_core::catalog::{FieldPath, Stream, SyncMode};
use crossdock_core::config_schema::record_schema;
use crossdock_core::error::Result;
use crossdock_core::event::{LogLevel, StreamStatus};
use crossdock_core::json::Json;
use crossdock_core::stream::StreamId;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::output::{Change, Output};
use crate::state::{State, decode};

/// A stream: what it is called, what its records are, and how it is read. `Client` is what the source made of its
/// configuration ([`StreamSource::connect`](crate::StreamSource::connect)).
#[async_trait]
pub trait SourceStream<Client>: Send + Sync + 'static {
    /// A record. Its schema is derived; names and types of the members are the columns. With [`serde_json::Value`],
    /// say the schema by [`Description::schema`].
    type Record: Serialize + JsonSchema + Send + Sync;
    /// What it needs to know to go on. `()` for a stream that is read as a whole each time.
    type State: State;

    /// What the catalog says of the stream.
    fn describe(&self) -> Description;

    /// Reads the stream from `state` on to its end, for now. Emit a [checkpoint](StreamOutput::checkpoint) whenever
    /// the stream could be resumed there, best after each page: what no checkpoint covers is read again after a
    /// crash. Pass errors of `output` on with `?`.
    ///
    /// # Errors
    /// The stream then counts as failed, and the source goes on with the next one.
    async fn read(
        &self,
        client: &Client,
        state: Self::State,
        output: &mut StreamOutput<'_, Self::Record, Self::State>,
    ) -> Result<()>;
}

/// What the catalog says of a stream.
#[derive(Clone, Debug)]
pub struct Description {
    name: String,
    namespace: Option<String>,
    key: Vec<FieldPath>,
    cursor: Option<FieldPath>,
    schema: Option<Value>,
}

impl Description {
    /// A stream of this name, that is read as a whole each time.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
            key: Vec::new(),
            cursor: None,
            schema: None,
        }
    }

    /// Where streams of the same name belong to different places, such as the schemas of a database.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The members that tell records apart.
    #[must_use]
    pub fn key<const N: usize>(mut self, members: [&str; N]) -> Self {
        self.key = members.map(|member| vec![member.to_owned()]).into();
        self
    }

    /// The member by which a record is known to be newer than another; the stream can be read from a state on.
    #[must_use]
    pub fn cursor(mut self, member: impl Into<String>) -> Self {
        self.cursor = Some(vec![member.into()]);
        self
    }

    /// The JSON Schema of a record, if it is not that of its type.
    #[must_use]
    pub fn schema(mut self, schema: Value) -> Self {
        self.schema = Some(schema);
        self
    }

    fn id(&self) -> StreamId {
        match &self.namespace {
            Some(namespace) => StreamId::with_namespace(namespace.as_str(), self.name.as_str()),
            None => StreamId::new(self.name.as_str()),
        }
    }

    fn into_stream<R: JsonSchema>(self) -> Stream {
        let schema = self.schema.unwrap_or_else(record_schema::<R>);
        let mut stream = Stream::new(self.name, schema);
        stream.namespace = self.namespace;
        if self.cursor.is_some() {
            stream.supported_sync_modes.push(SyncMode::Incremental);
            stream.source_defined_cursor = Some(true);
            stream.default_cursor_field = self.cursor;
            stream.is_resumable = Some(true);
        }
        stream.source_defined_primary_key = Some(self.key).filter(|key| !key.is_empty());
        stream
    }
}

/// The [`Output`] of one stream.
#[derive(Debug)]
pub struct StreamOutput<'a, R, S> {
    output: &'a mut Output,
    stream: StreamId,
    records: PhantomData<fn(R, S)>,
}

impl<R: Serialize + Sync, S: State> StreamOutput<'_, R, S> {
    /// Emits a record.
    ///
    /// # Errors
    /// See [`Output::record`].
    pub async fn record(&mut self, record: &R) -> Result<()> {
        self.output.record(&self.stream, record).await
    }

    /// Emits a change.
    ///
    /// # Errors
    /// See [`Output::change`].
    pub async fn change(&mut self, change: Change<'_, R>) -> Result<()> {
        self.output.change(&self.stream, change).await
    }

    /// Emits records that are columns already: those of the stream's schema, by their names.
    ///
    /// # Errors
    /// See [`Output::columns`].
    pub async fn columns(&mut self, values: RecordBatch) -> Result<()> {
        self.output.columns(&self.stream, values).await
    }

    /// Emits that this row, of which the key is enough, is no more.
    ///
    /// # Errors
    /// See [`Output::change`].
    pub async fn deleted(&mut self, row: &R) -> Result<()> {
        self.change(Change {
            operation: Operation::Delete,
            key: None,
            before: Some(row),
            after: None,
        })
        .await
    }

    /// Says that the stream can be resumed from `state`, which covers every record so far.
    ///
    /// # Errors
    /// See [`Output::checkpoint`].
    pub async fn checkpoint(&mut self, state: &S) -> Result<()> {
        self.output.checkpoint(&self.stream, state).await
    }

    /// Says how many records are to be expected.
    ///
    /// # Errors
    /// See [`Output::estimate`].
    pub async fn estimate(&mut self, records: u64) -> Result<()> {
        self.output.estimate(&self.stream, records).await
    }

    /// Says that the other side has to be waited for; `until` is the end of that in ms since the epoch, if it is known.
    ///
    /// # Errors
    /// See [`Output::status`].
    pub async fn rate_limited(&mut self, until: Option<i64>) -> Result<()> {
        let status = StreamStatus::RateLimited { quota_reset: until };
        self.output.status(&self.stream, status).await
    }

    /// Says something to who runs the connector. No secrets.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.output.log(level, message);
    }

    /// All that an output can do.
    pub fn output(&mut self) -> (&mut Output, &StreamId) {
        (self.output, &self.stream)
    }
}

/// A stream whose types are forgotten.
#[async_trait]
pub(crate) trait ErasedStream<Client>: Send + Sync {
    fn stream(&self) -> Stream;

    fn id(&self) -> StreamId;

    async fn read(&self, client: &Client, state: Json, output: &mut Output) -> Result<()>;
}

#[async_trait]
impl<Client: Send + Sync, S: SourceStream<Client>> ErasedStream<Client> for S {
    fn stream(&self) -> Stream {
        self.describe().into_stream::<S::Record>()
    }

    fn id(&self) -> StreamId {
        self.describe().id()
    }

    async fn read(&self, client: &Client, state: Json, output: &mut Output) -> Result<()> {
        let stream = self.describe().id();
        let state = decode(&state).map_err(|error| error.with("stream", &stream))?;
        let records = PhantomData;
        let mut output = StreamOutput {
            output,
            stream,
            records,
        };
        SourceStream::read(self, client, state, &mut output).await
    }
}
