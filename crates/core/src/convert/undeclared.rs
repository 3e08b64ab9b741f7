//! The members that a schema does not declare, as one JSON object.

use std::borrow::Cow;
use std::collections::HashSet;

use super::cell::valid;
use super::change::Change;
use super::nested;
use super::text::{unescape, write_string};
use crate::json::scan::{Member, Members};

/// Appends `members`, which stand in `text`, as an object to `out`. Of those with the same key the
/// last one counts. `note` is told which had to be changed.
pub(super) fn write_object(
    out: &mut Vec<u8>,
    text: &[u8],
    members: &[Member],
    mut note: impl FnMut(&[u8], Change),
) {
    let keys = members.iter().map(|member| plain_key(member.raw_key(text)));
    let keys: Vec<Cow<'_, [u8]>> = keys.collect();
    let repeated = repeated(&keys);
    out.push(b'{');
    let mut separator: &[u8] = b"";
    for (index, member) in members.iter().enumerate() {
        if repeated.contains(&index) {
            continue;
        }
        out.extend_from_slice(separator);
        separator = b",";
        write_string(out, &keys[index]);
        out.push(b':');
        let (value, garbled) = valid(member.value(text));
        let change = match nested::check(&value, 0) {
            Some(checked) if checked.end == value.len() => {
                nested::copy(&value, checked, out);
                checked.change()
            }
            _ => {
                out.extend_from_slice(b"null");
                Some(Change::NoValue)
            }
        };
        if let Some(change) = change.or(garbled.then_some(Change::Garbled)) {
            note(&keys[index], change);
        }
    }
    out.push(b'}');
}

/// The key without escapes and as valid UTF-8.
fn plain_key(raw: &[u8]) -> Cow<'_, [u8]> {
    match (valid(raw), unescape(raw)) {
        ((Cow::Borrowed(_), _), Ok((key, _))) => key,
        ((Cow::Borrowed(raw), _), Err(_)) => Cow::Borrowed(raw),
        ((Cow::Owned(raw), _), _) => match unescape(&raw) {
            Ok((key, _)) => Cow::Owned(key.into_owned()),
            Err(_) => Cow::Owned(raw),
        },
    }
}

/// The indices of keys that stand again later.
fn repeated(keys: &[Cow<'_, [u8]>]) -> HashSet<usize> {
    if keys.len() < 2 {
        return HashSet::new();
    }
    let mut seen = HashSet::with_capacity(keys.len());
    let all = keys.iter().enumerate().rev();
    all.filter(|(_, key)| !seen.insert(*key))
        .map(|(index, _)| index)
        .collect()
}

/// The undeclared members of a row: one at least.
pub(super) struct Undeclared<'a> {
    /// What stands between the braces.
    inner: &'a [u8],
    checked: nested::Checked,
    keys: Vec<&'a [u8]>,
}

impl<'a> Undeclared<'a> {
    pub(super) fn of(object: &'a str) -> Option<Self> {
        let object = object.trim_ascii().as_bytes();
        let inner = object.strip_prefix(b"{")?.strip_suffix(b"}")?;
        let checked = nested::check(object, 0).filter(|checked| checked.end == object.len())?;
        let mut members = Members::new(object, 0).ok()?;
        let mut keys = Vec::new();
        while let Ok(Some(member)) = members.next() {
            keys.push(member.raw_key(object));
        }
        (!keys.is_empty()).then_some(Self {
            inner,
            checked,
            keys,
        })
    }

    /// Whether a member has this key, given as `,"name":`: as our own writer writes it, with the
    /// same escapes.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        self.keys.contains(&&key[2..key.len() - 2])
    }

    /// Appends them as they stand, without braces.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        nested::copy(self.inner, self.checked, out);
    }
}
