//! What a request says, apart from who sends it.

use reqwest::{Method, Url};
use serde_json::Value;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// Below the client's base.
    Path(String),
    /// Where a server says.
    Address(Url),
}

/// What a request says.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    /// Whether it may be sent again after a failure.
    pub(super) repeatable: bool,
}

impl Parts {
    pub(super) fn new(method: Method, target: Target) -> Self {
        Self {
            // Sending those twice changes nothing (RFC 9110, 9.2.2).
            repeatable: method.is_idempotent(),
            method,
            target,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }
}
