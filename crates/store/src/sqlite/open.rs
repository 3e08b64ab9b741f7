//! Opening: whose file is it, how it is written, and up to which version.

use std::path::Path;
use std::time::{Duration, Instant};

use crossdock_core::{Error, Result, code};
use rusqlite::{Connection, OpenFlags};

use super::fault::{Fault, Place};
use super::migration;

/// Marks a file as ours in SQLite's header ("XDok"), so that a path to some other program's
/// database is refused instead of written into.
const APPLICATION_ID: i32 = 0x5844_6f6b;

/// Pause between two attempts to open a store that another process is just making.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// More than the statements there are, so that none is compiled twice.
const STATEMENTS: usize = 64;

/// Opens the file, brings it to the newest version, and makes it ready to write.
pub(super) fn open(path: &Path, busy_timeout: Duration, place: &Place) -> Result<Connection> {
    let deadline = Instant::now() + busy_timeout;
    loop {
        match try_open(path, busy_timeout) {
            Ok(connection) => return Ok(connection),
            // SQLite does not wait where two processes switch one new file to WAL at a time.
            Err(fault) if fault.is_busy() && Instant::now() < deadline => {
                std::thread::sleep(RETRY_PAUSE);
            }
            Err(fault) => return Err(fault.into_error(place).during("open the store")),
        }
    }
}

/// A store without a file.
pub(super) fn in_memory(place: &Place) -> Result<Connection> {
    let open = || {
        let mut connection = Connection::open_in_memory()?;
        prepare(&mut connection)?;
        Ok(connection)
    };
    open().map_err(|fault: Fault| fault.into_error(place).during("open the store"))
}

fn try_open(path: &Path, busy_timeout: Duration) -> Result<Connection, Fault> {
    // Neither CREATE (the file is there) nor URI (a path is a path, whatever it begins with).
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    // SQLite falls back to reading where it may not write, and would fail at the first commit.
    if connection.is_readonly("main")? {
        return Err(Error::new(&code::STORE_UNAVAILABLE, "the store's file is read-only").into());
    }
    refuse_foreign(&mut connection)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(Error::new(
            &code::STORE_UNAVAILABLE,
            "the file system of the store cannot do write-ahead logging",
        )
        .hint("keep the store on a local file system")
        .into());
    }
    prepare(&mut connection)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> Result<(), Fault> {
    // P2: a commit is on the disk when it returns, also when the machine dies right after.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    migration::migrate(connection, migration::ALL, APPLICATION_ID)
}

/// Refuses, before anything is changed, a database that some other program made.
fn refuse_foreign(connection: &mut Connection) -> Result<(), Fault> {
    // Both questions in one transaction: another process may be making the tables right now.
    let tx = connection.transaction()?;
    let owner: i32 = tx.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if owner == APPLICATION_ID {
        return Ok(());
    }
    let objects: i64 = tx.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if owner == 0 && objects == 0 {
        return Ok(());
    }
    Err(Error::new(
        &code::STORE_UNAVAILABLE,
        "the file is another program's SQLite database",
    )
    .hint("name another file for the store")
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_waits_for_the_disk() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("state.db");
        std::fs::write(&path, "").unwrap();
        let place = Place::file(path.clone());
        // The setting belongs to the connection, not to the file: so the second time as well.
        for _ in 0..2 {
            let connection = open(&path, Duration::from_secs(5), &place).unwrap();
            let level: i64 = connection
                .pragma_query_value(None, "synchronous", |row| row.get(0))
                .unwrap();
            assert_eq!(level, 2);
        }
    }
}
