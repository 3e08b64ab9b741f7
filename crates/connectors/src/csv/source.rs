//! The CSV source.

use std::collections::HashMap;
use std::sync::Arc;

use crossdock_core::catalog::ConfiguredStream;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use encoding_rs::Encoding;
use serde_json::{Map, Value, json};

use super::dialect::Dialect;
use super::source_config::SourceConfig;
use super::table::{Column, Fields, Table, unnamed};
use crate::file_source::input::{self, Input};
use crate::file_source::kind::{Guess, Kind};
use crate::file_source::list::Found;
use crate::file_source::record::{Records, SourceFormat};
use crate::file_source::setting::{BadLines, Patterns, encoding, patterns};
use crate::file_source::source::{FileSource, FileSourceConfig};
use crate::semantics::column_shape::ADDITIONAL;

/// Reads CSV files.
pub type CsvSource = FileSource<SourceConfig>;

impl FileSourceConfig for SourceConfig {
    fn patterns(&self) -> Result<Patterns> {
        patterns(self.path.as_deref(), self.stream.as_deref(), &self.streams)
    }

    fn bad_lines(&self) -> BadLines {
        self.bad_lines
    }

    fn cursor(&self) -> Option<String> {
        self.cursor.clone()
    }

    fn hive_partitions(&self) -> bool {
        self.hive_partitions
    }

    fn format(self) -> Result<Arc<dyn SourceFormat>> {
        if self.header && !self.columns.is_empty() {
            return Err(Error::new(
                &code::CONFIG_INVALID,
                "`columns` is for files without a header",
            )
            .hint("set `header: false`, or remove `columns`"));
        }
        Ok(Arc::new(CsvFiles {
            dialect: Dialect::new(&self)?,
            encoding: encoding(self.encoding.as_deref())?,
            config: self,
        }))
    }
}

struct CsvFiles {
    config: SourceConfig,
    dialect: Dialect,
    encoding: Option<&'static Encoding>,
}

impl CsvFiles {
    fn open(&self, found: &Found, offset: u64) -> Result<Input> {
        input::open(found, self.config.compression, self.encoding, offset)
    }

    /// The names of a file's columns; `None` where it is empty. `fields` stands behind the header
    /// then, if there is one.
    fn names(&self, fields: &mut Fields, found: &Found) -> Result<Option<Vec<String>>> {
        if self.config.header {
            return fields.header();
        }
        if !self.config.columns.is_empty() {
            return Ok(Some(self.config.columns.clone()));
        }
        // The first line tells how many there are, and is data; so it is read from another opening.
        let mut first = Fields::new(self.dialect, self.open(found, 0)?, found, 1);
        Ok(first
            .next()?
            .map(|(record, _)| (0..record.len()).map(unnamed).collect()))
    }

    /// The types of the columns of all files, in the order in which they turn up.
    fn sample(&self, files: &[Found]) -> Result<Vec<(String, Guess)>> {
        let mut columns: Vec<(String, Guess)> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut left = self.config.sample_records;
        for found in files {
            let mut fields = Fields::new(self.dialect, self.open(found, 0)?, found, 1);
            let Some(names) = self.names(&mut fields, found)? else {
                continue;
            };
            let places: Vec<usize> = names
                .into_iter()
                .map(|name| {
                    *known.entry(name.clone()).or_insert_with(|| {
                        columns.push((name, Guess::default()));
                        columns.len() - 1
                    })
                })
                .collect();
            while left > 0 {
                let Some((record, _)) = fields.next()? else {
                    break;
                };
                left -= 1;
                // Whether a bad line matters is decided when it is read.
                if record.len() != places.len() {
                    continue;
                }
                for (field, place) in record.iter().zip(&places) {
                    if let Ok(text) = std::str::from_utf8(field)
                        && !self.config.null_values.iter().any(|null| null == text)
                    {
                        columns[*place].1.see(text);
                    }
                }
            }
        }
        Ok(columns)
    }
}

impl SourceFormat for CsvFiles {
    fn infer(&self, files: &[Found]) -> Result<Value> {
        let columns = self.sample(files)?;
        if let Some(unknown) = self
            .config
            .types
            .keys()
            .find(|name| !columns.iter().any(|(column, _)| column == *name))
        {
            return Err(Error::new(
                &code::CONFIG_INVALID,
                format!("`types` names the column `{unknown}`, which the files do not have"),
            )
            .hint("correct or remove it"));
        }
        let properties: Map<String, Value> = columns
            .into_iter()
            .filter(|(name, _)| name != ADDITIONAL)
            .map(|(name, guess)| {
                let kind = self.config.types.get(&name).copied();
                let schema = kind.unwrap_or_else(|| guess.kind()).schema();
                (name, schema)
            })
            .collect();
        Ok(json!({"type": "object", "properties": properties}))
    }

    fn records(
        &self,
        stream: &ConfiguredStream,
        found: &Found,
        (offset, line): (u64, u64),
    ) -> Result<Box<dyn Records>> {
        let mut fields = Fields::new(self.dialect, self.open(found, offset)?, found, line);
        // Not told by the line: where carriage returns end the lines, all are the first one.
        let names = if offset == 0 {
            self.names(&mut fields, found)?
        } else {
            let mut first = Fields::new(self.dialect, self.open(found, 0)?, found, 1);
            self.names(&mut first, found)?
        };
        let schema = &stream.stream.json_schema;
        let columns = names.unwrap_or_default().into_iter().map(|name| {
            match schema.get("properties").and_then(Value::as_object) {
                // Only what was selected is read; types are those that the destination was told.
                Some(all) if !all.is_empty() && name != ADDITIONAL => all
                    .get(&name)
                    .map(|schema| Column::new(&name, Kind::of_schema(schema))),
                _ => Some(Column::new(&name, Kind::String)),
            }
        });
        Ok(Box::new(Table {
            columns: columns.collect(),
            fields,
            null_values: self.config.null_values.clone(),
        }))
    }

    fn continues(&self, found: &Found, offset: u64) -> Result<bool> {
        match offset.checked_sub(1) {
            None => Ok(true),
            Some(before) => Ok(input::ends_a_line(&mut self.open(found, before)?)),
        }
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["csv", "tsv"]
    }
}
