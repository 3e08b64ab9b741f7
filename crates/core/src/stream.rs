//! A stream's identity.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names a stream: a name and, where the source has them, a namespace (e.g. a database schema).
/// Any UTF-8 text is legal in both. Cloning is cheap. Serialises as Airbyte's stream descriptor;
/// a `null` namespace reads as none and is never written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId {
    /// The stream's name as in the catalog.
    pub name: Arc<str>,
    /// The namespace, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Arc<str>>,
}

impl StreamId {
    /// A stream without a namespace.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            namespace: None,
        }
    }

    /// A stream in a namespace.
    #[must_use]
    pub fn with_namespace(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            namespace: Some(namespace.into()),
        }
    }
}

/// `namespace.name`, or the bare name: for people only, never parsed back.
impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
