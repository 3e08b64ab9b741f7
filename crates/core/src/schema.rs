//! A stream's columns, read from its JSON Schema by the rules of Airbyte §1.9.

mod nested;

pub use nested::Nested;
use serde_json::{Value, json};

/// The type of a column, as destinations see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// Text.
    String,
    /// Bytes; base64 text in JSON.
    Binary,
    /// True or false.
    Boolean,
    /// A whole number; 64 bits signed in columns.
    Integer,
    /// Any number; a double in columns.
    Number,
    /// A day; days since 1970-01-01 in columns.
    Date,
    /// A moment with a zone; microseconds UTC in columns.
    TimestampWithTimezone,
    /// A moment without a zone; microseconds in columns.
    TimestampWithoutTimezone,
    /// A time of day with a zone: kept as text.
    TimeWithTimezone,
    /// A time of day; microseconds in columns.
    TimeWithoutTimezone,
    /// Arrays, objects, unions, unknown: kept as JSON text.
    Json,
}

impl DataType {
    /// The name that people are shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Binary => "binary",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Date => "date",
            Self::TimestampWithTimezone => "timestamp with time zone",
            Self::TimestampWithoutTimezone => "timestamp without time zone",
            Self::TimeWithTimezone => "time with time zone",
            Self::TimeWithoutTimezone => "time without time zone",
            Self::Json => "json",
        }
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The top-level property's name.
    pub name: String,
    /// Its type. Every field may be null: schemas lie (§6, 21).
    pub data_type: DataType,
    /// What is inside, if that was asked for and is declared; then the type is [`DataType::Json`].
    pub nested: Option<Nested>,
}

impl Field {
    /// A field without parts.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            nested: None,
        }
    }
}

/// A stream's columns in the order of the schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamSchema {
    /// The columns.
    pub fields: Vec<Field>,
}

impl StreamSchema {
    /// The columns that a stream's `json_schema` declares; unknown shapes become [`DataType::Json`].
    #[must_use]
    pub fn from_json_schema(schema: &Value) -> Self {
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties
            .into_iter()
            .flatten()
            .map(|(name, property)| Field::new(name.as_str(), data_type(property)))
            .collect();
        Self { fields }
    }

    /// The same with the parts of objects and arrays, where the schema declares them: for
    /// destinations that have structs and lists.
    #[must_use]
    pub fn nested_from_json_schema(schema: &Value) -> Self {
        Self {
            fields: nested::fields(schema, 0),
        }
    }
}

/// A property's schema that declares this type, and that it may be null: what [`data_type`] reads.
#[must_use]
pub fn json_schema(data_type: DataType) -> Value {
    let text = |format: &str, airbyte_type: &str| json!({"type": ["null", "string"], "format": format, "airbyte_type": airbyte_type});
    match data_type {
        DataType::String => json!({"type": ["null", "string"]}),
        DataType::Binary => json!({"type": ["null", "string"], "contentEncoding": "base64"}),
        DataType::Boolean => json!({"type": ["null", "boolean"]}),
        DataType::Integer => json!({"type": ["null", "integer"]}),
        DataType::Number => json!({"type": ["null", "number"]}),
        DataType::Date => json!({"type": ["null", "string"], "format": "date"}),
        DataType::TimestampWithTimezone => text("date-time", "timestamp_with_timezone"),
        DataType::TimestampWithoutTimezone => text("date-time", "timestamp_without_timezone"),
        DataType::TimeWithTimezone => text("time", "time_with_timezone"),
        DataType::TimeWithoutTimezone => text("time", "time_without_timezone"),
        DataType::Json => json!({"type": ["null", "object", "array"]}),
    }
}

/// The type that a property's schema declares.
#[must_use]
pub fn data_type(property: &Value) -> DataType {
    let text = |key: &str| property.get(key).and_then(Value::as_str);
    if let Some(reference) = text("$ref") {
        return well_known(reference);
    }
    let mut types: Vec<&str> = match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    types.retain(|t| *t != "null");
    let airbyte_type = text("airbyte_type");
    match (types.as_slice(), airbyte_type) {
        (_, Some("json")) => DataType::Json,
        (["string"], Some("big_integer")) => DataType::String,
        (["string"], _) if text("contentEncoding") == Some("base64") => DataType::Binary,
        (["string"], _) => match (text("format"), airbyte_type) {
            (Some("date"), _) => DataType::Date,
            (_, Some("timestamp_without_timezone")) => DataType::TimestampWithoutTimezone,
            (_, Some("timestamp_with_timezone")) | (Some("date-time"), _) => {
                DataType::TimestampWithTimezone
            }
            (_, Some("time_without_timezone")) => DataType::TimeWithoutTimezone,
            (_, Some("time_with_timezone")) | (Some("time"), _) => DataType::TimeWithTimezone,
            _ => DataType::String,
        },
        (["boolean"], _) => DataType::Boolean,
        (["integer"], _) | (["number"], Some("integer")) => DataType::Integer,
        (["number"], _) | (["integer", "number"] | ["number", "integer"], _) => DataType::Number,
        _ => DataType::Json,
    }
}

/// The abandoned v1 dialect: accepted, never emitted.
fn well_known(reference: &str) -> DataType {
    match reference.rsplit('/').next() {
        Some("String" | "Number" | "Integer") => DataType::String,
        Some("BinaryData") => DataType::Binary,
        Some("Date") => DataType::Date,
        Some("TimestampWithTimezone") => DataType::TimestampWithTimezone,
        Some("TimestampWithoutTimezone") => DataType::TimestampWithoutTimezone,
        Some("TimeWithTimezone") => DataType::TimeWithTimezone,
        Some("TimeWithoutTimezone") => DataType::TimeWithoutTimezone,
        Some("Boolean") => DataType::Boolean,
        _ => DataType::Json,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_declared_so_that_it_reads_back() {
        for data_type in [
            DataType::String,
            DataType::Binary,
            DataType::Boolean,
            DataType::Integer,
            DataType::Number,
            DataType::Date,
            DataType::TimestampWithTimezone,
            DataType::TimestampWithoutTimezone,
            DataType::TimeWithTimezone,
            DataType::TimeWithoutTimezone,
            DataType::Json,
        ] {
            assert_eq!(super::data_type(&json_schema(data_type)), data_type);
        }
    }

    #[test]
    fn every_row_of_the_type_table() {
        let check = |schema: &str, expected: DataType| {
            let schema: Value = serde_json::from_str(schema).unwrap();
            assert_eq!(data_type(&schema), expected, "{schema}");
        };
        check(r#"{"type":"string"}"#, DataType::String);
        check(r#"{"type":["null","string"]}"#, DataType::String);
        check(
            r#"{"type":"string","contentEncoding":"base64"}"#,
            DataType::Binary,
        );
        check(r#"{"type":"boolean"}"#, DataType::Boolean);
        check(r#"{"type":"string","format":"date"}"#, DataType::Date);
        check(
            r#"{"type":"string","format":"date-time","airbyte_type":"timestamp_without_timezone"}"#,
            DataType::TimestampWithoutTimezone,
        );
        check(
            r#"{"type":"string","format":"date-time"}"#,
            DataType::TimestampWithTimezone,
        );
        check(
            r#"{"type":"string","format":"time","airbyte_type":"time_without_timezone"}"#,
            DataType::TimeWithoutTimezone,
        );
        check(
            r#"{"type":"string","format":"time","airbyte_type":"time_with_timezone"}"#,
            DataType::TimeWithTimezone,
        );
        check(r#"{"type":["integer","null"]}"#, DataType::Integer);
        check(
            r#"{"type":"number","airbyte_type":"integer"}"#,
            DataType::Integer,
        );
        check(
            r#"{"type":"string","airbyte_type":"big_integer"}"#,
            DataType::String,
        );
        check(r#"{"type":"number"}"#, DataType::Number);
        check(
            r#"{"type":"array","items":{"type":"string"}}"#,
            DataType::Json,
        );
        check(r#"{"type":"object"}"#, DataType::Json);
        check(r#"{"oneOf":[{"type":"string"}]}"#, DataType::Json);
        check(r#"{"type":["string","integer"]}"#, DataType::Json);
        check(r#"{"type":"string","airbyte_type":"json"}"#, DataType::Json);
        check(r#"{}"#, DataType::Json);
        check(
            r##"{"$ref":"WellKnownTypes.json#/definitions/Date"}"##,
            DataType::Date,
        );
    }
}
