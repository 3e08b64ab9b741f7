//! What connectors remember.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::fault::Fault;
use super::worker::Worker;

/// What `owner` remembers under `key`.
pub(super) fn recall(
    connection: &Connection,
    owner: &str,
    key: &str,
) -> Result<Option<String>, Fault> {
    let found = connection
        .prepare_cached("SELECT value FROM memory WHERE owner = ?1 AND key = ?2")?
        .query_row([owner, key], |row| row.get(0))
        .optional()?;
    Ok(found)
}

/// Keeps `value`; with `only_first`, if there is nothing. `false` if it was not kept.
pub(super) fn remember(
    worker: &Worker,
    owner: &str,
    key: &str,
    value: &str,
    only_first: bool,
) -> Result<bool, Fault> {
    let statement = if only_first {
        "INSERT INTO memory (owner, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (owner, key) DO NOTHING"
    } else {
        "INSERT INTO memory (owner, key, value) VALUES (?1, ?2, ?3)
         ON CONFLICT (owner, key) DO UPDATE SET value = excluded.value"
    };
    let tx = worker.write()?;
    let changed = tx
        .prepare_cached(statement)?
        .execute(params![owner, key, value])?;
    tx.commit()?;
    Ok(changed > 0)
}
