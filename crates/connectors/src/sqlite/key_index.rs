//! The unique index on the key of a table that has one row for each key (`append_dedup`).

use crossdock_core::error::Result;
use rusqlite::OptionalExtension as _;

use super::book::PREFIX;
use super::database::{Database, list, quoted};
use super::fault::fault;
use super::statement::Keyed;

/// The names of our unique indexes begin like this.
pub(crate) const KEY_INDEX: &str = "_crossdock_key_";

/// The indexes of a table, each with its columns.
fn indexes(database: &Database, table: &str) -> Result<Vec<(String, Vec<String>)>> {
    let select = || -> rusqlite::Result<Vec<(String, Vec<String>)>> {
        let mut select = database
            .connection
            .prepare_cached("SELECT name FROM pragma_index_list(?1)")?;
        let names: Vec<String> = select
            .query_map([table], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut columns = database.connection.prepare_cached(
            "SELECT coalesce(name, '') FROM pragma_index_info(?1) ORDER BY seqno",
        )?;
        let mut indexes = Vec::new();
        for name in names {
            let of = columns.query_map([&name], |row| row.get(0))?;
            let of = of.collect::<Result<_, _>>()?;
            indexes.push((name, of));
        }
        Ok(indexes)
    };
    select().map_err(fault("read the schema", &database.path))
}

/// Sees to it that the table has a unique index on the key if it is written by key, and none
/// otherwise. Rows that share a key are reduced to the one that counts.
pub(crate) fn key_index(
    database: &Database,
    table: &str,
    columns: &[String],
    keyed: Option<&Keyed>,
) -> Result<()> {
    let key: Option<Vec<String>> =
        keyed.map(|keyed| keyed.key.iter().map(|at| columns[*at].clone()).collect());
    let mut fits = false;
    for (name, of) in indexes(database, table)? {
        if !name.starts_with(KEY_INDEX) {
            continue;
        }
        if Some(&of) == key.as_ref() {
            fits = true;
        } else {
            database.run("drop an index", &format!("DROP INDEX {}", quoted(&name)))?;
        }
    }
    let (Some(key), Some(keyed), false) = (key, keyed, fits) else {
        return Ok(());
    };
    let (quoted_table, key) = (quoted(table), list(key.iter().map(String::as_str)));
    let newest = keyed.cursor.map_or(String::new(), |at| {
        format!("{} DESC NULLS LAST, ", quoted(&columns[at]))
    });
    let name = free_name(
        database,
        &format!("{KEY_INDEX}{}", table.trim_start_matches(PREFIX)),
    )?;
    let sql = format!(
        "DELETE FROM {quoted_table} WHERE rowid NOT IN (
             SELECT id FROM (SELECT rowid AS id, row_number() OVER (
                 PARTITION BY {key} ORDER BY {newest}rowid DESC) AS n FROM {quoted_table})
             WHERE n = 1);
         CREATE UNIQUE INDEX {} ON {quoted_table} ({key});",
        quoted(&name)
    );
    database.run("make the index of keys", &sql)
}

/// The name, or the name with a number: an index keeps its name when its table is renamed.
fn free_name(database: &Database, name: &str) -> Result<String> {
    let mut free = name.to_owned();
    let mut number = 1;
    while database
        .connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE name = ?1",
            [&free],
            |_| Ok(()),
        )
        .optional()
        .map_err(fault("read the schema", &database.path))?
        .is_some()
    {
        number += 1;
        free = format!("{name}_{number}");
    }
    Ok(free)
}
