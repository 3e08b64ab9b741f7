//! A record's metadata, with what had to be changed in it noted as Airbyte's `meta.changes` (§1.2).

use std::borrow::Cow;

use super::change::Change;
use super::nested;
use super::text::{unescape, write_string};
use crate::json::scan::Members;

/// Appends the record's metadata to `out`: its own object `own`, where it has a well-formed one,
/// with `changes` appended to its list. Says whether there was anything to write.
pub(super) fn write_metadata<'a>(
    out: &mut Vec<u8>,
    own: Option<&[u8]>,
    changes: impl ExactSizeIterator<Item = (Cow<'a, str>, Change)>,
) -> bool {
    let text = own.map(|own| String::from_utf8_lossy(own.trim_ascii()));
    let own = text.as_deref().map(str::as_bytes).and_then(|own| {
        let checked = nested::check(own, 0)?;
        let whole = own.first() == Some(&b'{') && checked.end == own.len();
        whole.then_some((own, checked))
    });
    if changes.len() == 0 {
        if let Some((own, checked)) = own {
            nested::copy(own, checked, out);
        }
        return own.is_some();
    }
    let mut clean = Vec::new();
    if let Some((own, checked)) = own {
        nested::copy(own, checked, &mut clean);
    }
    out.push(b'{');
    let earlier = copy_other_members(&clean, out);
    out.extend_from_slice(b"\"changes\":[");
    out.extend_from_slice(earlier);
    let mut separator = if earlier.is_empty() { "" } else { "," };
    for (field, change) in changes {
        let (change, reason) = change.change_and_reason();
        out.extend_from_slice(separator.as_bytes());
        out.extend_from_slice(b"{\"field\":");
        write_string(out, field.as_bytes());
        out.extend_from_slice(b",\"change\":\"");
        out.extend_from_slice(change.as_bytes());
        out.extend_from_slice(b"\",\"reason\":\"");
        out.extend_from_slice(reason.as_bytes());
        out.extend_from_slice(b"\"}");
        separator = ",";
    }
    out.extend_from_slice(b"]}");
    true
}

/// Copies all members but `changes`, each with a comma after it; the entries of that list, without
/// its brackets, are returned.
fn copy_other_members<'a>(own: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut earlier: &[u8] = b"";
    let Ok(mut members) = Members::new(own, 0) else {
        return earlier;
    };
    while let Ok(Some(member)) = members.next() {
        let is_changes = unescape(member.raw_key(own)).is_ok_and(|(key, _)| &*key == b"changes");
        if is_changes {
            let list = member.value(own).strip_prefix(b"[");
            let list = list.and_then(|list| list.strip_suffix(b"]"));
            earlier = list.unwrap_or_default().trim_ascii();
        } else {
            out.extend_from_slice(&own[member.key_start - 1..member.value_end]);
            out.push(b',');
        }
    }
    earlier
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_join_the_records_own_metadata() {
        let check = |own: Option<&str>, changes: &[(&str, Change)], expected: Option<&str>| {
            let mut out = Vec::new();
            let changes = changes
                .iter()
                .map(|(field, change)| ((*field).into(), *change));
            let some = write_metadata(&mut out, own.map(str::as_bytes), changes);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(some.then_some(text.as_str()), expected);
        };
        let nulled = [("a", Change::Misfit)];
        let entry = r#"{"field":"a","change":"NULLED","reason":"DESTINATION_TYPECAST_ERROR"}"#;
        check(None, &[], None);
        check(Some(r#"{"x":1}"#), &[], Some(r#"{"x":1}"#));
        check(Some(" {\"x\":\n1} "), &[], Some(r#"{"x":1}"#));
        for no_object in ["[]", "null", "{", "{}x", "{\"a\":}", ""] {
            check(Some(no_object), &[], None);
            check(
                Some(no_object),
                &nulled,
                Some(&format!(r#"{{"changes":[{entry}]}}"#)),
            );
        }
        check(None, &nulled, Some(&format!(r#"{{"changes":[{entry}]}}"#)));
        check(
            Some("{}"),
            &nulled,
            Some(&format!(r#"{{"changes":[{entry}]}}"#)),
        );
        check(
            Some(r#"{"x":1,"changes":[ {"field":"b"} ],"y":[2]}"#),
            &nulled,
            Some(&format!(
                r#"{{"x":1,"y":[2],"changes":[{{"field":"b"}},{entry}]}}"#
            )),
        );
        check(
            Some(r#"{"changes":null}"#),
            &nulled,
            Some(&format!(r#"{{"changes":[{entry}]}}"#)),
        );
        check(
            None,
            &[
                ("q\"", Change::NoValue),
                ("b", Change::Cut),
                ("c", Change::Garbled),
            ],
            Some(concat!(
                r#"{"changes":[{"field":"q\"","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"},"#,
                r#"{"field":"b","change":"TRUNCATED","reason":"DESTINATION_FIELD_SIZE_LIMITATION"},"#,
                r#"{"field":"c","change":"TRUNCATED","reason":"SOURCE_SERIALIZATION_ERROR"}]}"#
            )),
        );
    }
}
