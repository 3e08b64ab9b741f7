//! What changed in a stream's columns between two runs. Pure.

use crossdock_core::schema::StreamSchema;
use serde::Serialize;
use serde_json::Value;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SchemaChange {
    /// A field that was not there.
    Added {
        /// The field.
        field: String,
        /// Its type.
        to: &'static str,
    },
    /// A field that is gone.
    Removed {
        /// The field.
        field: String,
        /// The type that it had.
        from: &'static str,
    },
    /// A field of another type.
    Changed {
        /// The field.
        field: String,
        /// The type that it had.
        from: &'static str,
        /// Its type.
        to: &'static str,
    },
}

/// What is different in `now`, in its order, then what is gone.
#[must_use]
pub fn changes(before: &Value, now: &Value) -> Vec<SchemaChange> {
    let (before, now) = (
        StreamSchema::from_json_schema(before),
        StreamSchema::from_json_schema(now),
    );
    let find = |schema: &StreamSchema, name: &str| {
        let field = schema.fields.iter().find(|f| f.name == name);
        field.map(|field| field.data_type)
    };
    let mut changes = Vec::new();
    for field in &now.fields {
        let to = field.data_type.as_str();
        let name = field.name.clone();
        match find(&before, &field.name) {
            None => changes.push(SchemaChange::Added { field: name, to }),
            Some(from) if from != field.data_type => changes.push(SchemaChange::Changed {
                field: name,
                from: from.as_str(),
                to,
            }),
            Some(_) => {}
        }
    }
    for field in &before.fields {
        if find(&now, &field.name).is_none() {
            changes.push(SchemaChange::Removed {
                field: field.name.clone(),
                from: field.data_type.as_str(),
            });
        }
    }
    changes
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
                    to: "boolean"
                },
                SchemaChange::Changed {
                    field: "n".into(),
                    from: "integer",
                    to: "number"
                },
                SchemaChange::Removed {
                    field: "old".into(),
                    from: "string"
                },
            ]
        );
        assert_eq!(changes(&now, &now), []);
    }
}
