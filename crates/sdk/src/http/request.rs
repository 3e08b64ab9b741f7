//! A request that can be sent more than once.

use crossdock_core::error::Result;
use reqwest::Method;
use serde::Serialize;

use super::client::HttpClient;
use super::parts::{Parts, Target};
use super::response::Response;

impl HttpClient {
    /// A `GET` of this path below the base.
    pub fn get(&self, path: impl Into<String>) -> Request {
        self.request(Method::GET, path)
    }

    /// A `POST`. It is sent once, unless it is said to be [repeatable](Request::repeatable).
    pub fn post(&self, path: impl Into<String>) -> Request {
        self.request(Method::POST, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: impl Into<String>) -> Request {
        Request {
            client: self.clone(),
            parts: Parts::new(method, Target::Path(path.into())),
        }
    }
}

/// A request, made by [`HttpClient::get`] and the like.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    client: HttpClient,
    pub(super) parts: Parts,
}

impl Request {
    /// Adds a parameter to the address.
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.parts.query.push((name.into(), value.to_string()));
        self
    }

    /// Sets a parameter of the address, whatever it was before.
    pub fn set_query(mut self, name: &str, value: impl ToString) -> Self {
        self.parts.query.retain(|(own, _)| own != name);
        self.query(name, value)
    }

    /// Adds a header. No credentials: those are the client's.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.parts.headers.push((name.into(), value.into()));
        self
    }

    /// Sends this as JSON. A value that JSON cannot have is sent as `null`.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.parts.body = Some(serde_json::to_value(body).unwrap_or_default());
        self
    }

    /// Says that it may be sent again after a failure though its method does not say so, e.g. a `POST` that only asks.
    pub fn repeatable(mut self) -> Self {
        self.parts.repeatable = true;
        self
    }

    /// Sends it, again if that may help, and gives a response of success.
    ///
    /// # Errors
    /// `auth` for 401 and 403, `rate_limited` for 429, `transient` for what passes, else `connector.failed`; with the
    /// status, the address without its parameters, and the beginning of the body.
    pub async fn send(&self) -> Result<Response> {
        self.client.send(&self.parts).await
    }
}
