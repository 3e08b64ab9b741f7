//! The members of a line's object, found without building anything.

use std::borrow::Cow;
use std::ops::Range;

use crossdock_core::fault::Fault;
use crossdock_core::json::scan::{self, Members, ScanError, skip_space};

fn broken(error: ScanError) -> Fault {
    Fault::new(error.to_string())
}

/// Calls `each` with every member of the object that is all of `text[within]`.
pub(crate) fn each_member(
    text: &[u8],
    within: Range<usize>,
    mut each: impl FnMut(&str, Range<usize>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let text = &text[..within.end];
    let mut members = Members::new(text, within.start).map_err(broken)?;
    while let Some(member) = members.next().map_err(broken)? {
        let quoted = &text[member.key_start - 1..=member.key_end];
        let name = scan::unquote(quoted).ok_or_else(|| Fault::new("a name is no valid text"))?;
        each(&name, member.value_start..member.value_end)?;
    }
    if skip_space(text, members.end()) != text.len() {
        return Err(Fault::new("something stands after the object"));
    }
    Ok(())
}

/// Calls `each` with every item of the array at `text[within]`.
pub(super) fn each_item(
    text: &[u8],
    within: Range<usize>,
    mut each: impl FnMut(Range<usize>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let text = &text[..within.end];
    if text.get(within.start) != Some(&b'[') {
        return Err(Fault::new("expected a list"));
    }
    let mut at = skip_space(text, within.start + 1);
    if text.get(at) == Some(&b']') {
        return Ok(());
    }
    loop {
        let end = scan::skip_value(text, at).map_err(broken)?;
        each(at..end)?;
        at = skip_space(text, end);
        match text.get(at) {
            Some(b',') => at = skip_space(text, at + 1),
            Some(b']') => return Ok(()),
            _ => return Err(Fault::new("expected a comma or the end of a list")),
        }
    }
}

/// What a string says; `None` if the value is none.
pub(super) fn string<'t>(text: &'t [u8], value: &Range<usize>) -> Option<Cow<'t, str>> {
    scan::unquote(&text[value.clone()])
}

/// A string's text, and another value as it stands: for codes that some write as numbers.
pub(super) fn text_of(text: &[u8], value: &Range<usize>) -> String {
    match string(text, value) {
        Some(said) => said.into_owned(),
        None => String::from_utf8_lossy(&text[value.clone()]).into_owned(),
    }
}

/// A number without a fraction.
pub(super) fn number(text: &[u8], value: &Range<usize>) -> Option<u64> {
    std::str::from_utf8(&text[value.clone()]).ok()?.parse().ok()
}

/// Whether the value is `null`.
pub(super) fn is_null(text: &[u8], value: &Range<usize>) -> bool {
    &text[value.clone()] == b"null"
}

/// Whether the value is JSON all through.
pub(super) fn valid_any(text: &[u8], value: &Range<usize>) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(&text[value.clone()]).is_ok()
}

/// A value that is JSON all through, of this kind (`{` or `[`).
pub(super) fn valid<'t>(text: &'t [u8], value: &Range<usize>, first: u8) -> Option<&'t [u8]> {
    let is_valid = valid_any(text, value);
    let value = &text[value.clone()];
    (value.first() == Some(&first) && is_valid).then_some(value)
}
