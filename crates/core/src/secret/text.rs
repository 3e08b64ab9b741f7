//! A text that is never shown.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::MASK;

/// A secret setting, such as a password. It cannot be printed, written out or compared by accident (P10): whoever
/// needs it [exposes](Self::expose) it. In the configuration's schema it is a string marked `airbyte_secret`, by which
/// every platform masks it.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret from elsewhere than the configuration, e.g. a token that was asked for.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Keep it out of messages, logs and states.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "airbyte_secret": true})
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::secret_values;
    use super::*;
    use crate::config_schema::config_schema;

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Login {
        /// Who.
        user: String,
        /// Ask the operator for it.
        password: Secret,
        token: Option<Secret>,
    }

    #[test]
    fn a_secret_marks_itself_and_is_not_shown() {
        let schema = config_schema::<Login>();
        let config = json!({"user": "ada", "password": "hunter22", "token": "abcdef"});
        assert_eq!(secret_values(&schema, &config), ["hunter22", "abcdef"]);
        let password = &schema["properties"]["password"];
        assert_eq!(password["description"], "Ask the operator for it.");
        let login: Login = serde_json::from_value(config).expect("a login");
        assert_eq!(login.password.expose(), "hunter22");
        assert_eq!(login.token.as_ref().map(Secret::expose), Some("abcdef"));
        let shown = format!("{login:?}");
        assert!(shown.contains(&login.user), "{shown}");
        assert!(
            !shown.contains("hunter22") && !shown.contains("abcdef"),
            "{shown}"
        );
    }
}
