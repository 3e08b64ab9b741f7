//! Lists.

use super::compare::equal;
use super::{ANY, Entry, integer, items};
use crate::value::Value;

pub(super) const TABLE: &[Entry] = &[
    ("list", 0, ANY, |a| Ok(Value::List(a.to_vec()))),
    ("tuple", 0, ANY, |a| Ok(Value::List(a.to_vec()))),
    ("first", 1, 1, |a| {
        Ok(items(a, 0)?.first().cloned().unwrap_or_default())
    }),
    ("last", 1, 1, |a| {
        Ok(items(a, 0)?.last().cloned().unwrap_or_default())
    }),
    ("rest", 1, 1, |a| {
        Ok(Value::List(items(a, 0)?.iter().skip(1).cloned().collect()))
    }),
    ("initial", 1, 1, |a| {
        let items = items(a, 0)?;
        Ok(Value::List(items[..items.len().saturating_sub(1)].to_vec()))
    }),
    ("append", 2, 2, |a| {
        Ok(Value::List(
            items(a, 0)?.iter().chain([&a[1]]).cloned().collect(),
        ))
    }),
    ("prepend", 2, 2, |a| {
        let list = items(a, 0)?;
        Ok(Value::List(
            [&a[1]].into_iter().chain(list).cloned().collect(),
        ))
    }),
    ("concat", 1, ANY, |a| {
        let mut all = Vec::new();
        for at in 0..a.len() {
            all.extend_from_slice(items(a, at)?);
        }
        Ok(Value::List(all))
    }),
    ("reverse", 1, 1, |a| {
        Ok(Value::List(items(a, 0)?.iter().rev().cloned().collect()))
    }),
    ("uniq", 1, 1, |a| {
        let mut all: Vec<Value> = Vec::new();
        for item in items(a, 0)? {
            if !all.iter().any(|known| equal(known, item)) {
                all.push(item.clone());
            }
        }
        Ok(Value::List(all))
    }),
    ("without", 1, ANY, |a| {
        let kept = items(a, 0)?
            .iter()
            .filter(|item| !a[1..].iter().any(|out| equal(out, item)));
        Ok(Value::List(kept.cloned().collect()))
    }),
    ("has", 2, 2, |a| {
        Ok(Value::Bool(
            items(a, 1)?.iter().any(|item| equal(item, &a[0])),
        ))
    }),
    ("compact", 1, 1, |a| {
        let kept = items(a, 0)?.iter().filter(|item| item.is_true());
        Ok(Value::List(kept.cloned().collect()))
    }),
    ("slice", 1, 3, |a| {
        if let Value::String(text) = &a[0] {
            let (start, end) = bounds(a, text.len())?;
            let cut = text.get(start..end).ok_or("a character would be cut")?;
            return Ok(Value::String(cut.to_owned()));
        }
        let list = items(a, 0)?;
        let (start, end) = bounds(a, list.len())?;
        Ok(Value::List(list[start..end].to_vec()))
    }),
    ("sortAlpha", 1, 1, |a| {
        let mut texts: Vec<String> = items(a, 0)?.iter().map(Value::to_text).collect();
        texts.sort_unstable();
        Ok(Value::List(texts.into_iter().map(Value::String).collect()))
    }),
    ("toStrings", 1, 1, |a| {
        Ok(Value::List(
            items(a, 0)?
                .iter()
                .map(|item| Value::String(item.to_text()))
                .collect(),
        ))
    }),
    ("seq", 1, 3, |a| {
        let (from, step, to) = match a.len() {
            1 => (1, 1, integer(a, 0)?),
            2 => (integer(a, 0)?, 1, integer(a, 1)?),
            _ => (integer(a, 0)?, integer(a, 1)?, integer(a, 2)?),
        };
        let mut texts = Vec::new();
        let mut at = from;
        while step != 0
            && (if step > 0 { at <= to } else { at >= to })
            && (texts.len() as i64) < super::MOST_ITEMS
        {
            texts.push(at.to_string());
            at = at.saturating_add(step);
        }
        Ok(Value::String(texts.join(" ")))
    }),
];

fn bounds(arguments: &[Value], length: usize) -> super::Result<(usize, usize)> {
    let at = |at: usize, other: usize| match arguments.get(at) {
        Some(_) => integer(arguments, at).map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
        None => Ok(other),
    };
    let (start, end) = (at(1, 0)?, at(2, length)?);
    if start > end || end > length {
        return Err(format!("the places {start} to {end} are not in it"));
    }
    Ok((start, end))
}
