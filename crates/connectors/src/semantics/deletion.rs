//! Deleted rows in files that only grow: a delete is appended as a record that shows what was
//! deleted, marked in `_airbyte_meta` (see [`super::metadata`]).

use bytes::Bytes;
use crossdock_core::batch::{Body, Operation, Operations, RowSpans, Rows, RowsBuilder, Span};
use crossdock_core::code;
use crossdock_core::error::{Error, Result};

/// The same records, with something to show for each: a delete without a value after the change
/// shows the value before it, else its key if that is an object, else an empty object. Refused
/// where no mark could tell such a record from a living one.
pub(crate) fn shown(body: Body, has_metadata: bool) -> Result<Body> {
    let operations = match &body {
        Body::Rows(rows) => rows.operations(),
        Body::Columns(columns) => &columns.operations,
    };
    let deletes = match operations {
        Operations::Uniform(operation) => *operation == Operation::Delete,
        Operations::Each(each) => each.contains(&Operation::Delete),
    };
    if deletes && !has_metadata {
        return Err(Error::new(
            &code::DATA_INVALID,
            "a deleted record cannot be marked as such",
        )
        .hint("set `metadata_columns: true`, or leave deletes out of the stream"));
    }
    match body {
        Body::Rows(rows) if deletes && (0..rows.len()).any(|at| rows.after(at).is_empty()) => {
            Ok(Body::Rows(filled(&rows)?))
        }
        body => Ok(body),
    }
}

fn filled(rows: &Rows) -> Result<Rows> {
    let mut buffer = Vec::with_capacity(rows.bytes());
    let mut built = RowsBuilder::default();
    for at in 0..rows.len() {
        let mut copy = |part: Option<&[u8]>| {
            let start = buffer.len();
            buffer.extend_from_slice(part.unwrap_or_default());
            Span::new(start, buffer.len())
                .ok_or_else(|| Error::new(&code::RECORD_TOO_LARGE, "a batch exceeds 4 GiB"))
        };
        let key = rows.key(at);
        let after = match rows.after(at) {
            b"" => rows
                .before(at)
                .or(key.filter(|key| key.trim_ascii_start().starts_with(b"{")))
                .unwrap_or(b"{}"),
            after => after,
        };
        built.push(RowSpans {
            after: copy(Some(after))?,
            before: Span::NONE,
            key: copy(key)?,
            metadata: copy(rows.metadata(at))?,
            emitted_at: rows.emitted_at(at),
            operation: rows.operation(at),
            line: Span::NONE,
        });
    }
    Ok(built.finish(Bytes::from(buffer), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One record: after, before, key.
    fn deleted(after: &str, before: &str, key: &str) -> Body {
        let text = [after, before, key].concat();
        let (a, b) = (after.len(), after.len() + before.len());
        let span = |start, end| Span::new(start, end).unwrap();
        let mut rows = RowsBuilder::default();
        rows.push(RowSpans {
            after: span(0, a),
            before: span(a, b),
            key: span(b, text.len()),
            operation: Operation::Delete,
            ..RowSpans::default()
        });
        Body::Rows(rows.finish(Bytes::from(text), None))
    }

    #[test]
    fn a_delete_shows_what_was_deleted() {
        let check = |body: Body, expected: &str| {
            let Body::Rows(rows) = shown(body, true).unwrap() else {
                panic!()
            };
            assert_eq!(std::str::from_utf8(rows.after(0)).unwrap(), expected);
            assert_eq!(rows.operation(0), Operation::Delete);
        };
        check(
            deleted(r#"{"a":1}"#, r#"{"a":0}"#, r#"{"k":1}"#),
            r#"{"a":1}"#,
        );
        check(deleted("", r#"{"a":0}"#, r#"{"k":1}"#), r#"{"a":0}"#);
        check(deleted("", "", r#"{"k":1}"#), r#"{"k":1}"#);
        check(deleted("", "", "17"), "{}");
        let error = shown(deleted("", "", "17"), false).unwrap_err();
        assert_eq!(error.code().name, "data.invalid");
    }
}
