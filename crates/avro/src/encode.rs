//! Rows to Avro's binary form, by the columns that their stream declares. Every field may be null.
//!
//! A record that does not fit what is declared is not encoded at all: the caller sends it in another
//! form, and nothing is changed in silence.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock_core::json::scan::{self, Members};
use crossdock_core::schema::{DataType, Field, Nested};
use serde_json::{Value, json};

use crate::number::is_exact;
use crate::varint::write_varint;

/// Encodes the records of one stream.
#[derive(Clone, Debug)]
pub struct RowEncoder {
    root: Shape,
    schema: String,
}

#[derive(Clone, Debug)]
enum Shape {
    Boolean,
    Long,
    Double,
    Text,
    Bytes,
    Date,
    Timestamp,
    Record {
        fields: Vec<Shape>,
        places: HashMap<String, usize>,
    },
    Array(Box<Shape>),
}

impl RowEncoder {
    /// For these columns. `None` if they cannot be an Avro schema: for a name that Avro does not allow, or
    /// a column of which no type is declared. (A union of all types would do, but connectors hand such a
    /// union on as it is wrapped.)
    #[must_use]
    pub fn new(columns: &[Field]) -> Option<Self> {
        let (root, schema) = record(columns, "record")?;
        Some(Self {
            root,
            schema: schema.to_string(),
        })
    }

    /// The schema in its JSON form.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Appends the encoded object. `false`, with `out` as it was, if it does not fit the columns.
    pub fn encode(&self, object: &[u8], out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let fits = encode(&self.root, object, out).is_some();
        if !fits {
            out.truncate(start);
        }
        fits
    }
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn record(columns: &[Field], path: &str) -> Option<(Shape, Value)> {
    let (mut fields, mut places, mut described) = (Vec::new(), HashMap::new(), Vec::new());
    for column in columns {
        if !is_name(&column.name) {
            return None;
        }
        let (shape, schema) = shape(column, &format!("{path}.{}", column.name))?;
        places.insert(column.name.clone(), fields.len());
        described.push(json!({"name": column.name, "type": ["null", schema]}));
        fields.push(shape);
    }
    let schema = json!({"type": "record", "name": path, "fields": described});
    Some((Shape::Record { fields, places }, schema))
}

fn shape(column: &Field, path: &str) -> Option<(Shape, Value)> {
    match &column.nested {
        Some(Nested::Struct(members)) => return record(members, path),
        Some(Nested::List(element)) => {
            let (shape, schema) = shape(element, path)?;
            let array = json!({"type": "array", "items": ["null", schema]});
            return Some((Shape::Array(Box::new(shape)), array));
        }
        None => {}
    }
    Some(match column.data_type {
        DataType::Boolean => (Shape::Boolean, json!("boolean")),
        DataType::Integer => (Shape::Long, json!("long")),
        DataType::Number => (Shape::Double, json!("double")),
        DataType::Binary => (Shape::Bytes, json!("bytes")),
        DataType::Date => (Shape::Date, json!({"type": "int", "logicalType": "date"})),
        DataType::TimestampWithTimezone => (
            Shape::Timestamp,
            json!({"type": "long", "logicalType": "timestamp-micros"}),
        ),
        DataType::Json => return None,
        DataType::String
        | DataType::TimestampWithoutTimezone
        | DataType::TimeWithTimezone
        | DataType::TimeWithoutTimezone => (Shape::Text, json!("string")),
    })
}

fn write_long(out: &mut Vec<u8>, number: i64) {
    write_varint(out, (number << 1 ^ number >> 63) as u64);
}

fn write_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    write_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

/// A value that may be null: which of the two, then the value.
fn nullable(shape: &Shape, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if text == b"null" {
        out.push(0);
        return Some(());
    }
    out.push(2);
    encode(shape, text, out)
}

fn encode(shape: &Shape, text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let number = || std::str::from_utf8(text).ok();
    match shape {
        Shape::Boolean => out.push(match text {
            b"true" => 1,
            b"false" => 0,
            _ => return None,
        }),
        Shape::Long => write_long(out, number()?.parse().ok()?),
        Shape::Double => {
            let text = number()?;
            let value: f64 = text.parse().ok()?;
            let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if !is_number || !is_exact(text, value) {
                return None;
            }
            out.extend_from_slice(&value.to_le_bytes());
        }
        Shape::Text => write_sized(out, scan::unquote(text)?.as_bytes()),
        Shape::Bytes => write_sized(out, &STANDARD.decode(scan::unquote(text)?.as_bytes()).ok()?),
        Shape::Date => {
            let date: jiff::civil::Date = scan::unquote(text)?.parse().ok()?;
            let days = date - jiff::civil::Date::constant(1970, 1, 1);
            write_long(out, i64::from(days.get_days()));
        }
        Shape::Timestamp => {
            let moment: jiff::Timestamp = scan::unquote(text)?.parse().ok()?;
            if moment.subsec_nanosecond() % 1_000 != 0 {
                return None;
            }
            write_long(out, moment.as_microsecond());
        }
        Shape::Record { fields, places } => {
            let mut found = vec![None; fields.len()];
            let mut members = Members::new(text, 0).ok()?;
            while let Some(member) = members.next().ok()? {
                let name = scan::unquote(&text[member.key_start - 1..=member.key_end])?;
                let place = places.get(&*name)?;
                found[*place] = Some(member.value(text));
            }
            for (shape, value) in fields.iter().zip(found) {
                nullable(shape, value.unwrap_or(b"null"), out)?;
            }
        }
        Shape::Array(element) => {
            let elements = elements(text)?;
            write_blocks(out, elements.len());
            for range in &elements {
                nullable(element, &text[range.clone()], out)?;
            }
            end_blocks(out, elements.len());
        }
    }
    Some(())
}

/// Where the elements of an array stand.
fn elements(text: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    if text.first() != Some(&b'[') {
        return None;
    }
    let mut elements = Vec::new();
    let mut at = scan::skip_space(text, 1);
    while text.get(at)? != &b']' {
        let end = scan::skip_value(text, at).ok()?;
        elements.push(at..end);
        at = scan::skip_space(text, end);
        if text.get(at)? == &b',' {
            at = scan::skip_space(text, at + 1);
        }
    }
    Some(elements)
}

/// Items come in one block, led by their number; a number 0 is the end.
fn write_blocks(out: &mut Vec<u8>, count: usize) {
    write_long(out, count as i64);
}

fn end_blocks(out: &mut Vec<u8>, count: usize) {
    if count > 0 {
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Schema;
    use crossdock_core::schema::StreamSchema;

    fn encoder() -> RowEncoder {
        let schema = json!({"properties": {
            "id": {"type": "integer"}, "name": {"type": ["null", "string"]}, "ok": {"type": "boolean"},
            "price": {"type": "number"}, "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
            "key": {"type": "string", "contentEncoding": "base64"},
            "home": {"type": "object", "properties": {"zip": {"type": "integer"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
        }});
        RowEncoder::new(&StreamSchema::nested_from_json_schema(&schema).fields).unwrap()
    }

    #[test]
    fn what_fits_goes_there_and_back() {
        let encoder = encoder();
        let schema = Schema::parse(encoder.schema().as_bytes()).unwrap();
        let full = r#"{"id":9223372036854775807,"name":"ä\"","ok":true,"price":0.1,"day":"1969-12-31","at":"2023-11-14T22:13:20.123456Z","key":"/wA=","home":{"zip":7},"tags":["a",null]}"#;
        let empty = r#"{"id":null,"name":null,"ok":null,"price":null,"day":null,"at":null,"key":null,"home":null,"tags":null}"#;
        let check = |text: &str, expected: &str| {
            let mut encoded = Vec::new();
            assert!(encoder.encode(text.as_bytes(), &mut encoded), "{text}");
            let mut decoded = Vec::new();
            schema.write_json(&encoded, &mut decoded).unwrap();
            assert_eq!(String::from_utf8(decoded).unwrap(), expected);
        };
        check(full, full);
        check("{}", empty);
        check(
            r#" { "tags" : [ ] } "#,
            &empty.replace(r#""tags":null"#, r#""tags":[]"#),
        );
    }

    #[test]
    fn what_does_not_fit_is_left_alone() {
        let encoder = encoder();
        let texts = [
            r#"{"other":1}"#,
            r#"{"id":"1"}"#,
            r#"{"id":9223372036854775808}"#,
            r#"{"price":9007199254740993}"#,
            r#"{"price":NaN}"#,
            r#"{"day":"soon"}"#,
            r#"{"at":"2023-11-14T22:13:20.123456789Z"}"#,
            r#"{"key":"*"}"#,
            r#"{"home":{"zap":1}}"#,
            r#"{"tags":{}}"#,
            r#"{"name":1}"#,
            "[]",
            "{",
        ];
        for text in texts {
            let mut out = b"kept".to_vec();
            assert!(!encoder.encode(text.as_bytes(), &mut out), "{text}");
            assert_eq!(out, b"kept");
        }
        let unknown = json!({"properties": {"any": {}}});
        assert!(RowEncoder::new(&StreamSchema::nested_from_json_schema(&unknown).fields).is_none());
        let odd = json!({"properties": {"a-b": {"type": "string"}}});
        assert!(RowEncoder::new(&StreamSchema::nested_from_json_schema(&odd).fields).is_none());
    }
}
