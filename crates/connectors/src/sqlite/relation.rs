//! What a table or view of a database is: its columns, and what tells its rows apart.

use crossdock_core::catalog::{Stream, SyncMode};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::schema::{DataType, json_schema};
use rusqlite::types::{Type, ValueRef};
use serde_json::{Map, Value, json};

use super::book::PREFIX;
use super::column_type;
use super::database::{Database, list, quoted};
use super::fault::fault;
use crate::semantics::column_shape::ADDITIONAL;

/// A table or view.
#[derive(Clone, Debug)]
pub(crate) struct Relation {
    pub(crate) name: String,
    pub(crate) columns: Vec<(String, DataType)>,
    /// The columns of the primary key.
    key: Vec<String>,
    /// The columns by whose values the rows can be put in one order: `rowid`, else the key; empty
    /// for views.
    pub(crate) order: Vec<String>,
}

/// The tables and views that are not SQLite's or Crossdock's own: those named, or all.
pub(crate) fn relations(
    database: &Database,
    named: &[String],
    sample_rows: u32,
) -> Result<Vec<Relation>> {
    let select = || -> rusqlite::Result<Vec<(String, String, bool)>> {
        let mut select = database.connection.prepare(
            "SELECT name, type, wr FROM pragma_table_list
             WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') ORDER BY name",
        )?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect()
    };
    let all = select().map_err(fault("read the schema", &database.path))?;
    let offered = |name: &str| {
        let internal = name.starts_with("sqlite_") || name.starts_with(PREFIX);
        if named.is_empty() {
            !internal
        } else {
            named.iter().any(|n| n == name)
        }
    };
    if let Some(unknown) = named
        .iter()
        .find(|n| all.iter().all(|(name, ..)| name != *n))
    {
        return Err(Error::new(
            &code::CONFIG_INVALID,
            format!("`tables` names `{unknown}`, which the database does not have"),
        )
        .with("path", database.path.display())
        .hint("correct or remove it"));
    }
    let relations = all.into_iter().filter(|(name, ..)| offered(name));
    relations
        .map(|(name, kind, without_rowid)| {
            let has_rowid = kind == "table" && !without_rowid;
            relation(database, name, has_rowid, sample_rows)
        })
        .collect()
}

fn relation(
    database: &Database,
    name: String,
    has_rowid: bool,
    sample_rows: u32,
) -> Result<Relation> {
    let select = || -> rusqlite::Result<Vec<(String, String, i64)>> {
        let mut select = database
            .connection
            .prepare_cached("SELECT name, type, pk FROM pragma_table_info(?1) ORDER BY cid")?;
        let rows = select.query_map([&name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect()
    };
    let found = select().map_err(fault("read the schema", &database.path))?;
    let mut key: Vec<_> = found.iter().filter(|(.., pk)| *pk > 0).collect();
    key.sort_by_key(|(.., pk)| *pk);
    let key: Vec<String> = key.into_iter().map(|(name, ..)| name.clone()).collect();
    let seen = sample(database, &name, found.len(), sample_rows)?;
    let columns: Vec<_> = found
        .iter()
        .zip(seen)
        .map(|((column, declared, _), seen)| {
            (column.clone(), seen.fit(column_type::parse(declared)))
        })
        .collect();
    // A column of that name would hide the number.
    let is_hidden = columns.iter().any(|(c, _)| c.eq_ignore_ascii_case("rowid"));
    let order = if has_rowid && !is_hidden {
        vec!["rowid".to_owned()]
    } else {
        key.clone()
    };
    Ok(Relation {
        name,
        columns,
        key,
        order,
    })
}

/// The kinds of values that a column was seen to hold.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    integer: bool,
    /// An integer that is neither 0 nor 1.
    number: bool,
    real: bool,
    text: bool,
    blob: bool,
}

impl Seen {
    fn see(&mut self, value: ValueRef<'_>) {
        match value.data_type() {
            Type::Null => {}
            Type::Integer => {
                self.integer = true;
                self.number |= !matches!(value, ValueRef::Integer(0 | 1));
            }
            Type::Real => self.real = true,
            Type::Text => self.text = true,
            Type::Blob => self.blob = true,
        }
    }

    /// The declared type if what was seen has it, else one that it has: SQLite keeps any value in
    /// any column.
    fn fit(self, declared: DataType) -> DataType {
        let Self {
            integer,
            number,
            real,
            text,
            blob,
        } = self;
        let fits = match declared {
            DataType::Boolean => !(number || real || text || blob),
            DataType::Integer => !(real || text || blob),
            DataType::Number => !(text || blob),
            DataType::Binary => !(integer || real || text),
            _ => !(integer || real || blob),
        };
        match (integer, real, text, blob) {
            _ if fits => declared,
            (true, false, false, false) => DataType::Integer,
            (_, true, false, false) => DataType::Number,
            (false, false, false, true) => DataType::Binary,
            _ => DataType::String,
        }
    }
}

fn sample(database: &Database, table: &str, columns: usize, rows: u32) -> Result<Vec<Seen>> {
    let mut seen = vec![Seen::default(); columns];
    let mut look = || -> rusqlite::Result<()> {
        let sql = format!("SELECT * FROM {} LIMIT ?1", quoted(table));
        let mut select = database.connection.prepare(&sql)?;
        let mut rows = select.query([rows])?;
        while let Some(row) = rows.next()? {
            for (at, seen) in seen.iter_mut().enumerate() {
                seen.see(row.get_ref(at)?);
            }
        }
        Ok(())
    };
    look().map_err(|e| fault("look at a table", &database.path)(e).with("table", table))?;
    Ok(seen)
}

impl Relation {
    /// The stream of its rows.
    pub(crate) fn stream(&self) -> Stream {
        let properties: Map<String, Value> = self
            .columns
            .iter()
            .filter(|(name, _)| name != ADDITIONAL)
            .map(|(name, data_type)| (name.clone(), json_schema(*data_type)))
            .collect();
        let schema = json!({"type": "object", "properties": properties});
        let key: Vec<_> = self.key.iter().map(|name| vec![name.clone()]).collect();
        Stream {
            supported_sync_modes: vec![SyncMode::FullRefresh, SyncMode::Incremental],
            source_defined_primary_key: Some(key).filter(|key| !key.is_empty()),
            is_resumable: Some(!self.order.is_empty()),
            ..Stream::new(&self.name, schema)
        }
    }

    /// The columns of a query's result: those selected, then those of the place.
    pub(crate) fn query(&self, selected: &[&str], place: &[String], is_resumed: bool) -> String {
        let columns = list(
            selected
                .iter()
                .copied()
                .chain(place.iter().map(String::as_str)),
        );
        let table = quoted(&self.name);
        if place.is_empty() {
            return format!("SELECT {columns} FROM {table}");
        }
        let order = list(place.iter().map(String::as_str));
        let after = if is_resumed {
            let places: Vec<_> = (1..=place.len()).map(|n| format!("?{n}")).collect();
            format!(" WHERE ({order}) > ({})", places.join(", "))
        } else {
            String::new()
        };
        format!("SELECT {columns} FROM {table}{after} ORDER BY {order}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_holds_counts_more_than_what_it_declares() {
        let check = |declared, values: &[ValueRef<'_>], expected| {
            let mut seen = Seen::default();
            values.iter().for_each(|value| seen.see(*value));
            assert_eq!(seen.fit(declared), expected, "{declared:?} {values:?}");
        };
        use DataType::{Boolean, Date, Integer, Json, Number, String};
        let (int, real) = (ValueRef::Integer(5), ValueRef::Real(0.5));
        let (text, blob) = (ValueRef::Text(b"x"), ValueRef::Blob(b"x"));
        check(Integer, &[int, ValueRef::Null], Integer);
        check(Integer, &[int, real], Number);
        check(Integer, &[int, text], String);
        check(Number, &[int, real], Number);
        check(Boolean, &[ValueRef::Integer(1)], Boolean);
        check(Boolean, &[int], Integer);
        check(Date, &[text], Date);
        check(Date, &[int], Integer);
        check(Date, &[int, text], String);
        check(Json, &[text], Json);
        check(String, &[blob], DataType::Binary);
        check(String, &[int], Integer);
        check(Date, &[], Date);
    }
}
