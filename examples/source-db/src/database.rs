//! The database: its tables, their rows, and the log of changes.
//!
//! The log is a table `change_log (seq, stream, operation, before, after)` that triggers fill. A real one would be the
//! database's own, such as PostgreSQL's logical replication.

use std::sync::{Arc, Mutex, PoisonError};

use crossdock_sdk::core::catalog::{Stream, SyncMode};
use crossdock_sdk::{Error, Operation, Result, failure};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value, json};

use crate::config::Config;

/// So many changes are taken from the log at once.
const CHANGES: u32 = 1000;

/// A change of a row.
pub(crate) struct Change {
    pub(crate) seq: i64,
    pub(crate) stream: String,
    pub(crate) operation: Operation,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

/// All rows as they were after the change of this number.
pub(crate) struct Snapshot {
    pub(crate) seq: i64,
    pub(crate) rows: Vec<(String, Value)>,
}

#[derive(Clone)]
pub(crate) struct Database(Arc<Mutex<Connection>>);

impl Database {
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let path = config.path.clone();
        blocking(move || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(&path, flags)
                .map_err(|cause| {
                    failure::config("the database cannot be opened")
                        .with("path", path.display())
                        .caused_by(cause)
                })
                .map(|connection| Self(Arc::new(Mutex::new(connection))))
        })
        .await
    }

    /// Asks the database, which blocks, without blocking others.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let own = self.0.clone();
        blocking(move || {
            let mut connection = own.lock().unwrap_or_else(PoisonError::into_inner);
            question(&mut connection).map_err(told)
        })
        .await
    }

    /// The tables with the types of their columns.
    pub(crate) async fn streams(&self) -> Result<Vec<Stream>> {
        self.ask(|connection| {
            // It must be there, or nothing could be followed.
            connection.prepare("SELECT seq, stream, operation, before, after FROM change_log")?;
            let tables = tables(connection)?;
            tables
                .iter()
                .map(|table| stream(connection, table))
                .collect()
        })
        .await
    }

    /// All rows of these tables at one moment.
    pub(crate) async fn snapshot(&self, tables: Vec<String>) -> Result<Snapshot> {
        self.ask(move |connection| {
            // A transaction sees one moment: no change is missed between the tables and the log.
            let transaction = connection.transaction()?;
            let last = "SELECT coalesce(max(seq), 0) FROM change_log";
            let seq = transaction.query_row(last, [], |row| row.get(0))?;
            let mut rows = Vec::new();
            for table in tables {
                let columns = columns(&transaction, &table)?;
                let names = columns.iter().map(|column| column.name.as_str());
                let members = names.map(|name| format!("{}, {}", text(name), quoted(name)));
                let members = members.collect::<Vec<_>>().join(", ");
                let query = format!("SELECT json_object({members}) FROM {}", quoted(&table));
                let mut statement = transaction.prepare(&query)?;
                let mut found = statement.query([])?;
                while let Some(row) = found.next()? {
                    rows.push((table.clone(), row.get(0)?));
                }
            }
            Ok(Snapshot { seq, rows })
        })
        .await
    }

    /// The next changes after the one of this number.
    pub(crate) async fn changes(&self, after: i64) -> Result<Vec<Change>> {
        self.ask(move |connection| {
            let query = "SELECT seq, stream, operation, before, after FROM change_log \
                         WHERE seq > ?1 ORDER BY seq LIMIT ?2";
            let mut statement = connection.prepare_cached(query)?;
            let changes = statement.query_map((after, CHANGES), |row| {
                Ok(Change {
                    seq: row.get(0)?,
                    stream: row.get(1)?,
                    operation: match row.get_ref(2)?.as_str()? {
                        "insert" => Operation::Create,
                        "delete" => Operation::Delete,
                        _ => Operation::Update,
                    },
                    before: row.get(3)?,
                    after: row.get(4)?,
                })
            })?;
            changes.collect()
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|cause| failure::failed("the database was not asked").caused_by(cause))?
}

fn told(cause: rusqlite::Error) -> Error {
    let is_busy = matches!(
        cause.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    );
    let error = match is_busy {
        true => failure::transient("the database is busy"),
        false => failure::failed("the database did not answer"),
    };
    error.caused_by(cause)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'change_log' \
                 AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    let mut statement = connection.prepare(query)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

struct Column {
    name: String,
    kind: String,
    key: bool,
}

fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Column>> {
    let mut statement = connection.prepare("SELECT name, type, pk FROM pragma_table_info(?1)")?;
    let columns = statement.query_map([table], |row| {
        Ok(Column {
            name: row.get(0)?,
            kind: row.get(1)?,
            key: row.get::<_, i64>(2)? > 0,
        })
    })?;
    columns.collect()
}

fn stream(connection: &Connection, table: &str) -> rusqlite::Result<Stream> {
    let columns = columns(connection, table)?;
    let mut properties = Map::new();
    for column in &columns {
        let kind = match column.kind.to_ascii_uppercase().as_str() {
            "INTEGER" | "INT" | "BIGINT" => "integer",
            "REAL" | "DOUBLE" | "FLOAT" | "NUMERIC" => "number",
            _ => "string",
        };
        properties.insert(column.name.clone(), json!({"type": [kind, "null"]}));
    }
    let key = columns.iter().filter(|column| column.key);
    let key: Vec<_> = key.map(|column| vec![column.name.clone()]).collect();
    let schema = json!({"type": "object", "properties": properties});
    let mut stream = Stream::new(table, schema);
    stream.supported_sync_modes = vec![SyncMode::FullRefresh, SyncMode::Incremental];
    stream.source_defined_cursor = Some(true);
    stream.source_defined_primary_key = Some(key).filter(|key| !key.is_empty());
    Ok(stream)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn text(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}
