//! How rows get into a table: plain inserts, or one row for each key (`append_dedup`).

use std::path::Path;

use arrow_array::RecordBatch;
use crossdock_core::batch::{Operation, Operations};
use crossdock_core::error::Result;
use rusqlite::{CachedStatement, Connection};

use super::cell::Cells;
use super::database::{list, quoted};
use super::fault::fault;

/// A batch, ready to be inserted: its columns are those that the statements were made for.
#[derive(Clone, Debug)]
pub(crate) struct SqlBatch {
    pub(crate) values: RecordBatch,
    pub(crate) operations: Operations,
}

impl SqlBatch {
    /// Memory that it holds.
    pub(crate) fn bytes(&self) -> u64 {
        self.values.get_array_memory_size() as u64
    }
}

/// Key and cursor by the columns' places.
#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    pub(crate) key: Vec<usize>,
    pub(crate) cursor: Option<usize>,
    /// A column that tells a deleted row by having a value (CDC sources of Airbyte).
    pub(crate) deleted_at: Option<usize>,
}

/// The column by which CDC sources of Airbyte tell deleted rows.
pub(crate) const DELETED_AT: &str = "_ab_cdc_deleted_at";

/// The statements of one table.
#[derive(Clone, Debug)]
pub(crate) struct Statements {
    columns: usize,
    insert: String,
    keyed: Option<KeyedStatements>,
}

#[derive(Clone, Debug)]
struct KeyedStatements {
    keyed: Keyed,
    /// Removes the row of the key unless its cursor is greater. Parameters: key, cursor.
    delete: String,
    /// Removes the row of the key. Parameters: key.
    delete_any: String,
    /// For keys with nulls, which a unique index takes for different each time: inserts unless the
    /// key is there. Parameters: all columns, key.
    insert_if_absent: String,
}

impl Statements {
    /// For a table with these columns.
    pub(crate) fn new(table: &str, columns: &[String], keyed: Option<Keyed>) -> Self {
        let names = list(columns.iter().map(String::as_str));
        let table = quoted(table);
        let places = places(1, columns.len());
        let insert = format!("INSERT INTO {table} ({names}) VALUES ({places})");
        let Some(keyed) = keyed else {
            return Self {
                columns: columns.len(),
                insert,
                keyed: None,
            };
        };
        let key_names = list(keyed.key.iter().map(|at| columns[*at].as_str()));
        let others: Vec<_> = (0..columns.len())
            .filter(|at| !keyed.key.contains(at))
            .map(|at| {
                let name = quoted(&columns[at]);
                format!("{name} = excluded.{name}")
            })
            .collect();
        let cursor = keyed.cursor.map(|at| quoted(&columns[at]));
        let conflict = if others.is_empty() {
            "DO NOTHING".to_owned()
        } else {
            // A record without a cursor is older than one with; among equals the later wins.
            let newer = cursor.as_ref().map_or(String::new(), |c| {
                format!(" WHERE {table}.{c} IS NULL OR excluded.{c} >= {table}.{c}")
            });
            format!("DO UPDATE SET {}{newer}", others.join(", "))
        };
        let is_key = |first: usize| {
            let parts = keyed.key.iter().enumerate();
            let parts = parts.map(|(n, at)| format!("{} IS ?{}", quoted(&columns[*at]), first + n));
            parts.collect::<Vec<_>>().join(" AND ")
        };
        let n = keyed.key.len() + 1;
        let not_newer = cursor.map_or(String::new(), |c| {
            format!(" AND ({c} IS NULL OR ?{n} >= {c})")
        });
        let delete_any = format!("DELETE FROM {table} WHERE {}", is_key(1));
        let statements = KeyedStatements {
            delete: format!("{delete_any}{not_newer}"),
            delete_any,
            insert_if_absent: format!(
                "INSERT INTO {table} ({names}) SELECT {places}
                 WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {})",
                is_key(columns.len() + 1)
            ),
            keyed,
        };
        Self {
            columns: columns.len(),
            insert: format!("{insert} ON CONFLICT ({key_names}) {conflict}"),
            keyed: Some(statements),
        }
    }

    /// Writes a batch's rows in their order (P5).
    pub(crate) fn write(
        &self,
        connection: &Connection,
        path: &Path,
        batch: &SqlBatch,
    ) -> Result<()> {
        let mut cells = Cells::new(&batch.values)?;
        self.write_all(connection, &mut cells, batch)
            .map_err(fault("write rows", path))
    }

    fn write_all(
        &self,
        connection: &Connection,
        cells: &mut Cells<'_>,
        batch: &SqlBatch,
    ) -> rusqlite::Result<()> {
        let mut insert = connection.prepare_cached(&self.insert)?;
        let all: Vec<usize> = (0..self.columns).collect();
        for row in 0..batch.values.num_rows() {
            let Some(keyed) = &self.keyed else {
                execute(&mut insert, cells, row, &[&all])?;
                continue;
            };
            let Keyed {
                key,
                cursor,
                deleted_at,
            } = &keyed.keyed;
            let is_deleted = batch.operations.get(row) == Operation::Delete
                || deleted_at.is_some_and(|at| !cells.is_null(at, row));
            let has_null = key.iter().any(|at| cells.is_null(*at, row));
            if is_deleted || has_null {
                let cursor: &[usize] = cursor.as_slice();
                // A delete that says nothing of the cursor is about the row as it is.
                let unknown = is_deleted && cursor.iter().any(|at| cells.is_null(*at, row));
                let (sql, cursor) = if unknown {
                    (&keyed.delete_any, &[][..])
                } else {
                    (&keyed.delete, cursor)
                };
                let mut delete = connection.prepare_cached(sql)?;
                execute(&mut delete, cells, row, &[key, cursor])?;
            }
            if is_deleted {
                continue;
            }
            if has_null {
                let mut insert = connection.prepare_cached(&keyed.insert_if_absent)?;
                execute(&mut insert, cells, row, &[&all, key])?;
            } else {
                execute(&mut insert, cells, row, &[&all])?;
            }
        }
        Ok(())
    }
}

/// `?1, ?2, …`.
fn places(first: usize, count: usize) -> String {
    let places: Vec<_> = (first..first + count).map(|n| format!("?{n}")).collect();
    places.join(", ")
}

/// Runs a statement with the row's cells of these columns, one list after another.
fn execute(
    statement: &mut CachedStatement<'_>,
    cells: &mut Cells<'_>,
    row: usize,
    columns: &[&[usize]],
) -> rusqlite::Result<()> {
    let columns = columns.iter().flat_map(|list| list.iter());
    for (at, column) in columns.enumerate() {
        statement.raw_bind_parameter(at + 1, cells.get(*column, row))?;
    }
    statement.raw_execute().map(drop)
}
