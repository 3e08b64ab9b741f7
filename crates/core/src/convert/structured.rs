//! One value of a record into a column with parts.

use super::cell::{self, Fault, valid};
use super::change::Change;
use super::column::{Column, Elements, Members, Values};
use super::nested;
use super::text::unescape;
use crate::json::scan::{self, skip_space, skip_value};

/// What reading a value with parts found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The part that is being read: `.name` for each member that leads to it.
    path: String,
    /// What had to be changed, by the path; each part and change once, however many elements.
    pub(super) changes: Vec<(String, Change)>,
    /// The column holds less than the value did.
    pub(super) lossy: bool,
}

impl Findings {
    fn note(&mut self, change: Change) {
        self.lossy |= change == Change::Misfit;
        let noted = |(path, of): &(String, Change)| *path == self.path && *of == change;
        if !self.changes.iter().any(noted) {
            self.changes.push((self.path.clone(), change));
        }
    }
}

/// Adds the value that starts at `at` to a struct or list column, whatever it is, and returns the
/// offset after it.
#[inline(never)]
pub(super) fn read(
    column: &mut Column,
    text: &[u8],
    at: usize,
    findings: &mut Findings,
) -> Result<usize, Fault> {
    let end = skip_value(text, at)?;
    let (token, garbled) = valid(&text[at..end]);
    let checked = nested::check(&token, 0).filter(|checked| checked.end == token.len());
    let Some(checked) = checked else {
        findings.note(Change::NoValue);
        column.push_null()?;
        return Ok(end);
    };
    let garbled = garbled.then_some(Change::Garbled);
    if let Some(change) = checked.change().or(garbled) {
        findings.note(change);
    }
    if checked.is_clean() {
        value(column, &token, 0, findings)?;
    } else {
        let mut clean = Vec::with_capacity(token.len());
        nested::copy(&token, checked, &mut clean);
        value(column, &clean, 0, findings)?;
    }
    Ok(end)
}

/// A value of any type; the text is JSON. Recursion ends where the column's type does.
fn value(
    column: &mut Column,
    text: &[u8],
    at: usize,
    findings: &mut Findings,
) -> Result<usize, Fault> {
    let end = match (&mut column.values, text.get(at)) {
        (Values::Struct(parts), Some(b'{')) => members(parts, column.filled, text, at, findings)?,
        (Values::List(list), Some(b'[')) => elements(list, text, at, findings)?,
        (Values::Struct(_) | Values::List(_), first) => {
            if first != Some(&b'n') {
                findings.note(Change::Misfit);
            }
            column.push_null()?;
            return Ok(skip_value(text, at)?);
        }
        _ => return leaf(column, text, at, findings),
    };
    column.filled += 1;
    Ok(end)
}

fn leaf(
    column: &mut Column,
    text: &[u8],
    at: usize,
    findings: &mut Findings,
) -> Result<usize, Fault> {
    let row = column.filled;
    if let Some(end) = cell::read_usual(column, text, at) {
        let after = text.get(end).copied();
        if after.is_none_or(|byte| matches!(byte, b',' | b'}' | b']' | b' ')) {
            return Ok(end);
        }
        // It only began like a usual value, as `12.5` does for an integer.
        column.truncate(row);
    }
    let (end, change) = cell::read_unusual(column, text, at)?;
    if let Some(change) = change {
        findings.note(change);
    }
    Ok(end)
}

fn members(
    parts: &mut Members,
    row: usize,
    text: &[u8],
    at: usize,
    findings: &mut Findings,
) -> Result<usize, Fault> {
    let mut members = scan::Members::new(text, at)?;
    let mut guess = 0;
    while let Some(member) = members.next()? {
        let raw = member.raw_key(text);
        let mut index = parts.find(raw, guess);
        if index.is_none() && raw.contains(&b'\\') {
            let key = unescape(raw).ok();
            index = key.and_then(|(key, _)| parts.find(&key, guess));
        }
        let Some(index) = index else {
            findings.lossy = true;
            continue;
        };
        guess = index + 1;
        let length = findings.path.len();
        findings.path.push('.');
        findings.path.push_str(parts.name(index));
        let column = &mut parts.columns[index];
        if column.filled > row {
            // The key stands twice: the last one counts.
            column.truncate(row);
        }
        value(column, text, member.value_start, findings)?;
        findings.path.truncate(length);
    }
    for column in &mut parts.columns {
        column.pad(row + 1)?;
    }
    Ok(members.end())
}

fn elements(
    list: &mut Elements,
    text: &[u8],
    at: usize,
    findings: &mut Findings,
) -> Result<usize, Fault> {
    let mut at = skip_space(text, at + 1);
    while text.get(at) != Some(&b']') {
        at = skip_space(text, value(&mut list.column, text, at, findings)?);
        if text.get(at) == Some(&b',') {
            at = skip_space(text, at + 1);
        }
    }
    list.close()?;
    Ok(at + 1)
}
