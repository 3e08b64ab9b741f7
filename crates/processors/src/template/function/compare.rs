//! Comparing, choosing and looking up.

use std::cmp::Ordering;

use super::{ANY, Entry, Result, integer, string, text_of};
use crate::template::printf::printf;
use crate::value::{Object, Value};

pub(super) const TABLE: &[Entry] = &[
    ("not", 1, 1, |a| Ok(Value::Bool(!a[0].is_true()))),
    ("eq", 2, ANY, |a| {
        Ok(Value::Bool(a[1..].iter().any(|other| equal(&a[0], other))))
    }),
    ("ne", 2, 2, |a| Ok(Value::Bool(!equal(&a[0], &a[1])))),
    ("lt", 2, 2, |a| {
        order(a).map(|o| Value::Bool(o == Ordering::Less))
    }),
    ("le", 2, 2, |a| {
        order(a).map(|o| Value::Bool(o != Ordering::Greater))
    }),
    ("gt", 2, 2, |a| {
        order(a).map(|o| Value::Bool(o == Ordering::Greater))
    }),
    ("ge", 2, 2, |a| {
        order(a).map(|o| Value::Bool(o != Ordering::Less))
    }),
    ("len", 1, 1, |a| {
        let length = match &a[0] {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.len(),
            Value::Object(members) => members.len(),
            other => return Err(format!("{} has no length", other.kind())),
        };
        Ok(Value::integer(length as i64))
    }),
    ("index", 1, ANY, |a| {
        a[1..]
            .iter()
            .try_fold(a[0].clone(), |value, at| match &value {
                Value::Object(members) => {
                    Ok(members.get(&at.to_text()).cloned().unwrap_or_default())
                }
                Value::List(items) => {
                    let at = at.as_integer().and_then(|at| usize::try_from(at).ok());
                    let item = at.and_then(|at| items.get(at));
                    item.cloned()
                        .ok_or_else(|| "the place is outside the list".to_owned())
                }
                Value::Null => Ok(Value::Null),
                other => Err(format!("{} has no places", other.kind())),
            })
    }),
    ("print", 0, ANY, |a| {
        let mut out = String::new();
        for (at, value) in a.iter().enumerate() {
            // As in Go: a space between two values of which neither is a text.
            let is_text = |value: &Value| matches!(value, Value::String(_));
            if at > 0 && !is_text(value) && !is_text(&a[at - 1]) {
                out.push(' ');
            }
            value.print(&mut out);
        }
        Ok(string(out))
    }),
    ("println", 0, ANY, |a| {
        let texts: Vec<String> = a.iter().map(printed).collect();
        Ok(string(texts.join(" ") + "\n"))
    }),
    ("printf", 1, ANY, |a| {
        printf(&text_of(a, 0), &a[1..]).map(string)
    }),
    ("default", 1, 2, |a| {
        let given = a.get(1).filter(|value| value.is_true());
        Ok(given.unwrap_or(&a[0]).clone())
    }),
    ("empty", 1, 1, |a| Ok(Value::Bool(!a[0].is_true()))),
    ("coalesce", 0, ANY, |a| {
        Ok(a.iter()
            .find(|value| value.is_true())
            .cloned()
            .unwrap_or_default())
    }),
    ("all", 0, ANY, |a| {
        Ok(Value::Bool(a.iter().all(Value::is_true)))
    }),
    ("any", 0, ANY, |a| {
        Ok(Value::Bool(a.iter().any(Value::is_true)))
    }),
    ("ternary", 3, 3, |a| {
        Ok(if a[2].is_true() {
            a[0].clone()
        } else {
            a[1].clone()
        })
    }),
    ("deepEqual", 2, 2, |a| Ok(Value::Bool(equal(&a[0], &a[1])))),
    ("fail", 1, 1, |a| Err(text_of(a, 0))),
    ("typeOf", 1, 1, |a| Ok(string(go_type(&a[0])))),
    ("kindOf", 1, 1, |a| Ok(string(go_kind(&a[0])))),
    ("typeIs", 2, 2, |a| {
        Ok(Value::Bool(go_type(&a[1]) == text_of(a, 0)))
    }),
    ("kindIs", 2, 2, |a| {
        Ok(Value::Bool(go_kind(&a[1]) == text_of(a, 0)))
    }),
    ("dict", 0, ANY, |a| {
        let pairs = a.chunks(2);
        let pairs = pairs.map(|pair| {
            (
                pair[0].to_text(),
                pair.get(1).cloned().unwrap_or(string("")),
            )
        });
        Ok(Value::Object(pairs.collect::<Object>()))
    }),
    ("get", 2, 2, |a| {
        Ok(object(a, 0)?
            .get(&text_of(a, 1))
            .cloned()
            .unwrap_or(string("")))
    }),
    ("hasKey", 2, 2, |a| {
        Ok(Value::Bool(object(a, 0)?.get(&text_of(a, 1)).is_some()))
    }),
    ("set", 3, 3, |a| {
        let mut changed = object(a, 0)?.clone();
        changed.insert(&text_of(a, 1), a[2].clone());
        Ok(Value::Object(changed))
    }),
    ("unset", 2, 2, |a| {
        let mut changed = object(a, 0)?.clone();
        changed.remove(&text_of(a, 1));
        Ok(Value::Object(changed))
    }),
    ("keys", 1, 1, |a| {
        let names = object(a, 0)?.sorted().into_iter();
        Ok(Value::List(names.map(|(name, _)| string(name)).collect()))
    }),
    ("values", 1, 1, |a| {
        let members = object(a, 0)?.sorted().into_iter();
        Ok(Value::List(
            members.map(|(_, value)| value.clone()).collect(),
        ))
    }),
    ("pick", 1, ANY, |a| chosen(a, true)),
    ("omit", 1, ANY, |a| chosen(a, false)),
    ("merge", 1, ANY, |a| {
        let mut all = object(a, 0)?.clone();
        for at in 1..a.len() {
            for (name, value) in object(a, at)?.iter() {
                if all.get(name).is_none() {
                    all.insert(name, value.clone());
                }
            }
        }
        Ok(Value::Object(all))
    }),
    ("dig", 3, ANY, |a| {
        let (path, rest) = a.split_at(a.len() - 2);
        let mut value = &rest[1];
        for name in path {
            match value {
                Value::Object(members) => match members.get(&name.to_text()) {
                    Some(inner) => value = inner,
                    None => return Ok(rest[0].clone()),
                },
                _ => return Ok(rest[0].clone()),
            }
        }
        Ok(value.clone())
    }),
    ("until", 1, 1, |a| Ok(numbers(0, integer(a, 0)?, 1))),
    ("untilStep", 3, 3, |a| {
        Ok(numbers(integer(a, 0)?, integer(a, 1)?, integer(a, 2)?))
    }),
];

fn printed(value: &Value) -> String {
    let mut out = String::new();
    value.print(&mut out);
    out
}

fn object(arguments: &[Value], at: usize) -> Result<&Object> {
    static EMPTY: std::sync::LazyLock<Object> = std::sync::LazyLock::new(Object::default);
    match arguments.get(at) {
        Some(Value::Object(members)) => Ok(members),
        Some(Value::Null) | None => Ok(&EMPTY),
        Some(other) => Err(format!("{} is no object", other.kind())),
    }
}

fn chosen(arguments: &[Value], keeps: bool) -> Result {
    let names: Vec<String> = arguments[1..].iter().map(Value::to_text).collect();
    let members = object(arguments, 0)?.iter();
    let chosen = members.filter(|(name, _)| names.iter().any(|n| n == name) == keeps);
    let chosen = chosen.map(|(name, value)| (name.to_owned(), value.clone()));
    Ok(Value::Object(chosen.collect::<Object>()))
}

fn numbers(from: i64, to: i64, step: i64) -> Value {
    let mut numbers = Vec::new();
    let mut at = from;
    while step != 0
        && (if step > 0 { at < to } else { at > to })
        && (numbers.len() as i64) < super::MOST_ITEMS
    {
        numbers.push(Value::integer(at));
        at = at.saturating_add(step);
    }
    Value::List(numbers)
}

/// Numbers are equal by value, bytes and text by their bytes, everything else by its kind and value.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || compare_numbers(one, other) == Some(Ordering::Equal)
        }
        (Value::String(a), Value::Bytes(b)) | (Value::Bytes(b), Value::String(a)) => {
            a.as_bytes() == b.as_slice()
        }
        _ => one == other,
    }
}

fn compare_numbers(one: &Value, other: &Value) -> Option<Ordering> {
    match (one.as_integer(), other.as_integer()) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => one.as_float()?.partial_cmp(&other.as_float()?),
    }
}

fn order(arguments: &[Value]) -> Result<Ordering> {
    let (one, other) = (&arguments[0], &arguments[1]);
    let order = match (one, other) {
        (Value::Number(_), Value::Number(_)) => compare_numbers(one, other),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
        _ => None,
    };
    order.ok_or_else(|| format!("{} and {} have no order", one.kind(), other.kind()))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(_) if value.as_integer().is_some() => "int",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Bytes(_) => "[]uint8",
        Value::List(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
        Value::Time(_) => "time.Time",
    }
}

fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bytes(_) | Value::List(_) => "slice",
        Value::Object(_) => "map",
        Value::Time(_) => "struct",
        other => go_type(other),
    }
}
