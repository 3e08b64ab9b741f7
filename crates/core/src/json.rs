//! JSON as text: kept as the bytes it came in, parsed only by who needs to look inside.

pub mod scan;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::code;
use crate::error::{Error, Result};

/// One JSON value as its text. Numbers keep all their digits since nothing was parsed.
/// Equality is equality of the text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Json(Bytes);

impl Json {
    /// Takes the text of one JSON value on trust: the caller has scanned it.
    #[must_use]
    pub fn from_scanned(text: Bytes) -> Self {
        Self(text)
    }

    /// Checks that `text` is one JSON value.
    pub fn parse_text(text: impl Into<Bytes>) -> Result<Self> {
        let text = text.into();
        serde_json::from_slice::<&RawValue>(&text)
            .map_err(|e| Error::new(&code::DATA_INVALID, "not a JSON value").caused_by(e))?;
        Ok(Self(text))
    }

    /// The text of `value`.
    #[must_use]
    pub fn from_value(value: &serde_json::Value) -> Self {
        Self(Bytes::from(value.to_string()))
    }

    /// The value `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(Bytes::from_static(b"null"))
    }

    /// Whether this is the value `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.as_ref().trim_ascii() == b"null"
    }

    /// The text.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The parsed value. Integers outside 64 bits become floats here: use it for configuration and
    /// states that are compared, never for record data.
    pub fn to_value(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.0)
            .map_err(|e| Error::new(&code::DATA_INVALID, "not a JSON value").caused_by(e))
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(200)];
        f.write_str(&String::from_utf8_lossy(shown))
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = String::from_utf8(self.0.to_vec()).map_err(serde::ser::Error::custom)?;
        RawValue::from_string(text)
            .map_err(serde::ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(Bytes::from(raw.get().to_owned())))
    }
}
