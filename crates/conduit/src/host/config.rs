//! A configuration as the protocol has it: a flat map of texts (§5.3).

use std::collections::BTreeMap;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use serde_json::Value;

/// The texts of a configuration by their names. Objects are taken apart, so that `a: {b: 1}` is the
/// same as `a.b: 1`; lists of plain values are joined by commas.
///
/// # Errors
/// `config.invalid` for a list of anything else, and for a name that is given twice.
pub fn flat(config: &Value) -> Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    match config {
        Value::Null => {}
        Value::Object(members) => {
            for (name, value) in members {
                add(name, value, &mut texts)?;
            }
        }
        _ => {
            return Err(Error::new(
                &code::CONFIG_INVALID,
                "the configuration is not a map",
            ));
        }
    }
    Ok(texts)
}

fn add(name: &str, value: &Value, texts: &mut BTreeMap<String, String>) -> Result<()> {
    let text = match value {
        Value::Object(members) => {
            for (part, value) in members {
                add(&format!("{name}.{part}"), value, texts)?;
            }
            return Ok(());
        }
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(plain).collect();
            items.map(|items| items.join(","))
        }
        other => plain(other),
    };
    let text = text.ok_or_else(|| {
        Error::new(
            &code::CONFIG_INVALID,
            format!("`{name}` is a list of something other than plain values"),
        )
        .with("pointer", format!("/{name}"))
    })?;
    if texts.insert(name.to_owned(), text).is_some() {
        let error = Error::new(&code::CONFIG_INVALID, format!("`{name}` is given twice"));
        return Err(error.with("pointer", format!("/{name}")));
    }
    Ok(())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_become_texts() {
        let config = json!({"a.b": 1, "c": {"d": true, "e": {"f": "x"}}, "g": null, "h": ["x", 2], "i": 1.5});
        let expected = [
            ("a.b", "1"),
            ("c.d", "true"),
            ("c.e.f", "x"),
            ("g", ""),
            ("h", "x,2"),
            ("i", "1.5"),
        ];
        let expected = expected.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_eq!(flat(&config).unwrap(), BTreeMap::from(expected));
        assert_eq!(flat(&Value::Null).unwrap(), BTreeMap::new());
        for wrong in [
            json!([1]),
            json!({"a": [{}]}),
            json!({"a.b": 1, "a": {"b": 2}}),
        ] {
            assert_eq!(
                flat(&wrong).unwrap_err().code().name,
                "config.invalid",
                "{wrong}"
            );
        }
    }
}
