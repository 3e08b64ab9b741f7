//! JSON text to Avro's binary form, by any schema: what [`Schema::write_json`] writes, and what else a JSON
//! value says of a type.

use crossdock_core::convert::decode_base64;
use serde_json::Value;

use crate::schema::{Logical, Schema, Type};
use crate::varint::{write_varint, zigzag};
use crossdock_core::fault::Fault;

/// Values nested deeper than this are refused (P11).
const DEEPEST: usize = 128;

impl Schema {
    /// Appends the binary form of a JSON text.
    ///
    /// # Errors
    /// If the value is not of this schema.
    pub fn write_binary(&self, text: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let value: Value = serde_json::from_slice(text)
            .map_err(|cause| Fault::new(format!("the value is no JSON: {cause}")))?;
        self.put(self.root(), &value, out, 0)
    }

    fn put(
        &self,
        place: usize,
        value: &Value,
        out: &mut Vec<u8>,
        depth: usize,
    ) -> Result<(), Fault> {
        if depth > DEEPEST {
            return Err(Fault::new("an Avro value is nested too deeply"));
        }
        let node = self.node(place);
        let unfit = |what: &str| Fault::new(format!("{} is no {what}", shown(value)));
        let long = |out: &mut Vec<u8>, number: i64| write_varint(out, zigzag(number));
        match (&node.kind, node.logical) {
            (
                _,
                Some(
                    Logical::Timestamp(_)
                    | Logical::LocalTimestamp(_)
                    | Logical::Date
                    | Logical::TimeMillis
                    | Logical::TimeMicros
                    | Logical::Decimal(_),
                ),
            ) if value.is_string() => {
                return Err(unfit(
                    "number, and only numbers are written as moments, days and decimals",
                ));
            }
            (Type::Null, _) if value.is_null() => {}
            (Type::Null, _) => return Err(unfit("null")),
            (Type::Boolean, _) => {
                out.push(u8::from(value.as_bool().ok_or_else(|| unfit("boolean"))?))
            }
            (Type::Int, _) => {
                let number = whole(value).and_then(|number| i32::try_from(number).ok());
                long(
                    out,
                    number
                        .ok_or_else(|| unfit("whole number of 32 bits"))?
                        .into(),
                );
            }
            (Type::Long, _) => long(
                out,
                whole(value).ok_or_else(|| unfit("whole number of 64 bits"))?,
            ),
            #[expect(clippy::cast_possible_truncation, reason = "the schema wants it")]
            (Type::Float, _) => {
                let number = value.as_f64().ok_or_else(|| unfit("number"))?;
                out.extend_from_slice(&(number as f32).to_le_bytes());
            }
            (Type::Double, _) => {
                let number = value.as_f64().ok_or_else(|| unfit("number"))?;
                out.extend_from_slice(&number.to_le_bytes());
            }
            (Type::Bytes, _) => {
                let bytes = bytes(value).ok_or_else(|| unfit("base64"))?;
                long(out, bytes.len() as i64);
                out.extend_from_slice(&bytes);
            }
            (Type::String, _) => {
                let text = value.as_str().ok_or_else(|| unfit("text"))?;
                long(out, text.len() as i64);
                out.extend_from_slice(text.as_bytes());
            }
            (Type::Fixed(size), _) => {
                let bytes = bytes(value).filter(|bytes| bytes.len() == *size);
                out.extend_from_slice(&bytes.ok_or_else(|| unfit("base64 of the right length"))?);
            }
            (Type::Enum(symbols), _) => {
                let at = symbols
                    .iter()
                    .position(|symbol| Some(symbol.as_str()) == value.as_str());
                long(out, at.ok_or_else(|| unfit("symbol of the enum"))? as i64);
            }
            (Type::Record(fields), _) => {
                let members = value.as_object().ok_or_else(|| unfit("object"))?;
                if let Some(name) = members
                    .keys()
                    .find(|name| !fields.iter().any(|(own, _)| own == *name))
                {
                    return Err(Fault::new(format!("the schema has no field `{name}`")));
                }
                for (name, place) in fields {
                    let member = members.get(name).unwrap_or(&Value::Null);
                    self.put(*place, member, out, depth + 1)
                        .map_err(|fault| Fault::new(format!("the field `{name}`: {fault}")))?;
                }
            }
            (Type::Array(element), _) => {
                let items = value.as_array().ok_or_else(|| unfit("list"))?;
                if !items.is_empty() {
                    long(out, items.len() as i64);
                    for item in items {
                        self.put(*element, item, out, depth + 1)?;
                    }
                }
                out.push(0);
            }
            (Type::Map(element), _) => {
                let members = value.as_object().ok_or_else(|| unfit("object"))?;
                if !members.is_empty() {
                    long(out, members.len() as i64);
                    for (name, member) in members {
                        long(out, name.len() as i64);
                        out.extend_from_slice(name.as_bytes());
                        self.put(*element, member, out, depth + 1)?;
                    }
                }
                out.push(0);
            }
            (Type::Union(branches), _) => {
                // The first that takes it.
                let start = out.len();
                for (at, branch) in branches.iter().enumerate() {
                    long(out, at as i64);
                    if self.put(*branch, value, out, depth + 1).is_ok() {
                        return Ok(());
                    }
                    out.truncate(start);
                }
                return Err(unfit("branch of the union"));
            }
        }
        Ok(())
    }
}

fn shown(value: &Value) -> String {
    let text: String = value.to_string().chars().take(40).collect();
    format!("`{text}`")
}

/// A whole number, also if written as `5.0`.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let number = value.as_f64()?;
        let fits = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        fits.then_some(number as i64)
    })
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    decode_base64(value.as_str()?.as_bytes(), &mut bytes).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SCHEMA: &str = r#"{"type":"record","name":"r","fields":[
        {"name":"l","type":"long"},{"name":"d","type":"double"},{"name":"b","type":"boolean"},
        {"name":"s","type":["null","string"]},{"name":"y","type":"bytes"},
        {"name":"e","type":{"type":"enum","name":"e","symbols":["A","B"]}},
        {"name":"a","type":{"type":"array","items":"int"}},
        {"name":"m","type":{"type":"map","values":"string"}}]}"#;

    proptest! {
        #[test]
        fn what_is_written_is_read(l in any::<i64>(), d in -1e9..1e9f64, b in any::<bool>(), s in proptest::option::of(".*"), y in proptest::collection::vec(any::<u8>(), 0..9), a in proptest::collection::vec(any::<i32>(), 0..4), m in proptest::collection::btree_map(".{0,4}", ".{0,4}", 0..4)) {
            let schema = Schema::parse(SCHEMA.as_bytes()).unwrap();
            let mut base64 = Vec::new();
            crossdock_core::convert::write_base64(&mut base64, &y);
            let base64 = String::from_utf8(base64).unwrap();
            let value = serde_json::json!({"l": l, "d": d, "b": b, "s": s, "y": base64, "e": "B", "a": a, "m": m});
            let (mut binary, mut text) = (Vec::new(), Vec::new());
            schema.write_binary(value.to_string().as_bytes(), &mut binary).unwrap();
            schema.write_json(&binary, &mut text).unwrap();
            let back: Value = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(&back["l"], &value["l"]);
            prop_assert_eq!(back["d"].as_f64(), value["d"].as_f64());
            for name in ["b", "s", "y", "e", "a", "m"] {
                prop_assert_eq!(&back[name], &value[name]);
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let check = |schema: &str, value: &str, expected: &str| {
            let schema = Schema::parse(schema.as_bytes()).unwrap();
            let fault = schema
                .write_binary(value.as_bytes(), &mut Vec::new())
                .unwrap_err();
            assert_eq!(fault.to_string(), expected);
        };
        check(
            "\"int\"",
            "3000000000",
            "`3000000000` is no whole number of 32 bits",
        );
        check("\"long\"", "\"x\"", "`\"x\"` is no whole number of 64 bits");
        check(
            r#"["null","long"]"#,
            "true",
            "`true` is no branch of the union",
        );
        let record = r#"{"type":"record","name":"r","fields":[{"name":"a","type":"long"}]}"#;
        check(record, r#"{"b":1}"#, "the schema has no field `b`");
        check(
            record,
            "{}",
            "the field `a`: `null` is no whole number of 64 bits",
        );
    }
}
