//! A row that a destination is given.

use std::collections::HashMap;

use crossdock_core::batch::{Operation, Rows};
use crossdock_core::catalog::FieldPath;
use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::Json;
use crossdock_core::json::scan::Members;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// A row: what a source said of one thing at one moment.
#[derive(Clone, Debug)]
pub struct Row {
    operation: Operation,
    text: Json,
    emitted_at: i64,
}

/// A row that was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which of those given.
    pub index: usize,
    /// Why, for people.
    pub reason: String,
}

impl Row {
    pub(crate) fn of(rows: &Rows, index: usize) -> Self {
        // Of a row that was deleted there may be only what it was, or its key.
        let text = [Some(rows.after(index)), rows.before(index), rows.key(index)];
        let text = text.into_iter().flatten().find(|text| !text.is_empty());
        Self {
            operation: rows.operation(index),
            text: Json::from_scanned(rows.buffer().slice_ref(text.unwrap_or_default())),
            emitted_at: rows.emitted_at(index),
        }
    }

    /// What happened to it.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// Whether it is no more.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.operation == Operation::Delete
    }

    /// When the source emitted it, in ms since the epoch.
    #[must_use]
    pub fn emitted_at(&self) -> i64 {
        self.emitted_at
    }

    /// Its JSON text. Numbers have all their digits.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.text.bytes()
    }

    /// The same as a value that is written out as it is.
    ///
    /// # Errors
    /// `data.invalid` if the source sent no JSON.
    pub fn raw(&self) -> Result<&RawValue> {
        serde_json::from_slice(self.text()).map_err(unreadable)
    }

    /// Its values. Numbers beyond 64 bits lose digits here.
    ///
    /// # Errors
    /// `data.invalid` if they are not of that form.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(self.text()).map_err(unreadable)
    }

    /// The JSON texts of these members, each on its own: rows with the same are the same thing.
    pub(crate) fn key(&self, members: &[FieldPath]) -> Vec<Vec<u8>> {
        let text = self.text();
        let of = |path: &FieldPath| member(text, path).unwrap_or(b"null").to_vec();
        members.iter().map(of).collect()
    }

    fn cursor(&self, path: &FieldPath) -> Option<Value> {
        serde_json::from_slice(member(self.text(), path)?).ok()
    }
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::new(
        &code::DATA_INVALID,
        "a row has not the form that it should have",
    )
    .caused_by(cause)
}

/// The text of a member of an object.
fn member<'a>(mut text: &'a [u8], path: &[String]) -> Option<&'a [u8]> {
    for name in path {
        let mut members = Members::new(text, 0).ok()?;
        text = loop {
            let member = members.next().ok()??;
            let key = member.raw_key(text);
            // Names with escapes are rare, so the quick way is tried first.
            let is_it = key == name.as_bytes()
                || (key.contains(&b'\\') && unescaped(key).as_deref() == Some(name));
            if is_it {
                break member.value(text);
            }
        };
    }
    Some(text)
}

fn unescaped(key: &[u8]) -> Option<String> {
    let quoted = [b"\"", key, b"\""].concat();
    serde_json::from_slice(&quoted).ok()
}

/// The places of the rows that count: of those with the same key the newest by the cursor, or else the last.
pub(crate) fn latest(rows: &[&Row], key: &[FieldPath], cursor: Option<&FieldPath>) -> Vec<usize> {
    let mut newest: HashMap<Vec<Vec<u8>>, (usize, Option<Value>)> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let now = cursor.and_then(|path| row.cursor(path));
        let newer = (index, now);
        match newest.entry(row.key(key)) {
            std::collections::hash_map::Entry::Vacant(place) => drop(place.insert(newer)),
            std::collections::hash_map::Entry::Occupied(mut place) => {
                if !is_older(newer.1.as_ref(), place.get().1.as_ref()) {
                    place.insert(newer);
                }
            }
        }
    }
    let mut places: Vec<usize> = newest.into_values().map(|(index, _)| index).collect();
    places.sort_unstable();
    places
}

/// Whether a cursor's value is surely older than another.
fn is_older(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::String(one)), Some(Value::String(other))) => one < other,
        (Some(Value::Number(one)), Some(Value::Number(other))) => {
            match (one.as_i64(), other.as_i64()) {
                (Some(one), Some(other)) => one < other,
                _ => one.as_f64() < other.as_f64(),
            }
        }
        // A deleted row has no cursor, and comes last.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use crossdock_core::batch::{RowsBuilder, Span};

    use super::*;

    fn rows(texts: &[&str]) -> Vec<Row> {
        let mut builder = RowsBuilder::default();
        let mut buffer = String::new();
        for text in texts {
            let start = buffer.len();
            buffer.push_str(text);
            let span = Span::new(start, buffer.len()).expect("a span");
            builder.push_line(span, 7, Span::NONE);
        }
        let rows = builder.finish(Bytes::from(buffer), None);
        (0..rows.len()).map(|index| Row::of(&rows, index)).collect()
    }

    #[test]
    fn the_latest_of_each_key_counts() {
        let check = |texts: &[&str], key: &[&[&str]], cursor: Option<&str>, expected: &[usize]| {
            let rows = rows(texts);
            let rows: Vec<&Row> = rows.iter().collect();
            let path = |path: &[&str]| path.iter().map(|&part| part.to_owned()).collect();
            let key: Vec<FieldPath> = key.iter().map(|&part| path(part)).collect();
            let cursor = cursor.map(|name| path(&[name]));
            assert_eq!(latest(&rows, &key, cursor.as_ref()), expected, "{texts:?}");
        };
        let texts = [
            r#"{"id":1,"t":2}"#,
            r#"{"id":2,"t":1}"#,
            r#"{"t":1,"id":1}"#,
        ];
        check(&texts, &[&["id"]], None, &[1, 2]);
        check(&texts, &[&["id"]], Some("t"), &[0, 1]);
        check(&texts, &[&["id"], &["t"]], None, &[0, 1, 2]);
        let days = [
            r#"{"id":1,"t":"2026-02"}"#,
            r#"{"id":1,"t":"2026-01"}"#,
            r#"{"id":1}"#,
        ];
        check(&days[..2], &[&["id"]], Some("t"), &[0]);
        check(&days, &[&["id"]], Some("t"), &[2]);
        let deep = [
            r#"{"a":{"b":1}}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{"\u0062":1}}"#,
            r#"{"a":1}"#,
        ];
        check(&deep, &[&["a", "b"]], None, &[2, 3]);
        check(&[], &[&["id"]], None, &[]);
    }

    #[test]
    fn a_number_keeps_its_digits() {
        let text = r#"{"n":12345678901234567890.123456789}"#;
        let row = &rows(&[text])[0];
        let again = serde_json::to_string(row.raw().expect("JSON")).expect("JSON");
        assert_eq!(again, text);
        assert_eq!(row.emitted_at(), 7);
        row.parse::<Vec<u64>>().expect_err("another form");
    }
}
