//! A request that can be sent more than once.

use reqwest::{Method, Url};
use serde::Serialize;
use serde_json::Value;

use crossdock_core::error::Result;

use super::client::HttpClient;
use super::paging::{Pages, Paging};
use super::response::Response;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// Below the client's base.
    Path(String),
    /// Where a server says.
    Address(Url),
}

/// A request, made by [`HttpClient::get`] and the like.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    pub(super) client: HttpClient,
    pub(super) method: Method,
    pub(super) target: Target,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) repeatable: bool,
}

impl Request {
    pub(super) fn new(client: &HttpClient, method: Method, target: Target) -> Self {
        Self {
            client: client.clone(),
            // Sending those twice changes nothing (RFC 9110, 9.2.2).
            repeatable: method.is_idempotent(),
            method,
            target,
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds a parameter to the address.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a parameter of the address, whatever it was before.
    pub fn set_query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.retain(|(own, _)| own != name);
        self.query(name, value)
    }

    /// Adds a header. No credentials: those are the client's.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sends this as JSON. A value that JSON cannot have is sent as `null`.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_value(body).unwrap_or_default());
        self
    }

    /// Says that it may be sent again after a failure though its method does not say so, e.g. a `POST` that only asks.
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Sends it, again if that may help, and gives a response of success.
    ///
    /// # Errors
    /// `auth` for 401 and 403, `rate_limited` for 429, `transient` for what passes, else `connector.failed`; with the
    /// status, the address without its parameters, and the beginning of the body.
    pub async fn send(&self) -> Result<Response> {
        self.client.send(self).await
    }

    /// Sends it for the first page, and then for the others.
    pub fn pages(self, paging: Paging) -> Pages {
        Pages::new(self, paging)
    }
}
