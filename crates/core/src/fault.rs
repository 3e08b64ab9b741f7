//! What is wrong with foreign bytes (P11).

use std::fmt;

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    what: std::borrow::Cow<'static, str>,
}

impl Fault {
    /// `what` is wrong, in lower case and without a full stop.
    #[must_use]
    pub fn new(what: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}
