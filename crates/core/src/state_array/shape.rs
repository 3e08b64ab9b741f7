//! JSON taken apart one level deep, the members left as the text they are.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The members of an object; of equal keys the last counts, as everywhere.
pub(super) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The members, if the text is an object.
pub(super) fn members(text: &str) -> Option<Members<'_>> {
    serde_json::from_str(text).ok()
}

/// The items, if the text is an array.
pub(super) fn items(text: &str) -> Option<Vec<&RawValue>> {
    serde_json::from_str(text).ok()
}

/// The text without white space between tokens: states travel in protocols of one message per
/// line, so none may hold a line break. `text` is valid JSON.
pub(super) fn compact(text: &str) -> String {
    let mut compact = String::with_capacity(text.len());
    let mut in_string = false;
    let mut escaped = false;
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c.is_ascii_whitespace() {
            continue;
        } else {
            in_string = c == '"';
        }
        compact.push(c);
    }
    compact
}
