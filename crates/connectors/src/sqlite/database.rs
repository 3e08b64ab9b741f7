//! Opening a database, and the transactions of one run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crossdock_core::error::Result;
use rusqlite::{Connection, OpenFlags};

use super::config::Config;
use super::fault::fault;
use super::rebuild;

/// Memory that SQLite may keep pages in, in KiB (P7): beyond it, it writes them to its journal.
const CACHE_KIB: i64 = 32 << 10;

/// More than the statements there are of one table, so that few are compiled twice.
const STATEMENTS: usize = 256;

/// A database that is written.
pub(crate) struct Database {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
}

impl Database {
    /// Opens the database to write it; it and its folder are made if they are not there.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        let path = &config.path;
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(crate::file::fault::io("create the folder", folder))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(fault("open the database", path))?;
        let prepare = || -> rusqlite::Result<()> {
            connection.busy_timeout(config.busy_timeout())?;
            let mode = config.journal_mode.as_str();
            connection.pragma_update_and_check(None, "journal_mode", mode, |_| Ok(()))?;
            // P1: what is acknowledged survives the machine.
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "fullfsync", true)?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            // Renaming a table must not rewrite the views and triggers of others, nor fail for
            // one that names a table which is just being replaced.
            connection.pragma_update(None, "legacy_alter_table", true)?;
            connection.pragma_update(None, "foreign_keys", false)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            rebuild::register(&connection)
        };
        prepare().map_err(fault("open the database", path))?;
        Ok(Self {
            connection,
            path: path.clone(),
        })
    }

    /// Opens a database to read it; `None` if there is none.
    pub(crate) fn look(path: &Path, busy_timeout: Duration) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(fault("open the database", path))?;
        connection
            .busy_timeout(busy_timeout)
            .map_err(fault("open the database", path))?;
        Ok(Some(Self {
            connection,
            path: path.to_owned(),
        }))
    }

    /// Runs statements without parameters and results.
    pub(crate) fn run(&self, doing: &'static str, sql: &str) -> Result<()> {
        self.connection
            .execute_batch(sql)
            .map_err(fault(doing, &self.path))
    }

    /// What `work` does to the database, all or nothing.
    pub(crate) fn transaction<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        self.run("begin a transaction", "BEGIN IMMEDIATE")?;
        let done = work().and_then(|done| {
            self.run("commit", "COMMIT")?;
            Ok(done)
        });
        if done.is_err() {
            // Fails only where the database has rolled back already.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        done
    }
}

/// An identifier in quotes.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Several, separated by commas.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(quoted).collect();
    names.join(", ")
}
