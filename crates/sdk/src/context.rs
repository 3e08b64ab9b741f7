//! What a source is told beside its configuration.

use std::sync::{Arc, Mutex, PoisonError};

use crossdock_core::event::LogLevel;
use crossdock_core::session::{Note, Session};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::Value;

/// The surroundings of one use of a connector. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    session: Session,
    config: Arc<Mutex<Value>>,
}

impl Context {
    /// For tests, and for whoever calls a [`StreamSource`](crate::StreamSource) by himself. `config` is the
    /// configuration as it was given.
    #[must_use]
    pub fn new(session: Session, config: Value) -> Self {
        let config = Arc::new(Mutex::new(config));
        Self { session, config }
    }

    /// Whom to tell, and limits.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Asks the platform to keep another value of a setting from now on, such as a refresh token that took the place
    /// of the one before. `setting` is a JSON pointer, e.g. `/credentials/refresh_token`; objects on the way that are
    /// not there are made. Airbyte and Crossdock keep it; Conduit and DataFlow have no way to, and log that.
    pub fn replace(&self, setting: &str, value: impl Into<Value>) {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        *place(&mut config, setting) = value.into();
        self.session.note(Note::NewConfig(config.clone()));
    }

    /// Says something to who runs the connector. No secrets.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.session.log(level, message.into());
    }
}

impl std::fmt::Debug for Context {
    // The configuration has secrets in it (P10).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
}

fn place<'a>(mut value: &'a mut Value, pointer: &str) -> &'a mut Value {
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        if !value.is_object() {
            *value = Value::Object(serde_json::Map::new());
        }
        value = &mut value[name];
    }
    value
}

/// A configuration, and as what it was given.
pub(crate) struct Given<C> {
    pub(crate) config: C,
    pub(crate) raw: Value,
}

impl<'de, C: DeserializeOwned> Deserialize<'de> for Given<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let config = C::deserialize(&raw).map_err(D::Error::custom)?;
        Ok(Self { config, raw })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_setting_is_replaced_where_it_stands() {
        let mut config = json!({"auth": {"token": "a", "id": 1}, "a/b": 2});
        *place(&mut config, "/auth/token") = "b".into();
        *place(&mut config, "/a~1b") = 3.into();
        *place(&mut config, "/new/deep") = true.into();
        let expected = json!({"auth": {"token": "b", "id": 1}, "a/b": 3, "new": {"deep": true}});
        assert_eq!(config, expected);
    }
}
