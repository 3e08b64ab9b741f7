//! Rows into columns.
//!
//! The rows of a stream have mostly the same keys in the same order. So each column knows which
//! one came next in the row before, and its key's bytes are compared where it should stand; a hash
//! table is asked only where that fails.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use arrow_array::{RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{ArrowError, SchemaRef};

use super::cell::{self, Fault};
use super::column::{Column, Values};
use super::key::Key;
use super::metadata::write_metadata;
use super::scratch::{Changed, Scratch};
use super::structured::{self, Findings};
use super::text::unescape;
use super::undeclared::write_object;
use crate::batch::{Columns, Operation, Operations, Rows};
use crate::code;
use crate::error::{Error, Result};
use crate::json::scan::{Member, ScanError, skip_space, skip_string, skip_value};
use crate::schema::{DataType, Field, StreamSchema};

/// Collects rows as columns of a stream's schema. See the [module](crate::convert) for what becomes
/// of values that do not fit.
#[derive(Debug)]
pub struct RowsToColumns {
    schema: SchemaRef,
    /// The declared columns.
    slots: Vec<Slot>,
    by_name: HashMap<Box<[u8]>, usize>,
    /// The column that a row began with of late.
    first: usize,
    additional: Option<Column>,
    emitted_at: Vec<i64>,
    operations: Vec<Operation>,
    metadata: Column,
    scratch: Scratch,
}

/// A declared column.
#[derive(Debug)]
struct Slot {
    name: String,
    key: Key,
    /// The column that followed this one of late.
    next: usize,
    column: Column,
}

/// How many columns after the expected one are tried before the hash table is asked: sources that
/// leave out nulls skip a few.
const LOOK_AHEAD: usize = 4;

impl RowsToColumns {
    /// Starts with no rows. `additional` names a text column, after the declared ones, that takes
    /// the members that the schema does not declare, as one JSON object (null where there are
    /// none); without it they are left out. Its name must not be one of the schema's.
    #[must_use]
    pub fn new(schema: &StreamSchema, additional: Option<&str>) -> Self {
        let slot = |(index, field): (usize, &Field)| Slot {
            name: field.name.clone(),
            key: Key::new(&field.name),
            next: index + 1,
            column: Column::of(field),
        };
        let fields = schema.fields.iter().enumerate();
        let by_name = fields
            .clone()
            .map(|(i, field)| (field.name.as_bytes().into(), i));
        Self {
            schema: super::arrow_schema(schema, additional),
            by_name: by_name.collect(),
            slots: fields.map(slot).collect(),
            first: 0,
            additional: additional.map(|_| Column::new(DataType::Json)),
            emitted_at: Vec::new(),
            operations: Vec::new(),
            metadata: Column::new(DataType::Json),
            scratch: Scratch::default(),
        }
    }

    /// The schema of the columns that [`RowsToColumns::finish`] returns.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Appends all rows, or none and an error that names the row: one whose data is not a JSON
    /// object, or one with which a column would exceed 2 GiB. The latter does not happen to who
    /// calls [`RowsToColumns::finish`] when [`RowsToColumns::bytes`] is large.
    pub fn append(&mut self, rows: &Rows) -> Result<()> {
        self.append_range(rows, 0..rows.len())
    }

    /// Appends the rows `range`, or none and an error. A range beyond the rows is cut.
    pub fn append_range(&mut self, rows: &Rows, range: Range<usize>) -> Result<()> {
        let before = self.len();
        for index in range.start..range.end.min(rows.len()) {
            if let Err(fault) = self.append_row(rows, index) {
                self.truncate(before);
                return Err(explain(fault, index));
            }
        }
        Ok(())
    }

    /// Number of rows collected.
    #[must_use]
    pub fn len(&self) -> usize {
        self.emitted_at.len()
    }

    /// Whether no row is collected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.emitted_at.is_empty()
    }

    /// Approximate memory of what is collected.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let declared = self.slots.iter().map(|slot| &slot.column);
        let columns = declared.chain(&self.additional).map(Column::bytes);
        columns.sum::<usize>() + self.metadata.bytes() + self.len() * 9
    }

    /// The columns; starts anew, with room for as much again.
    pub fn finish(&mut self) -> Result<Columns> {
        let rows = self.len();
        let has_metadata = self.metadata.has_values();
        let mut finish = || -> Result<_, ArrowError> {
            let columns = self
                .slots
                .iter_mut()
                .map(|slot| &mut slot.column)
                .chain(&mut self.additional);
            let arrays = columns.map(Column::finish).collect::<Result<_, _>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(rows));
            let schema = self.schema.clone();
            let values = RecordBatch::try_new_with_options(schema, arrays, &options)?;
            let metadata = if has_metadata {
                let overflow = |_| ArrowError::OffsetOverflowError(rows);
                self.metadata.pad(rows).map_err(overflow)?;
                Some(StringArray::from(self.metadata.finish()?.to_data()))
            } else {
                self.metadata.truncate(0);
                None
            };
            Ok((values, metadata))
        };
        let finished = finish().map_err(|e| {
            Error::new(
                &code::INTERNAL,
                "the columns of a batch do not fit together",
            )
            .caused_by(e)
        });
        if finished.is_err() {
            self.truncate(0);
        }
        let anew = Vec::with_capacity(rows);
        let emitted_at = std::mem::replace(&mut self.emitted_at, anew);
        let operations = take_operations(&mut self.operations);
        let (values, metadata) = finished?;
        Ok(Columns {
            values,
            operations,
            emitted_at,
            metadata,
        })
    }

    fn truncate(&mut self, rows: usize) {
        for column in self
            .slots
            .iter_mut()
            .map(|slot| &mut slot.column)
            .chain(&mut self.additional)
        {
            column.truncate(rows);
        }
        self.metadata.truncate(rows);
        self.emitted_at.truncate(rows);
        self.operations.truncate(rows);
    }

    fn append_row(&mut self, rows: &Rows, index: usize) -> Result<(), Fault> {
        let operation = rows.operation(index);
        self.scratch.clear();
        let mut text = rows.after(index);
        if text.is_empty() && operation == Operation::Delete {
            // A delete may say what it removes by the value before or by the key alone.
            let key = rows.key(index);
            let key = key.filter(|key| key.trim_ascii_start().starts_with(b"{"));
            text = rows.before(index).or(key).unwrap_or(b"{}");
        }
        let end = text.len();
        let read = self.read_object(with_slack(rows, index, text), end);
        read.map_err(|fault| fault.within(end))?;
        self.end_row(rows.metadata(index))?;
        self.emitted_at.push(rows.emitted_at(index));
        self.operations.push(operation);
        Ok(())
    }

    /// Reads the row's object, which is the first `end` bytes of `text`. What stands behind it lets
    /// the last values be read in wide steps too; an object that reaches into it is refused.
    fn read_object(&mut self, text: &[u8], end: usize) -> Result<(), Fault> {
        let row = self.len();
        let mut found = 0;
        let mut at = skip_space(text, 0);
        if text.get(at) != Some(&b'{') {
            return Err(expected(at, "an object"));
        }
        at = skip_space(text, at + 1);
        let mut more = text.get(at) != Some(&b'}');
        let mut previous = None;
        let mut next = self.first;
        while more {
            let key = at + usize::from(text.get(at) == Some(&b' '));
            let slot = self.slots.get(next);
            let hit = slot.and_then(|slot| slot.key.value_after(text, key));
            let (column, value) = match hit {
                Some(value) => (Some(next), value),
                None => self.find(text, at, previous)?,
            };
            let value_end = if let Some(index) = column {
                let slot = &mut self.slots[index];
                (previous, next) = (column, slot.next);
                if slot.column.filled == row {
                    found += 1;
                } else {
                    // The key stands twice: the last one counts.
                    self.take_back(index);
                }
                match cell::read_usual(&mut self.slots[index].column, text, value) {
                    Some(value_end) => value_end,
                    None => self.read_unusual(index, text, at, value)?,
                }
            } else {
                self.pass_undeclared(text, at, value)?
            };
            (more, at) = match text.get(value_end) {
                Some(b',') => (true, value_end + 1),
                Some(b'}') => (false, value_end),
                _ => self.end_of_value(text, column, (at, value), value_end)?,
            };
        }
        at += 1;
        let rest = text
            .get(at..end)
            .ok_or(expected(end, "the end of the object"))?;
        let rest = skip_space(rest, 0);
        if at + rest != end {
            return Err(expected(at + rest, "the end of the object"));
        }
        if found < self.slots.len() {
            for slot in &mut self.slots {
                slot.column.pad(row + 1)?;
            }
        }
        if self.additional.is_some() {
            self.end_undeclared(text)?;
        }
        Ok(())
    }

    /// The column of the key that starts at `at`, if one is declared, and where its value starts.
    /// `previous` is the column of the key before.
    #[inline(never)]
    fn find(
        &mut self,
        text: &[u8],
        at: usize,
        previous: Option<usize>,
    ) -> Result<(Option<usize>, usize), Fault> {
        let at = skip_space(text, at);
        let mut next = previous.map_or(self.first, |index| self.slots[index].next);
        for _ in 0..LOOK_AHEAD {
            let Some(slot) = self.slots.get(next) else {
                break;
            };
            if let Some(value) = slot.key.value_after(text, at) {
                return Ok((Some(next), value));
            }
            next = slot.next;
        }
        let key_end = skip_string(text, at)?;
        let colon = skip_space(text, key_end);
        if text.get(colon) != Some(&b':') {
            return Err(expected(colon, "`:`"));
        }
        let value = skip_space(text, colon + 1);
        let raw = &text[at + 1..key_end - 1];
        let mut index = self.by_name.get(raw).copied();
        if index.is_none() && raw.contains(&b'\\') {
            let key = unescape(raw).ok();
            index = key.and_then(|(key, _)| self.by_name.get(&*key).copied());
        }
        if let Some(index) = index {
            match previous {
                Some(previous) => self.slots[previous].next = index,
                None => self.first = index,
            }
        }
        Ok((index, value))
    }

    /// Remembers the member whose key starts at `at`, if such are wanted.
    #[inline(never)]
    fn pass_undeclared(&mut self, text: &[u8], at: usize, value: usize) -> Result<usize, Fault> {
        let at = skip_space(text, at);
        let key_end = skip_string(text, at)?;
        let value_end = skip_value(text, value)?;
        if self.additional.is_some() {
            self.scratch.undeclared.push(Member {
                key_start: at + 1,
                key_end: key_end - 1,
                value_start: value,
                value_end,
            });
        }
        Ok(value_end)
    }

    /// Reads the value of the member whose key starts at `at` into the column `index`.
    #[inline(never)]
    fn read_unusual(
        &mut self,
        index: usize,
        text: &[u8],
        at: usize,
        value: usize,
    ) -> Result<usize, Fault> {
        let value = skip_space(text, value);
        let column = &mut self.slots[index].column;
        if column.is_structured() {
            let mut findings = Findings::default();
            let end = structured::read(column, text, value, &mut findings)?;
            let at = skip_space(text, at);
            let member = Member {
                key_start: at + 1,
                key_end: skip_string(text, at)? - 1,
                value_start: value,
                value_end: end,
            };
            self.scratch.found(index, member, findings);
            return Ok(end);
        }
        let (end, change) = cell::read_unusual(column, text, value)?;
        if let Some(change) = change {
            self.scratch.changes.push((Changed::Column(index), change));
        }
        Ok(end)
    }

    /// Takes back the value that the column has in the row being read, and its change.
    #[inline(never)]
    fn take_back(&mut self, index: usize) {
        let row = self.len();
        self.slots[index].column.truncate(row);
        self.scratch.forget(index);
    }

    /// After a value that neither comma nor brace follows at once: whether more members follow, and
    /// the offset after the comma or of the brace.
    #[inline(never)]
    fn end_of_value(
        &mut self,
        text: &[u8],
        column: Option<usize>,
        (key, value): (usize, usize),
        value_end: usize,
    ) -> Result<(bool, usize), Fault> {
        let mut at = skip_space(text, value_end);
        if at == value_end
            && let Some(index) = column
        {
            // It only began like a usual value, as `12abc` does.
            self.take_back(index);
            let value_end = self.read_unusual(index, text, key, value)?;
            at = skip_space(text, value_end);
        }
        match text.get(at) {
            Some(b',') => Ok((true, at + 1)),
            Some(b'}') => Ok((false, at)),
            _ => Err(expected(at, "`,` or `}`")),
        }
    }

    fn end_undeclared(&mut self, text: &[u8]) -> Result<(), Fault> {
        let row = self.len();
        self.scratch.end_members();
        let Scratch {
            changes,
            undeclared,
            ..
        } = &mut self.scratch;
        let Some(column) = &mut self.additional else {
            return Ok(());
        };
        if undeclared.is_empty() {
            return Ok(column.pad(row + 1)?);
        }
        let Column {
            values: Values::Json(texts),
            filled,
            ..
        } = column
        else {
            return Ok(());
        };
        write_object(&mut texts.bytes, text, undeclared, |key, change| {
            let key = String::from_utf8_lossy(key).into_owned();
            changes.push((Changed::Undeclared(key), change));
        });
        texts.close()?;
        *filled += 1;
        Ok(())
    }

    fn end_row(&mut self, own: Option<&[u8]>) -> Result<(), Fault> {
        if own.is_none() && self.scratch.changes.is_empty() {
            return Ok(());
        }
        self.metadata.pad(self.emitted_at.len())?;
        let slots = &self.slots;
        let changes = self.scratch.changes.iter();
        let changes = changes.map(|(field, change)| match field {
            Changed::Column(index) => (Cow::Borrowed(slots[*index].name.as_str()), *change),
            Changed::Part(index, path) => {
                (Cow::Owned(format!("{}{path}", slots[*index].name)), *change)
            }
            Changed::Undeclared(key) => (Cow::Borrowed(key.as_str()), *change),
        });
        let Column {
            values: Values::Json(texts),
            filled,
            ..
        } = &mut self.metadata
        else {
            return Ok(());
        };
        if write_metadata(&mut texts.bytes, own, changes) {
            texts.close()?;
            *filled += 1;
        }
        Ok(())
    }
}

/// Enough for the widest step.
const SLACK: usize = 32;

/// The row's text with some of what follows it in the buffer.
fn with_slack<'a>(rows: &'a Rows, index: usize, text: &'a [u8]) -> &'a [u8] {
    let span = rows.after_span(index);
    if span.len() != text.len() {
        return text;
    }
    let buffer = rows.buffer();
    let end = buffer.len().min(span.end as usize + SLACK);
    &buffer[span.start as usize..end]
}

fn expected(at: usize, expected: &'static str) -> Fault {
    Fault::Scan(ScanError { at, expected })
}

fn explain(fault: Fault, row: usize) -> Error {
    match fault {
        Fault::Scan(error) => {
            Error::new(&code::DATA_INVALID, "a record's data is not a JSON object")
                .with("row", row)
                .caused_by(error)
        }
        Fault::Overflow => Error::new(&code::DATA_INVALID, "a column would exceed 2 GiB")
            .with("row", row)
            .hint("write smaller batches; a single value of this size cannot be a column's"),
    }
}

fn take_operations(operations: &mut Vec<Operation>) -> Operations {
    let first = operations.first().copied().unwrap_or_default();
    if operations.iter().all(|operation| *operation == first) {
        operations.clear();
        return Operations::Uniform(first);
    }
    Operations::Each(std::mem::take(operations))
}
