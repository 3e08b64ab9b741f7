//! The versions of the store's tables (P12): an ordered list of scripts, of which a store has run
//! the first `user_version`. A script that was released is never changed; a change is a new script.

use crossdock_core::{Error, code};
use rusqlite::{Connection, TransactionBehavior};

use super::fault::Fault;

/// All scripts, oldest first.
pub(super) const ALL: &[&str] = &[
    include_str!("migration/0001_first.sql"),
    include_str!("migration/0002_edits_and_catalogs.sql"),
    include_str!("migration/0003_memory.sql"),
    include_str!("migration/0004_refresh.sql"),
    include_str!("migration/0005_review.sql"),
    include_str!("migration/0006_error_kind.sql"),
    include_str!("migration/0007_statistics.sql"),
];

/// Runs the scripts that are missing, all or nothing. Writes nothing where none is.
pub(super) fn migrate(
    connection: &mut Connection,
    scripts: &[&str],
    application_id: i32,
) -> Result<(), Fault> {
    if missing(version(connection)?, scripts)?.is_empty() {
        return Ok(());
    }
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Asked again: another process may have done it while this one waited for its turn.
    let found = version(&tx)?;
    for script in missing(found, scripts)? {
        tx.execute_batch(script)?;
    }
    tx.pragma_update(None, "application_id", application_id)?;
    let newest = i64::try_from(scripts.len()).unwrap_or(i64::MAX);
    tx.pragma_update(None, "user_version", newest)?;
    tx.commit()?;
    tracing::debug!(from = found, to = newest, "store brought up to date");
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// The scripts that a store of `found` has not run, or `store.newer_version`.
fn missing<'s, 't>(found: i64, scripts: &'s [&'t str]) -> Result<&'s [&'t str], Fault> {
    usize::try_from(found)
        .ok()
        .and_then(|found| scripts.get(found..))
        .ok_or_else(|| {
            Error::new(
                &code::STORE_NEWER,
                "the store was written by a newer Crossdock",
            )
            .with("version", found)
            .with("newest_known", scripts.len())
            .into()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPTS: &[&str] = &[
        "CREATE TABLE a (x INTEGER) STRICT;",
        "ALTER TABLE a ADD COLUMN y INTEGER NOT NULL DEFAULT 7;",
    ];

    fn sum(connection: &Connection, column: &str) -> i64 {
        connection
            .query_row(&format!("SELECT sum({column}) FROM a"), [], |r| r.get(0))
            .unwrap()
    }

    #[test]
    fn only_what_is_missing_runs_and_data_stays() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &SCRIPTS[..1], 5).unwrap();
        connection
            .execute_batch("INSERT INTO a VALUES (3);")
            .unwrap();
        migrate(&mut connection, SCRIPTS, 5).unwrap();
        migrate(&mut connection, SCRIPTS, 5).unwrap();
        assert_eq!((sum(&connection, "x"), sum(&connection, "y")), (3, 7));
        assert_eq!(version(&connection).unwrap(), 2);
    }

    #[test]
    fn a_script_that_fails_leaves_the_old_version() {
        let mut connection = Connection::open_in_memory().unwrap();
        let broken = &[SCRIPTS[0], "CREATE TABLE b (x INTEGER) STRICT; nonsense;"];
        assert!(migrate(&mut connection, broken, 5).is_err());
        assert_eq!(version(&connection).unwrap(), 0);
        migrate(&mut connection, SCRIPTS, 5).unwrap();
    }

    #[test]
    fn a_newer_store_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        for found in [2_i64, 99, -1] {
            connection
                .pragma_update(None, "user_version", found)
                .unwrap();
            let Err(Fault::Coded(error)) = migrate(&mut connection, &SCRIPTS[..1], 5) else {
                panic!("version {found} was taken");
            };
            assert_eq!(error.code(), &code::STORE_NEWER, "{found}");
        }
    }
}
