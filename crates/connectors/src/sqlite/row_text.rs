//! A row's values as a record's JSON text.

use crossdock_core::convert;
use crossdock_core::schema::DataType;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use serde_json::value::RawValue;

use crate::semantics::column_shape::ADDITIONAL;
use crate::semantics::undeclared::spread;

/// Writes the rows of one query.
pub(crate) struct RowText {
    /// `"name":` and the type.
    columns: Vec<(Vec<u8>, DataType)>,
    /// The column whose members are the record's own.
    undeclared: Option<usize>,
}

impl RowText {
    /// For rows that begin with these columns.
    pub(crate) fn new(columns: &[(String, DataType)]) -> Self {
        let key = |(name, data_type): &(String, DataType)| {
            let mut key = Vec::new();
            convert::write_string(&mut key, name.as_bytes());
            key.push(b':');
            (key, *data_type)
        };
        Self {
            columns: columns.iter().map(key).collect(),
            undeclared: columns.iter().position(|(name, _)| name == ADDITIONAL),
        }
    }

    /// Appends a row. A value that does not have its column's type is written as it is.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, row: &Row<'_>) -> rusqlite::Result<()> {
        let start = out.len();
        out.push(b'{');
        for (at, (key, data_type)) in self.columns.iter().enumerate() {
            let value = row.get_ref(at)?;
            if self.undeclared == Some(at) {
                let is_done = match value {
                    ValueRef::Null => true,
                    ValueRef::Text(text) => spread(out, text),
                    _ => false,
                };
                if is_done {
                    continue;
                }
            }
            if out.len() > start + 1 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            write_value(out, value, *data_type);
        }
        out.push(b'}');
        Ok(())
    }
}

fn write_value(out: &mut Vec<u8>, value: ValueRef<'_>, data_type: DataType) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"null"),
        ValueRef::Integer(value @ (0 | 1)) if data_type == DataType::Boolean => {
            let text: &[u8] = if value == 1 { b"true" } else { b"false" };
            out.extend_from_slice(text);
        }
        ValueRef::Integer(value) => {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        ValueRef::Real(value) if value.is_finite() => {
            out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        }
        // JSON has no infinity; as text it is not lost.
        ValueRef::Real(value) => convert::write_string(out, value.to_string().as_bytes()),
        ValueRef::Text(text) if data_type == DataType::Json && is_json(text) => {
            // A record is one line.
            out.extend(
                text.iter()
                    .map(|b| if matches!(b, b'\n' | b'\r') { b' ' } else { *b }),
            );
        }
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => convert::write_string(out, text.as_bytes()),
            Err(_) => {
                convert::write_string(out, String::from_utf8_lossy(text).as_bytes());
            }
        },
        ValueRef::Blob(bytes) => {
            out.push(b'"');
            convert::write_base64(out, bytes);
            out.push(b'"');
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_type() {
        let check = |value: ValueRef<'_>, data_type, expected: &str| {
            let mut out = Vec::new();
            write_value(&mut out, value, data_type);
            assert_eq!(std::str::from_utf8(&out).unwrap(), expected);
        };
        use DataType::{Boolean, Integer, Json, String};
        check(ValueRef::Integer(1), Boolean, "true");
        check(ValueRef::Integer(7), Boolean, "7");
        check(ValueRef::Integer(i64::MIN), Integer, "-9223372036854775808");
        check(ValueRef::Real(2.0), Integer, "2.0");
        check(ValueRef::Real(f64::INFINITY), Integer, "\"inf\"");
        check(ValueRef::Text(b"{\"a\":\n1.50}"), Json, "{\"a\": 1.50}");
        check(ValueRef::Text(b"{broken"), Json, "\"{broken\"");
        check(ValueRef::Text(b"1"), String, "\"1\"");
        check(ValueRef::Text(b"\xff\""), String, "\"\u{fffd}\\\"\"");
        check(ValueRef::Blob(b"foo"), String, "\"Zm9v\"");
        check(ValueRef::Null, Json, "null");
    }
}
