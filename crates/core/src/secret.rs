//! Keeping secrets out of sight (P10): which values of a configuration are secret, and a mask that
//! replaces them wherever they turn up.

mod text;

pub use text::Secret;

use std::borrow::Cow;

use serde_json::Value;

/// What stands where a secret stood.
pub const MASK: &str = "****";

/// Values shorter than this are not searched for in texts: they would mask half of every line.
const SHORTEST: usize = 4;

/// Replaces known secret values in texts. Cheap where none occurs.
#[derive(Clone, Default)]
pub struct Masker {
    /// Longest first, so that a secret that contains another is replaced whole.
    secrets: Vec<String>,
}

impl Masker {
    /// A mask for these values. Each is also searched for as it looks inside a JSON string.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = String>) -> Self {
        let mut secrets = Vec::new();
        for value in values {
            for line in value.lines().chain([value.as_str()]) {
                if line.len() < SHORTEST {
                    continue;
                }
                let quoted = Value::from(line).to_string();
                let escaped = quoted[1..quoted.len() - 1].to_owned();
                secrets.push(line.to_owned());
                secrets.push(escaped);
            }
        }
        secrets.sort_by_key(|s| std::cmp::Reverse(s.len()));
        secrets.dedup();
        Self { secrets }
    }

    /// A mask for the values of `config` that `schema` marks with `airbyte_secret`.
    #[must_use]
    pub fn for_config(schema: &Value, config: &Value) -> Self {
        Self::new(secret_values(schema, config))
    }

    /// A mask for the values of `config` whose names say that they are secret ([`is_secret_name`]), for what has no mark
    /// of its own for them.
    #[must_use]
    pub fn by_name(config: &Value) -> Self {
        let mut found = Vec::new();
        by_name(config, &mut found);
        Self::new(found)
    }

    /// A mask for the values of both.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self::new(self.secrets.iter().chain(&other.secrets).cloned())
    }

    /// The text without secrets.
    #[must_use]
    pub fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = Cow::Owned(text.replace(secret.as_str(), MASK));
            }
        }
        text
    }

    /// A copy of `config` in which every secret value is replaced, wherever it stands.
    #[must_use]
    pub fn mask_value(&self, config: &Value) -> Value {
        match config {
            Value::String(text) => Value::String(self.mask(text).into_owned()),
            Value::Array(items) => items.iter().map(|v| self.mask_value(v)).collect(),
            Value::Object(map) => map
                .iter()
                .map(|(key, value)| (key.clone(), self.mask_value(value)))
                .collect(),
            other => other.clone(),
        }
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Masker({} secrets)", self.secrets.len())
    }
}

/// The keyword of a schema that does not know the names in a configuration: `true` makes those values secret
/// whose names say that they are ([`is_secret_name`]).
pub const SECRETS_BY_NAME: &str = "crossdock_secrets_by_name";

/// The values in `config` that `schema` marks as secret, through `properties`, `items`, `oneOf`,
/// `anyOf` and `allOf`: every alternative is looked at, since it may not be known which one applies.
#[must_use]
pub fn secret_values(schema: &Value, config: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(schema, config, &mut found);
    found
}

fn collect(schema: &Value, config: &Value, found: &mut Vec<String>) {
    if schema.get("airbyte_secret") == Some(&Value::Bool(true)) {
        leaves(config, found);
        return;
    }
    if schema.get(SECRETS_BY_NAME) == Some(&Value::Bool(true)) {
        by_name(config, found);
    }
    for keyword in ["oneOf", "anyOf", "allOf"] {
        for alternative in schema
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            collect(alternative, config, found);
        }
    }
    match config {
        Value::Object(map) => {
            for (key, value) in map {
                if let Some(property) = schema.get("properties").and_then(|p| p.get(key)) {
                    collect(property, value, found);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item_schema) = schema.get("items") {
                for item in items {
                    collect(item_schema, item, found);
                }
            }
        }
        _ => {}
    }
}

fn by_name(config: &Value, found: &mut Vec<String>) {
    match config {
        Value::Object(map) => {
            for (name, value) in map {
                if is_secret_name(name) {
                    leaves(value, found);
                } else {
                    by_name(value, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| by_name(item, found)),
        _ => {}
    }
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Number(number) => found.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|v| leaves(v, found)),
        Value::Object(map) => map.values().for_each(|v| leaves(v, found)),
        Value::Bool(_) | Value::Null => {}
    }
}

/// Whether the setting of this name most likely holds a secret: for protocols that have no mark for them,
/// and an address may have a password in it (P10).
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 11] = [
        "password",
        "passwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "accesskey",
        "privatekey",
        "credential",
        "connectionstring",
        "sasl.jaas",
    ];
    let name = name.to_ascii_lowercase();
    let compact = name.replace(['-', '.'], "");
    let last = name.rsplit('.').next().unwrap_or_default();
    PARTS
        .iter()
        .any(|part| name.contains(part) || compact.contains(part))
        || ["url", "uri", "dsn", "key"].contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_value_under_a_secret_name_is_masked() {
        let config = json!({"tokens": ["first-one", "other-one"], "auth": {"password": "s3cret"}, "a.key": "a-key"});
        let masker = Masker::by_name(&config);
        let masked = masker.mask("first-one, then other-one, s3cret and a-key");
        assert_eq!(masked, format!("{MASK}, then {MASK}, {MASK} and {MASK}"));
    }

    #[test]
    fn secrets_are_found_in_every_alternative_and_masked_escaped_too() {
        let schema = json!({"properties": {
            "auth": {"oneOf": [
                {"properties": {"token": {"type": "string", "airbyte_secret": true}}},
                {"properties": {"password": {"type": "string", "airbyte_secret": true}}}]},
            "keys": {"items": {"airbyte_secret": true}}}});
        let config = json!({"auth": {"password": "p\"ss word"}, "keys": ["abcdef"], "x": "open"});
        let masker = Masker::for_config(&schema, &config);
        assert_eq!(masker.mask("got abcdef"), "got ****");
        assert_eq!(
            masker.mask(r#"{"password":"p\"ss word"}"#),
            r#"{"password":"****"}"#
        );
        assert_eq!(masker.mask_value(&config)["x"], "open");
        assert_eq!(masker.mask_value(&config)["auth"]["password"], "****");
    }

    #[test]
    fn secrets_are_found_by_their_names_where_the_schema_says_so() {
        let config = json!({"a": "x", "sasl": {"password": "p", "mechanism": "plain"},
            "list": [{"token": ["t1", "t2"]}]});
        let mut found = secret_values(&json!({SECRETS_BY_NAME: true}), &config);
        found.sort();
        assert_eq!(found, ["p", "t1", "t2"].map(str::to_owned));
        assert!(secret_values(&json!({"type": "object"}), &config).is_empty());
    }

    #[test]
    fn names_of_secrets_are_known() {
        let check = |name, secret| assert_eq!(is_secret_name(name), secret, "{name}");
        for name in [
            "password",
            "sasl.password",
            "aws.secretAccessKey",
            "apiKey",
            "db.url",
            "authToken",
            "aws.accessKeyId",
        ] {
            check(name, true);
        }
        for name in [
            "table",
            "tables",
            "path",
            "sdk.batch.size",
            "keyColumns",
            "format.options.id",
        ] {
            check(name, false);
        }
    }
}
