//! A destination that takes rows in batches: the contract kept for the author.

use std::time::Duration;

use async_trait::async_trait;
use crossdock_core::catalog::{ConfiguredStream, DestinationSyncMode, FieldPath};
use crossdock_core::error::Result;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Context;
use crate::row::{Refused, Row};

/// A destination that keeps rows in tables, or whatever it calls them, and is best given many at once. Rows are
/// gathered, and what is gathered is written when it is enough, when it is old, or when somebody waits for it. Only
/// then are records and states acknowledged (P1).
#[async_trait]
pub trait TableDestination: Send + Sync + 'static {
    /// The configuration; see [`StreamSource::Config`](crate::StreamSource::Config).
    type Config: DeserializeOwned + JsonSchema + Send + 'static;
    /// What writing needs, made of the configuration.
    type Client: Send + Sync + 'static;

    /// The modes that it keeps: [`Append`](DestinationSyncMode::Append) if nothing else is said. One that says
    /// [`AppendDedup`](DestinationSyncMode::AppendDedup) writes rows by their key, and one that says
    /// [`Overwrite`](DestinationSyncMode::Overwrite) replaces a table in [`complete`](Self::complete).
    fn modes(&self) -> Vec<DestinationSyncMode> {
        vec![DestinationSyncMode::Append]
    }

    /// Makes the client.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    async fn connect(&self, config: Self::Config, context: &Context) -> Result<Self::Client>;

    /// Finds out whether the client can do its work.
    ///
    /// # Errors
    /// Why it cannot.
    async fn check(&self, client: &Self::Client) -> Result<()>;

    /// How much is written at once.
    fn limits(&self) -> BatchLimits {
        BatchLimits::default()
    }

    /// Makes a table ready for rows, before the first of them. What is in it stays: only after
    /// [`complete`](Self::complete) may rows of smaller generations than [`Table::minimum_generation`] go.
    ///
    /// # Errors
    /// Why it cannot be made.
    async fn begin(&self, client: &Self::Client, table: &Table) -> Result<()>;

    /// Writes rows, which must survive the death of this program and of the machine when it returns. Of rows with the
    /// same key there is only the latest, if the table is one of
    /// [`AppendDedup`](DestinationSyncMode::AppendDedup). After a crash, rows may come again. Returns the rows that
    /// were refused and not written.
    ///
    /// # Errors
    /// Why none of them may have been written.
    async fn write(
        &self,
        client: &Self::Client,
        table: &Table,
        rows: &[Row],
    ) -> Result<Vec<Refused>>;

    /// Is told that all rows of this run came and are written. Not called if the source failed.
    ///
    /// # Errors
    /// Why the table cannot be finished.
    async fn complete(&self, _client: &Self::Client, _table: &Table) -> Result<()> {
        Ok(())
    }

    /// Where the documentation is.
    fn documentation_url(&self) -> Option<String> {
        None
    }
}

/// How much is written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLimits {
    /// At most so many rows in a call.
    pub rows: usize,
    /// Rows of all tables are written when they take so many bytes of memory together.
    pub bytes: usize,
    /// No row waits longer.
    pub age: Duration,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            rows: 10_000,
            bytes: 8 << 20,
            age: Duration::from_secs(5),
        }
    }
}

/// Where the rows of a stream go.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The namespace that it is in, if any.
    pub namespace: Option<String>,
    /// JSON Schema of a row.
    pub schema: Value,
    /// How rows are written.
    pub mode: DestinationSyncMode,
    /// The members that tell rows apart; empty if there is no key.
    pub key: Vec<FieldPath>,
    /// The member by which one row is known to be newer than another.
    pub cursor: Option<FieldPath>,
    /// Number of the generation that the rows of this run belong to (Airbyte §3.9).
    pub generation: i64,
    /// Rows of smaller generations go when the run is complete; as large as `generation` if all earlier ones go.
    pub minimum_generation: i64,
}

impl Table {
    pub(crate) fn of(stream: &ConfiguredStream) -> Self {
        let target = stream.target.clone().unwrap_or_else(|| stream.id());
        Self {
            name: target.name.to_string(),
            namespace: target.namespace.as_deref().map(str::to_owned),
            schema: stream.stream.json_schema.clone(),
            mode: stream.destination_sync_mode,
            key: stream.primary_key.clone().unwrap_or_default(),
            cursor: stream.cursor_field.clone(),
            generation: stream.generation_id.unwrap_or_default(),
            minimum_generation: stream.minimum_generation_id.unwrap_or_default(),
        }
    }

    pub(crate) fn dedups(&self) -> bool {
        self.mode == DestinationSyncMode::AppendDedup && !self.key.is_empty()
    }
}
