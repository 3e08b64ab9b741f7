//! What changed in a stream's columns between two runs. Pure.

use std::borrow::Cow;
use std::fmt;

use crossdock_core::schema::{Field, Nested, StreamSchema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SchemaChange {
    /// A field that was not there.
    Added {
        /// The field.
        field: String,
        /// Its type.
        to: Cow<'static, str>,
    },
    /// A field that is gone.
    Removed {
        /// The field.
        field: String,
        /// The type that it had.
        from: Cow<'static, str>,
    },
    /// A field of another type.
    Changed {
        /// The field.
        field: String,
        /// The type that it had.
        from: Cow<'static, str>,
        /// Its type.
        to: Cow<'static, str>,
    },
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { field, to } => write!(f, "+ {field}: {to}"),
            Self::Removed { field, from } => write!(f, "- {field}: {from}"),
            Self::Changed { field, from, to } => write!(f, "~ {field}: {from} → {to}"),
        }
    }
}

/// What is different in `now`, in its order, then what is gone. Fields of objects and of the elements
/// of arrays are told by their path, as in `address.zip`; what comes or goes with the object it is in
/// is not told again.
#[must_use]
pub fn changes(before: &Value, now: &Value) -> Vec<SchemaChange> {
    let (before, now) = (
        StreamSchema::nested_from_json_schema(before),
        StreamSchema::nested_from_json_schema(now),
    );
    let mut changes = Vec::new();
    compare("", &before.fields, &now.fields, &mut changes);
    changes
}

fn compare(path: &str, before: &[Field], now: &[Field], changes: &mut Vec<SchemaChange>) {
    let find = |fields: &'_ [Field], name: &str| fields.iter().position(|f| f.name == name);
    for field in now {
        let name = format!("{path}{}", field.name);
        let to = Cow::from(field.data_type.as_str());
        let Some(earlier) = find(before, &field.name).map(|at| &before[at]) else {
            changes.push(SchemaChange::Added { field: name, to });
            continue;
        };
        if earlier.data_type != field.data_type {
            let from = Cow::from(earlier.data_type.as_str());
            changes.push(SchemaChange::Changed {
                field: name,
                from,
                to,
            });
            continue;
        }
        let (earlier, later) = (parts(earlier), parts(field));
        compare(&format!("{name}."), earlier, later, changes);
    }
    for field in before
        .iter()
        .filter(|field| find(now, &field.name).is_none())
    {
        changes.push(SchemaChange::Removed {
            field: format!("{path}{}", field.name),
            from: field.data_type.as_str().into(),
        });
    }
}

/// The members of an object; an array has its one element.
fn parts(field: &Field) -> &[Field] {
    match &field.nested {
        None => &[],
        Some(Nested::Struct(members)) => members,
        Some(Nested::List(element)) => std::slice::from_ref(element),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_come_go_and_change() {
        let before = json!({"properties": {
            "id": {"type": "integer"}, "old": {"type": "string"}, "n": {"type": ["null", "integer"]}
        }});
        let now = json!({"properties": {
            "new": {"type": "boolean"}, "n": {"type": "number"}, "id": {"type": ["integer", "null"]}
        }});
        assert_eq!(
            changes(&before, &now),
            [
                SchemaChange::Added {
                    field: "new".into(),
                    to: "boolean".into()
                },
                SchemaChange::Changed {
                    field: "n".into(),
                    from: "integer".into(),
                    to: "number".into()
                },
                SchemaChange::Removed {
                    field: "old".into(),
                    from: "string".into()
                },
            ]
        );
        assert_eq!(changes(&now, &now), []);
    }

    #[test]
    fn parts_are_told_by_their_path() {
        let schema = |zip: &str, tag: &str| {
            json!({"properties": {"address": {"type": "object", "properties": {
                "city": {"type": "string"}, "zip": {"type": zip},
                "tags": {"type": "array", "items": {"type": tag}}}}}})
        };
        let change = |field: &str, from: &'static str, to: &'static str| {
            let (field, from, to) = (field.to_owned(), from.into(), to.into());
            SchemaChange::Changed { field, from, to }
        };
        assert_eq!(
            changes(&schema("integer", "string"), &schema("string", "number")),
            [
                change("address.zip", "integer", "string"),
                change("address.tags.element", "string", "number"),
            ]
        );
    }
}
