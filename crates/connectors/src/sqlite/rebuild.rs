//! Values of a column whose type was widened (see [`crate::semantics::evolution`]), as a function
//! that SQL can call while a table is copied.

use crossdock_core::convert;
use crossdock_core::schema::DataType;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};

use super::column_type;

/// The function's name: `crossdock_widen(value, declared type, wanted type)`.
pub(crate) const WIDEN: &str = "crossdock_widen";

/// Makes the function known to a connection.
pub(crate) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function(WIDEN, 3, flags, |context| {
        let from = column_type::parse(context.get_raw(1).as_str()?);
        let to = column_type::parse(context.get_raw(2).as_str()?);
        Ok(widened(context.get_raw(0), from, to))
    })
}

/// The value as the wider type writes it. What the column should not have held stays as it is.
fn widened(value: ValueRef<'_>, from: DataType, to: DataType) -> Value {
    let text = |bytes: Vec<u8>| Value::Text(String::from_utf8_lossy(&bytes).into_owned());
    match (value, to) {
        (ValueRef::Integer(value), DataType::Number) => Value::Real(value as f64),
        (ValueRef::Integer(value), DataType::String) if from == DataType::Boolean => {
            Value::Text(if value == 0 { "false" } else { "true" }.to_owned())
        }
        (ValueRef::Integer(value), DataType::String) => Value::Text(value.to_string()),
        (ValueRef::Real(value), DataType::String) if value.is_finite() => {
            Value::Text(zmij::Buffer::new().format_finite(value).to_owned())
        }
        (ValueRef::Blob(bytes), DataType::String) => {
            let mut out = Vec::new();
            convert::write_base64(&mut out, bytes);
            text(out)
        }
        (
            ValueRef::Text(day),
            DataType::TimestampWithTimezone | DataType::TimestampWithoutTimezone,
        ) if from == DataType::Date => {
            let zone: &[u8] = if to == DataType::TimestampWithTimezone {
                b"Z"
            } else {
                b""
            };
            let (day, era) = match day.strip_suffix(b" BC") {
                Some(day) => (day, &b" BC"[..]),
                None => (day, &b""[..]),
            };
            text([day, b"T00:00:00.000000", zone, era].concat())
        }
        (value, _) => value.try_into().unwrap_or(Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_widened_columns() {
        use DataType::{
            Binary, Boolean, Date, Integer, Number, String, TimestampWithTimezone,
            TimestampWithoutTimezone,
        };
        let check = |value: Value, from, to, expected: Value| {
            assert_eq!(widened(ValueRef::from(&value), from, to), expected);
        };
        let text = |text: &str| Value::Text(text.to_owned());
        check(Value::Integer(3), Integer, Number, Value::Real(3.0));
        check(
            Value::Integer(i64::MAX),
            Integer,
            String,
            text("9223372036854775807"),
        );
        check(Value::Integer(1), Boolean, String, text("true"));
        check(Value::Real(0.1), Number, String, text("0.1"));
        check(Value::Blob(vec![1, 2]), Binary, String, text("AQI="));
        check(
            text("2021-01-23"),
            Date,
            TimestampWithTimezone,
            text("2021-01-23T00:00:00.000000Z"),
        );
        check(
            text("0044-03-15 BC"),
            Date,
            TimestampWithoutTimezone,
            text("0044-03-15T00:00:00.000000 BC"),
        );
        check(Value::Null, Integer, String, Value::Null);
        check(text("x"), Integer, Number, text("x"));
    }
}
