//! The way back of the column that takes what a schema does not declare: a source puts its members
//! into the record again, so that tables and files which Crossdock wrote can be moved on.

use serde_json::value::RawValue;

/// Appends the members of the JSON object `text` to the record that `out` ends with, which is not
/// closed yet. `false`, and nothing appended, if it is no object.
pub(crate) fn spread(out: &mut Vec<u8>, text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let inner = text.strip_prefix(b"{").and_then(|t| t.strip_suffix(b"}"));
    let Some(inner) = inner.filter(|_| serde_json::from_slice::<&RawValue>(text).is_ok()) else {
        return false;
    };
    if !inner.trim_ascii().is_empty() {
        if out.last() != Some(&b'{') {
            out.push(b',');
        }
        // A record is one line.
        out.extend(
            inner
                .iter()
                .map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }),
        );
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_put_behind_the_others() {
        let check = |record: &str, text: &str, expected: Option<&str>| {
            let mut out = record.as_bytes().to_vec();
            let done = spread(&mut out, text.as_bytes());
            assert_eq!(done, expected.is_some(), "{text}");
            assert_eq!(String::from_utf8(out).unwrap(), expected.unwrap_or(record));
        };
        check("{", r#"{"a":1.50}"#, Some(r#"{"a":1.50"#));
        check(r#"{"b":2"#, "{\n\"a\": 1}", Some(r#"{"b":2, "a": 1"#));
        check(r#"{"b":2"#, "{ }", Some(r#"{"b":2"#));
        check("{", "[1]", None);
        check("{", r#"{"a":}"#, None);
        check("{", "NULL", None);
    }
}
