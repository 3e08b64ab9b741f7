//! One stream's table: made, fitted to the stream's schema, filled, and at last swapped in.
//!
//! Rows of a generation that replaces the earlier ones go into a table of its own, which takes the
//! visible one's place when the generation is complete: until then readers see the old rows.

use std::collections::HashMap;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, Field, StreamSchema};
use crossdock_core::stream::StreamId;

use super::book::{self, Entry, PREFIX};
use super::column_type;
use super::database::{Database, list, quoted};
use super::fault::fault;
use super::key_index::{KEY_INDEX, key_index};
use super::rebuild::WIDEN;
use super::statement::{DELETED_AT, Keyed, SqlBatch, Statements};
use crate::semantics::column_shape::ADDITIONAL;
use crate::semantics::evolution::widest;
use crate::semantics::metadata::{EXTRACTED_AT, GENERATION_ID, META, NAMES, RAW_ID};
use crate::semantics::name::identifier;
use crate::semantics::target::Target;

/// A column as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    name: String,
    data_type: DataType,
}

/// See the module's documentation.
pub(crate) struct Table {
    target: Target,
    /// The table that people read.
    visible: String,
    /// The table that is written: the visible one, or the one that will replace it.
    written: String,
    entry: Entry,
    has_metadata: bool,
    statements: Statements,
    /// The stream's columns, as wide as the table's.
    pub(crate) schema: StreamSchema,
}

impl Table {
    /// Makes the table ready for this run. Within a transaction.
    pub(crate) fn open(
        database: &Database,
        target: &Target,
        pipeline: &str,
        metadata_columns: bool,
    ) -> Result<Self> {
        let visible = target.place.clone();
        let stream = target.stream.to_string();
        let mut entry = match book::entry(database, &visible)? {
            Some(entry) if entry.pipeline == pipeline => entry,
            other => {
                refuse_foreign(database, &visible, other.as_ref())
                    .map_err(|e| e.with("stream", &target.stream))?;
                Entry {
                    pipeline: pipeline.to_owned(),
                    ..Entry::default()
                }
            }
        };
        entry.stream = stream;
        let is_there = exists(database, &visible)?;
        let builds = target.current.truncates
            && !(is_there && entry.generation == Some(target.current.generation));
        let building = format!("{PREFIX}new_{visible}");
        let written = if builds {
            let resumes =
                entry.building == Some(target.current.generation) && exists(database, &building)?;
            if !resumes {
                drop_table(database, &building)?;
                entry.covered = Some(0);
            }
            entry.building = Some(target.current.generation);
            building
        } else {
            // What an abandoned generation left.
            drop_table(database, &building)?;
            entry.building = None;
            entry.covered = None;
            entry.generation = Some(target.current.generation);
            visible.clone()
        };
        let wanted = wanted(target, metadata_columns)?;
        let columns = fit(database, &written, &wanted)?;
        let mut schema = target.schema.clone();
        let own = &columns[own_columns(metadata_columns)..];
        for (field, column) in schema.fields.iter_mut().zip(own) {
            field.data_type = column.data_type;
        }
        let names: Vec<_> = columns.iter().map(|c| c.name.clone()).collect();
        let keyed = keyed(target, metadata_columns);
        key_index(database, &written, &names, keyed.as_ref())?;
        let table = Self {
            statements: Statements::new(&written, &names, keyed),
            target: target.clone(),
            visible,
            written,
            entry,
            has_metadata: metadata_columns,
            schema,
        };
        table.forget_uncovered(database)?;
        book::note(database, &table.visible, &table.entry)?;
        Ok(table)
    }

    /// Whether rows that no checkpoint covers may be written: nobody sees them, and after a crash
    /// they can be told from the others.
    pub(crate) fn is_hidden(&self) -> bool {
        self.entry.building.is_some()
    }

    /// Its stream's generation.
    pub(crate) fn generation(&self) -> i64 {
        self.target.current.generation
    }

    /// Writes a batch.
    pub(crate) fn write(&self, database: &Database, batch: &SqlBatch) -> Result<()> {
        self.statements
            .write(&database.connection, &database.path, batch)
            .map_err(|e| e.with("table", &self.visible))
    }

    /// Its stream.
    pub(crate) fn stream(&self) -> &StreamId {
        &self.target.stream
    }

    /// The last row that was appended; none where rows replace others.
    pub(crate) fn last_row(&self, database: &Database) -> Result<Option<i64>> {
        if self.target.dedup.is_some() {
            return Ok(None);
        }
        database
            .connection
            .prepare_cached(&format!(
                "SELECT coalesce(max(rowid), 0) FROM {}",
                quoted(&self.written)
            ))
            .and_then(|mut select| select.query_row([], |row| row.get(0)))
            .map(Some)
            .map_err(fault("read a table", &database.path))
    }

    /// All rows so far, up to `last`, belong to a checkpoint.
    pub(crate) fn cover(&mut self, database: &Database, last: Option<i64>) -> Result<()> {
        if !self.is_hidden() {
            return Ok(());
        }
        // Rows that replace others are not counted, and not forgotten either.
        self.entry.covered = Some(last.unwrap_or(0));
        book::note(database, &self.visible, &self.entry)
    }

    /// The generation went on in the visible table, which may have rows of earlier ones from the
    /// time before the stream was overwritten.
    fn drop_earlier(&self, database: &Database) -> Result<()> {
        if !self.target.current.truncates || !self.has_metadata {
            return Ok(());
        }
        let sql = format!(
            "DELETE FROM {} WHERE {} < ?1",
            quoted(&self.visible),
            quoted(GENERATION_ID)
        );
        database
            .connection
            .execute(&sql, [self.target.generation_id])
            .map(drop)
            .map_err(fault("remove rows of earlier generations", &database.path))
    }

    /// Rows that a run which died wrote behind its last checkpoint come again (P4). A row that has
    /// a key replaces itself.
    fn forget_uncovered(&self, database: &Database) -> Result<()> {
        match self.entry.covered {
            Some(covered) if self.is_hidden() && self.target.dedup.is_none() => database
                .connection
                .execute(
                    &format!("DELETE FROM {} WHERE rowid > ?1", quoted(&self.written)),
                    [covered],
                )
                .map(drop)
                .map_err(fault("remove rows without a checkpoint", &database.path)),
            _ => Ok(()),
        }
    }

    /// The generation is complete: its rows take the place of the earlier ones.
    pub(crate) fn complete(&mut self, database: &Database) -> Result<()> {
        if !self.is_hidden() {
            return self.drop_earlier(database);
        }
        replace(database, &self.visible, &self.written)?;
        self.written.clone_from(&self.visible);
        self.entry = Entry {
            generation: Some(self.generation()),
            building: None,
            covered: None,
            ..self.entry.clone()
        };
        book::note(database, &self.visible, &self.entry)
    }
}

/// Refuses a table that this pipeline did not make: to overwrite it, or to mix its rows with ours,
/// cannot be undone.
fn refuse_foreign(database: &Database, table: &str, entry: Option<&Entry>) -> Result<()> {
    let says = match entry {
        Some(entry) => format!("the table belongs to the pipeline `{}`", entry.pipeline),
        None if exists(database, table)? => {
            "a table or view of this name is there, and Crossdock did not make it".to_owned()
        }
        None => return Ok(()),
    };
    Err(Error::new(&code::TARGET_FOREIGN, says)
        .with("table", table)
        .with("path", database.path.display()))
}

fn exists(database: &Database, table: &str) -> Result<bool> {
    database
        .connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE")
        .and_then(|mut select| select.exists([table]))
        .map_err(fault("read the schema", &database.path))
}

fn drop_table(database: &Database, table: &str) -> Result<()> {
    let sql = format!("DROP TABLE IF EXISTS {}", quoted(table));
    database.run("drop a table", &sql)
}

/// The columns of a target, in the order of its batches. Names that meet are refused, also where
/// only case tells them apart: SQLite does not.
fn wanted(target: &Target, metadata_columns: bool) -> Result<Vec<Column>> {
    let column = |name: &str, data_type| Column {
        name: name.to_owned(),
        data_type,
    };
    let metadata = [
        column(RAW_ID, DataType::String),
        column(EXTRACTED_AT, DataType::TimestampWithTimezone),
        column(META, DataType::Json),
        column(GENERATION_ID, DataType::Integer),
    ];
    let own = target
        .schema
        .fields
        .iter()
        .map(|field| column(&identifier(&field.name), field.data_type));
    let columns: Vec<_> = metadata
        .into_iter()
        .filter(|_| metadata_columns)
        .chain(own)
        .chain([column(ADDITIONAL, DataType::Json)])
        .collect();
    let mut taken = HashMap::new();
    let fields = own_columns(metadata_columns);
    for (at, column) in columns.iter().enumerate() {
        let original = at
            .checked_sub(fields)
            .and_then(|at| target.schema.fields.get(at));
        let original = original.map_or(column.name.as_str(), |f: &Field| f.name.as_str());
        if let Some(other) = taken.insert(column.name.to_lowercase(), original) {
            return Err(Error::new(
                &code::TARGET_COLLISION,
                format!("`{other}` and `{original}` would be one column"),
            )
            .with("column", &column.name)
            .with("stream", &target.stream)
            .hint("leave one of the two fields out of the stream"));
        }
    }
    Ok(columns)
}

/// Where the stream's own columns begin.
fn own_columns(metadata_columns: bool) -> usize {
    if metadata_columns { NAMES.len() } else { 0 }
}

fn keyed(target: &Target, metadata_columns: bool) -> Option<Keyed> {
    let dedup = target.dedup.as_ref()?;
    let before = own_columns(metadata_columns);
    let fields = &target.schema.fields;
    let place = |name: &str| {
        fields
            .iter()
            .position(|f| f.name == name)
            .map(|at| at + before)
    };
    Some(Keyed {
        key: dedup.key.iter().filter_map(|name| place(name)).collect(),
        cursor: dedup.cursor.as_deref().and_then(place),
        deleted_at: place(DELETED_AT),
    })
}

/// The columns that a table has: name and declared type.
fn columns_of(database: &Database, table: &str) -> Result<Vec<(String, String)>> {
    let select = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut select = database
            .connection
            .prepare_cached("SELECT name, type FROM pragma_table_info(?1)")?;
        let rows = select.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    select().map_err(fault("read the schema", &database.path))
}

/// Makes the table, or changes it so that it has the wanted columns; what it has stays. Gives the
/// wanted columns as they are now: a column that is wider than wanted stays so.
fn fit(database: &Database, table: &str, wanted: &[Column]) -> Result<Vec<Column>> {
    let has = columns_of(database, table)?;
    if has.is_empty() {
        let columns: Vec<_> = wanted.iter().map(definition).collect();
        let sql = format!("CREATE TABLE {} ({})", quoted(table), columns.join(", "));
        database.run("create a table", &sql)?;
        return Ok(wanted.to_vec());
    }
    let mut fitted = Vec::new();
    let mut widened = HashMap::new();
    for column in wanted {
        let found = has
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(&column.name));
        let Some((name, declared)) = found else {
            let sql = format!(
                "ALTER TABLE {} ADD COLUMN {}",
                quoted(table),
                definition(column)
            );
            database.run("add a column", &sql)?;
            fitted.push(column.clone());
            continue;
        };
        let known = column_type::parse(declared);
        let data_type = widest(known, column.data_type);
        if data_type != known {
            widened.insert(name.clone(), data_type);
        }
        fitted.push(Column {
            name: name.clone(),
            data_type,
        });
    }
    if !widened.is_empty() {
        widen(database, table, &widened)?;
    }
    Ok(fitted)
}

fn definition(column: &Column) -> String {
    format!(
        "{} {}",
        quoted(&column.name),
        column_type::declared(column.data_type)
    )
}

/// Copies a table into one whose columns are wider, since SQLite cannot change a column's type.
fn widen(database: &Database, table: &str, widened: &HashMap<String, DataType>) -> Result<()> {
    let has = columns_of(database, table)?;
    let copy = format!("{PREFIX}widen_{table}");
    drop_table(database, &copy)?;
    let mut definitions = Vec::new();
    let mut values = Vec::new();
    for (name, declared) in &has {
        let quoted = quoted(name);
        match widened.get(name) {
            Some(data_type) => {
                let wider = column_type::declared(*data_type);
                definitions.push(format!("{quoted} {wider}"));
                let declared = declared.replace('\'', "''");
                values.push(format!("{WIDEN}({quoted}, '{declared}', '{wider}')"));
            }
            None => {
                definitions.push(format!("{quoted} {declared}"));
                values.push(quoted);
            }
        }
    }
    let (from, to) = (quoted(table), quoted(&copy));
    let sql = format!(
        "CREATE TABLE {to} ({});
         INSERT INTO {to} (rowid, {}) SELECT rowid, {} FROM {from} ORDER BY rowid;",
        definitions.join(", "),
        list(has.iter().map(|(name, _)| name.as_str())),
        values.join(", ")
    );
    database.run("widen a column", &sql)?;
    replace(database, table, &copy)
}

/// Puts the table `new` in the place of `table`, if that is there; the indexes and triggers that
/// people made on it stay.
fn replace(database: &Database, table: &str, new: &str) -> Result<()> {
    let select = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut select = database.connection.prepare_cached(
            "SELECT name, sql FROM sqlite_schema
             WHERE tbl_name = ?1 COLLATE NOCASE AND type IN ('index', 'trigger') AND sql NOT NULL",
        )?;
        let rows = select.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    };
    let kept = select().map_err(fault("read the schema", &database.path))?;
    drop_table(database, table)?;
    let sql = format!("ALTER TABLE {} RENAME TO {}", quoted(new), quoted(table));
    database.run("put a table in its place", &sql)?;
    for (name, sql) in kept {
        // [`key_index`] sees to our own.
        if name.starts_with(KEY_INDEX) {
            continue;
        }
        if let Err(error) = database.run("make an index again", &sql) {
            tracing::warn!(table, index = name, %error, "an index or trigger does not fit any more");
        }
    }
    Ok(())
}
