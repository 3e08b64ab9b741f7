//! The one line that every command prints with `--json`.

use crossdock_core::Error;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// What the line says.
#[derive(Serialize)]
struct Envelope<'a> {
    ok: bool,
    command: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a RawValue>,
}

/// The line, without its end. A failure may have data beside it: what was done before.
pub(crate) fn line(command: &str, error: Option<&Error>, data: Option<&RawValue>) -> String {
    let envelope = Envelope {
        ok: error.is_none(),
        command,
        error: error.map(error_value),
        data,
    };
    // Maps with text keys and checked JSON texts always serialise.
    serde_json::to_string(&envelope).unwrap_or_else(|_| r#"{"ok":false}"#.to_owned())
}

/// An error for a program.
pub(crate) fn error_value(error: &Error) -> Value {
    let mut value = json!({
        "code": error.code().name,
        "kind": error.kind().as_str(),
        "message": error.message(),
        "operation": error.operation(),
        "context": context(error),
        "causes": error.causes(),
        "hint": error.remedy(),
    });
    if let (Some(wait), Value::Object(map)) = (error.retry_after(), &mut value) {
        map.insert("retry_after_seconds".to_owned(), wait.as_secs().into());
    }
    value
}

/// A key that stands there several times becomes a list.
fn context(error: &Error) -> Map<String, Value> {
    let mut map = Map::new();
    for (key, value) in error.context() {
        let value = Value::from(value.as_str());
        match map.get_mut(*key) {
            None => {
                map.insert((*key).to_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossdock_core::code;

    #[test]
    fn success_and_failure() {
        let digits = RawValue::from_string("{\"n\":123456789012345678901234567890}".into());
        assert_eq!(
            line("state export", None, digits.ok().as_deref()),
            r#"{"ok":true,"command":"state export","data":{"n":123456789012345678901234567890}}"#
        );
        let error = Error::new(&code::CONFIG_INVALID, "one")
            .with("file", "p.yaml:1:2")
            .with("also", "two")
            .with("also", "three");
        assert_eq!(
            line("run", Some(&error), None),
            concat!(
                r#"{"ok":false,"command":"run","error":{"code":"config.invalid","kind":"config","#,
                r#""message":"one","operation":null,"context":{"file":"p.yaml:1:2","#,
                r#""also":["two","three"]},"causes":[],"hint":"correct the value at the place named"}}"#
            )
        );
    }
}
