//! A record's position as a checkpoint's state.
//!
//! Bytes that are UTF-8 are a JSON string, so that a person can read them in `crossdock state`; others
//! are `{"base64": "…"}`. Either way every byte comes back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock_core::json::Json;
use serde_json::{Value, json};

use crossdock_core::fault::Fault;

/// The state of a position.
#[must_use]
pub fn state(position: &[u8]) -> Json {
    let value = match std::str::from_utf8(position) {
        Ok(text) => Value::from(text),
        Err(_) => json!({"base64": STANDARD.encode(position)}),
    };
    Json::from_value(&value)
}

/// The position of a state; a state `null` is the beginning, which is the empty position.
///
/// # Errors
/// If the state is none of a Conduit source.
pub fn position(state: &Json) -> Result<Vec<u8>, Fault> {
    let no_position = || Fault::new("it is not a position of a Conduit source");
    match state.to_value().map_err(|_| no_position())? {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text.into_bytes()),
        Value::Object(members) => {
            let text = members.get("base64").and_then(Value::as_str);
            let bytes = text.and_then(|text| STANDARD.decode(text).ok());
            bytes.ok_or_else(no_position)
        }
        _ => Err(no_position()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        let check = |bytes: &[u8], text: &str| {
            let state = state(bytes);
            assert_eq!(state.to_string(), text);
            assert_eq!(position(&state).as_deref(), Ok(bytes));
        };
        check(b"12", r#""12""#);
        check(br#"{"a":1}"#, r#""{\"a\":1}""#);
        check(b"\xff\0", r#"{"base64":"/wA="}"#);
        check(b"\0", r#""\u0000""#);
        check(b"", r#""""#);
        assert_eq!(position(&Json::null()).as_deref(), Ok(&b""[..]));
        for strange in [
            json!(1),
            json!({}),
            json!({"base64": 1}),
            json!({"base64": "*"}),
        ] {
            assert!(position(&Json::from_value(&strange)).is_err(), "{strange}");
        }
    }
}
