//! The forms of a stream's state in which the cursor can be found.

use crossdock_core::catalog::{ConfiguredStream, FieldPath, Lookback};
use crossdock_processors::{Object, Value};

use super::{is_nothing, value};

/// Whose state it is: our own sources have forms of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A native source of this name.
    Native(Native),
    /// Another one.
    Foreign,
}

/// The native sources whose states are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Native {
    Files,
    Sample,
    Sqlite,
}

impl Origin {
    /// Of a native source's name; `None`: it is none.
    pub(crate) fn of(native: Option<&str>) -> Self {
        match native {
            Some("csv" | "jsonl" | "parquet") => Self::Native(Native::Files),
            Some("sample") => Self::Native(Native::Sample),
            Some("sqlite") => Self::Native(Native::Sqlite),
            _ => Self::Foreign,
        }
    }
}

/// Moves a stream's state back by its window. The error says why that is not possible.
pub(super) fn back(
    state: &mut Value,
    stream: &ConfiguredStream,
    origin: Origin,
) -> Result<(), String> {
    let Some(by) = stream.lookback else {
        return Ok(());
    };
    let members = match state {
        // It begins at the beginning.
        Value::Null => return Ok(()),
        Value::Object(members) if members.is_empty() => return Ok(()),
        Value::Object(members) => members,
        _ => return Err("it is no object".to_owned()),
    };
    let cursor = stream.cursor_field.as_ref();
    let cursor = cursor.or(stream.stream.default_cursor_field.as_ref());
    let cursor = cursor.ok_or("the stream has no cursor")?;
    match origin {
        Origin::Native(Native::Sample) => sample(members, by),
        Origin::Native(Native::Sqlite) => sqlite(members, cursor, by),
        Origin::Native(Native::Files) => file(members, cursor, by),
        Origin::Foreign if members.get("states").is_some() => partitioned(members, cursor, by),
        Origin::Foreign if members.get("cursor_field").is_some() => database(members, cursor, by),
        Origin::Foreign => plain(members, cursor, by),
    }
}

const UNKNOWN: &str = "its form is not known here";

fn member(members: &mut Object, name: &str, by: Lookback) -> Result<(), String> {
    let value = members.get_mut(name).ok_or(UNKNOWN)?;
    *value = value::back(value, by)?;
    Ok(())
}

/// `{"next": 5}`: the number of the next record, of which the first is 0.
fn sample(members: &mut Object, by: Lookback) -> Result<(), String> {
    member(members, "next", by)?;
    if let Some(Value::Number(next)) = members.get("next")
        && next.starts_with('-')
    {
        members.insert("next", Value::integer(0));
    }
    Ok(())
}

/// `{"updated_at": "2024-01-01"}`: the cursor's value under its name.
fn plain(members: &mut Object, cursor: &FieldPath, by: Lookback) -> Result<(), String> {
    let mut names = [cursor.last().cloned().unwrap_or_default(), cursor.join(".")].into_iter();
    let name = names.find(|name| members.get(name).is_some());
    member(members, &name.ok_or(UNKNOWN)?, by)
}

/// A cursor for each partition, and one for those that are not known yet, as sources on Airbyte's SDK have it.
fn partitioned(members: &mut Object, cursor: &FieldPath, by: Lookback) -> Result<(), String> {
    if !members.get("parent_state").is_none_or(is_nothing) {
        return Err("it holds the state of a parent stream".to_owned());
    }
    let Some(Value::List(states)) = members.get_mut("states") else {
        return Err(UNKNOWN.to_owned());
    };
    for state in states {
        let own = match state {
            Value::Object(state) => state.get_mut("cursor"),
            _ => None,
        };
        let Some(Value::Object(own)) = own else {
            return Err(UNKNOWN.to_owned());
        };
        plain(own, cursor, by)?;
    }
    match members.get_mut("state") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Object(of_others)) if of_others.is_empty() => Ok(()),
        Some(Value::Object(of_others)) => plain(of_others, cursor, by),
        Some(_) => Err(UNKNOWN.to_owned()),
    }
}

/// `{"cursor_field": ["id"], "cursor": "5"}`, as Airbyte's sources of databases have it.
fn database(members: &mut Object, cursor: &FieldPath, by: Lookback) -> Result<(), String> {
    let is_cursor_based = match members.get("state_type") {
        None => true,
        Some(Value::String(kind)) => kind == "cursor_based",
        Some(_) => false,
    };
    if !is_cursor_based {
        return Err("the first read of the table is not at its end".to_owned());
    }
    let of = match members.get("cursor_field") {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::List(names)) => {
            let text = |name: &Value| match name {
                Value::String(name) => Some(name.clone()),
                _ => None,
            };
            names.iter().filter_map(text).collect()
        }
        _ => Vec::new(),
    };
    if of != *cursor {
        return Err(format!("it is one of the cursor `{}`", of.join(".")));
    }
    match members.get("cursor") {
        None | Some(Value::Null) => return Ok(()),
        Some(_) => member(members, "cursor", by)?,
    }
    // How many rows had the cursor's value, which is another one now.
    members.remove("cursor_record_count");
    Ok(())
}

/// `{"order": ["id", "rowid"], "after": [{"integer": 5}, {"integer": 9}]}`
fn sqlite(members: &mut Object, cursor: &FieldPath, by: Lookback) -> Result<(), String> {
    let first = match members.get("order") {
        Some(Value::List(order)) => order.first().cloned(),
        _ => None,
    };
    if first != cursor.first().cloned().map(Value::String) {
        return Err("it is one of another order".to_owned());
    }
    let Some(Value::List(after)) = members.get_mut("after") else {
        return Err(UNKNOWN.to_owned());
    };
    let mut marks = after.iter_mut();
    match marks.next() {
        Some(Value::Object(mark)) => match ["integer", "text"]
            .iter()
            .find(|kind| mark.get(kind).is_some())
        {
            Some(kind) => member(mark, kind, by)?,
            None => return Err("the cursor is no integer and no text".to_owned()),
        },
        // Null: no row with a value was read yet.
        Some(Value::String(_)) => return Ok(()),
        _ => return Err(UNKNOWN.to_owned()),
    }
    // All rows with the cursor's new value belong to the window.
    for mark in marks {
        let least = Value::integer(i64::MIN);
        *mark = Value::Object([("integer".to_owned(), least)].into_iter().collect());
    }
    Ok(())
}

/// `{"files": …, "cursor": {"field": "at", "from": …, "greatest": …}}`
fn file(members: &mut Object, cursor: &FieldPath, by: Lookback) -> Result<(), String> {
    let Some(Value::Object(own)) = members.get_mut("cursor") else {
        return Err("the source reads files, and has no cursor".to_owned());
    };
    if own.get("field") != cursor.last().cloned().map(Value::String).as_ref() {
        return Err("it is one of another cursor".to_owned());
    }
    member(own, "from", by)
}
