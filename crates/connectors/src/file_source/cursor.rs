//! Reading only records that are as new as the newest of the run before, or newer (`cursor`): for
//! files that are written again as a whole. Pure.

use std::cmp::Ordering;

use crossdock_core::batch::{Body, Columns};
use crossdock_core::code;
use crossdock_core::convert;
use crossdock_core::error::{Error, Result};
use crossdock_core::json::scan::{Members, unquote};
use jiff::civil;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far a stream's cursor is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The field.
    pub(crate) field: String,
    /// Records below it are left out: the greatest value of the runs before.
    pub(crate) from: Option<Value>,
    /// The greatest value so far, which the next run begins from.
    pub(crate) greatest: Option<Value>,
}

impl Cursor {
    /// Whether the record belongs to what is read. One without a value of the field does: it cannot
    /// be told to be old.
    pub(crate) fn takes(&mut self, record: &[u8]) -> bool {
        let Some(value) = member(record, &self.field) else {
            return true;
        };
        if self.from.as_ref().is_some_and(|from| is_less(&value, from)) {
            return false;
        }
        if self
            .greatest
            .as_ref()
            .is_none_or(|greatest| is_less(greatest, &value))
        {
            self.greatest = Some(value);
        }
        true
    }

    /// Leaves out of a batch what does not belong to what is read.
    pub(crate) fn sift(&mut self, body: Body) -> Result<Body> {
        let texts = match &body {
            Body::Rows(rows) => rows.clone(),
            Body::Columns(columns) => {
                let Ok(at) = columns.values.schema().index_of(&self.field) else {
                    return Ok(body);
                };
                let one = columns.values.project(&[at]).map_err(|cause| {
                    Error::new(&code::INTERNAL, "could not look at the cursor").caused_by(cause)
                })?;
                let only = Columns {
                    values: one,
                    ..columns.clone()
                };
                convert::columns_to_rows(&only, None)?
            }
        };
        let rows = u32::try_from(texts.len()).unwrap_or(u32::MAX);
        let taken = (0..rows).filter(|row| self.takes(texts.after(*row as usize)));
        let taken: Vec<u32> = taken.collect();
        if taken.len() == texts.len() {
            return Ok(body);
        }
        body.select(&taken)
    }

    /// The stream was read to its end.
    pub(crate) fn complete(&mut self) {
        self.from.clone_from(&self.greatest);
    }
}

/// The value of a member, unless it is null, an array or an object.
fn member(record: &[u8], field: &str) -> Option<Value> {
    let mut members = Members::new(record, 0).ok()?;
    while let Ok(Some(member)) = members.next() {
        let quoted = &record[member.key_start - 1..=member.key_end];
        if unquote(quoted).is_some_and(|name| name == field) {
            let value: Value = serde_json::from_slice(member.value(record)).ok()?;
            return Some(value).filter(|v| v.is_string() || v.is_number() || v.is_boolean());
        }
    }
    None
}

/// Numbers by their size, times by the moment that they name, other texts letter by letter; what
/// cannot be compared is not less.
fn is_less(one: &Value, other: &Value) -> bool {
    let order = match (one, other) {
        (Value::Number(one), Value::Number(other)) => match (one.as_i64(), other.as_i64()) {
            (Some(one), Some(other)) => Some(one.cmp(&other)),
            _ => one.as_f64().partial_cmp(&other.as_f64()),
        },
        (Value::String(one), Value::String(other)) => Some(compared(one, other)),
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        _ => None,
    };
    order == Some(Ordering::Less)
}

/// `…05Z` is before `…05.5Z`, which the letters do not say.
fn compared(one: &str, other: &str) -> Ordering {
    let may_be_time = |text: &str| text.as_bytes().get(10) == Some(&b'T');
    if !(may_be_time(one) && may_be_time(other)) {
        return one.cmp(other);
    }
    let moments = (
        one.parse::<jiff::Timestamp>(),
        other.parse::<jiff::Timestamp>(),
    );
    if let (Ok(one), Ok(other)) = moments {
        return one.cmp(&other);
    }
    match (
        one.parse::<civil::DateTime>(),
        other.parse::<civil::DateTime>(),
    ) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_records_are_left_out_from_the_next_run_on() {
        let mut cursor = Cursor {
            field: "at".to_owned(),
            ..Cursor::default()
        };
        let takes = |cursor: &mut Cursor, expected: &[(&str, bool)]| {
            for (record, taken) in expected {
                assert_eq!(cursor.takes(record.as_bytes()), *taken, "{record}");
            }
            cursor.complete();
        };
        let first = [
            (r#"{"at":9}"#, true),
            (r#"{"at":10}"#, true),
            (r#"{"at":2}"#, true),
            (r#"{"x":1}"#, true),
        ];
        takes(&mut cursor, &first);
        let second = [
            (r#"{"at":9}"#, false),
            (r#"{"at":10}"#, true),
            (r#"{"at":10.5}"#, true),
            (r#"{"at":null}"#, true),
            (r#"{"at":"text"}"#, true),
        ];
        takes(&mut cursor, &second);
        assert_eq!(cursor.from, Some(serde_json::json!(10.5)));
        let mut texts = Cursor {
            from: Some("2026-01-02".into()),
            ..cursor
        };
        let third = [
            (r#"{"at":"2026-01-01"}"#, false),
            (r#"{"at":"2026-01-02"}"#, true),
            (r#"{"at":"2026-01-10"}"#, true),
        ];
        takes(&mut texts, &third);
    }

    #[test]
    fn times_are_compared_as_moments() {
        let check = |one: &str, other: &str, expected: Ordering| {
            assert_eq!(compared(one, other), expected, "{one} {other}");
            assert_eq!(compared(other, one), expected.reverse(), "{other} {one}");
        };
        check(
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.5Z",
            Ordering::Less,
        );
        check(
            "2026-01-02T03:04:05+02:00",
            "2026-01-02T03:04:05Z",
            Ordering::Less,
        );
        check(
            "2026-01-02T03:04:05Z",
            "2026-01-02T05:04:05+02:00",
            Ordering::Equal,
        );
        check(
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.000001",
            Ordering::Less,
        );
        check("2026-01-02", "2026-01-10", Ordering::Less);
        check("text", "2026-01-02T03:04:05Z", Ordering::Greater);
    }
}
