//! The client: one for all requests of a connector.

use std::sync::{Arc, Once};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use crossdock_core::error::{Error, Result};
use crossdock_core::event::LogLevel;
use crossdock_core::secret::Secret;
use crossdock_core::session::Session;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{StatusCode, Url};

use super::auth::Auth;
use super::parts::{Parts, Target};
use super::rate_limit::RateLimit;
use super::response::{Response, told};
use super::retry::Retry;
use super::retry_after::retry_after;
use crate::failure;

/// So much of a body of failure is told.
const EXCERPT: usize = 300;

/// A chain of redirections is no longer than this.
const REDIRECTIONS: usize = 10;

/// Why an attempt failed.
struct Failed {
    /// What the server answered, if it did.
    status: Option<StatusCode>,
    error: Error,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self {
            status: None,
            error,
        }
    }
}

/// Sends requests to one server. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: reqwest::Client,
    base: Url,
    auth: Auth,
    headers: Vec<(String, String)>,
    retry: Retry,
    limit: Option<RateLimit>,
    longest_body: usize,
    session: Session,
}

/// What an [`HttpClient`] is made of.
#[derive(Debug)]
#[must_use]
pub struct HttpClientBuilder {
    base: String,
    auth: Auth,
    headers: Vec<(String, String)>,
    retry: Retry,
    limit: Option<(u32, Duration)>,
    timeout: Duration,
    longest_body: usize,
}

impl HttpClientBuilder {
    /// The credentials.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// A header for each request, e.g. the version of the API.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// When requests are sent again.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// At most so many requests in each `time`.
    pub fn rate_limit(mut self, requests: u32, time: Duration) -> Self {
        self.limit = Some((requests, time));
        self
    }

    /// How long a response may be silent; 60 seconds if this is not said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long a body may be, in bytes; 256 MiB if this is not said (P7).
    pub fn longest_body(mut self, bytes: usize) -> Self {
        self.longest_body = bytes;
        self
    }

    /// The client. Waits are told to `session`.
    ///
    /// # Errors
    /// `config.invalid` if the address is none.
    pub fn build(self, session: &Session) -> Result<HttpClient> {
        let mut base = Url::parse(&self.base).map_err(|cause| {
            failure::config(format!("`{}` is no address of a server", self.base))
                .caused_by(cause)
                .hint("write it whole, e.g. `https://api.example.com/v1`")
        })?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(failure::config(format!(
                "`{}` is neither http nor https",
                self.base
            )));
        }
        // What is joined to it goes below it.
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        with_crypto();
        let origin = base.origin();
        let client = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(30))
            .read_timeout(self.timeout)
            .redirect(Policy::custom(move |attempt| {
                // Elsewhere, credentials in a header of the API's own would go along.
                if attempt.url().origin() != origin {
                    return attempt.stop();
                }
                if attempt.previous().len() > REDIRECTIONS {
                    return attempt.error("too many redirections");
                }
                attempt.follow()
            }))
            .user_agent(concat!("crossdock-sdk/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|cause| failure::failed("the HTTP client cannot be made").caused_by(cause))?;
        Ok(HttpClient(Arc::new(Inner {
            client,
            base,
            auth: self.auth,
            headers: self.headers,
            retry: self.retry,
            limit: self
                .limit
                .map(|(requests, time)| RateLimit::new(requests, time)),
            longest_body: self.longest_body,
            session: session.clone(),
        })))
    }
}

/// Chooses the cryptography, once for the process.
fn with_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // If somebody chose already, that counts.
        let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    });
}

impl HttpClient {
    /// A client for this server: the address that all paths are below.
    pub fn builder(base: impl Into<String>) -> HttpClientBuilder {
        HttpClientBuilder {
            base: base.into(),
            auth: Auth::None,
            headers: Vec::new(),
            retry: Retry::default(),
            limit: None,
            timeout: Duration::from_secs(60),
            longest_body: 256 << 20,
        }
    }

    fn url(&self, target: &Target) -> Result<Url> {
        let base = &self.0.base;
        let url = match target {
            Target::Address(url) => url.clone(),
            Target::Path(path) => base.join(path.trim_start_matches('/')).map_err(|cause| {
                failure::failed(format!("`{path}` is no path")).caused_by(cause)
            })?,
        };
        if url.origin() != base.origin() {
            let message = "an address of another server is not followed, since the credentials are not for it";
            return Err(failure::failed(message)
                .with("server", base.origin().ascii_serialization())
                .with("other", url.origin().ascii_serialization()));
        }
        Ok(url)
    }

    pub(super) async fn send(&self, request: &Parts) -> Result<Response> {
        let url = self.url(&request.target)?;
        let from = told(&url);
        let mut attempt = 0;
        let mut renewed = false;
        let mut anew = false;
        loop {
            attempt += 1;
            if let Some(limit) = &self.0.limit {
                limit.turn().await;
            }
            let asked = async {
                let token = self.token(std::mem::take(&mut anew)).await?;
                self.once(request, url.clone(), &from, token.as_ref()).await
            };
            let Failed { status, error } = match asked.await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            // A token may end before its time.
            if status == Some(StatusCode::UNAUTHORIZED) && self.has_tokens() && !renewed {
                (renewed, anew) = (true, true);
                continue;
            }
            let pause = self.0.retry.pause(attempt, &error, fastrand::f64());
            match pause.filter(|_| request.repeatable) {
                Some(pause) => {
                    self.say(&error, pause);
                    tokio::time::sleep(pause).await;
                }
                None if attempt > 1 => return Err(error.with("attempts", attempt)),
                None => return Err(error),
            }
        }
    }

    fn has_tokens(&self) -> bool {
        matches!(self.0.auth, Auth::OAuth2(_))
    }

    async fn token(&self, anew: bool) -> Result<Option<Secret>> {
        match &self.0.auth {
            Auth::OAuth2(oauth2) => Ok(Some(oauth2.token(&self.0.client, anew).await?)),
            _ => Ok(None),
        }
    }

    /// One attempt.
    async fn once(
        &self,
        request: &Parts,
        url: Url,
        from: &str,
        token: Option<&Secret>,
    ) -> std::result::Result<Response, Failed> {
        let mut builder = self.0.client.request(request.method.clone(), url);
        builder = builder.header(ACCEPT, "application/json");
        for (name, value) in self.0.headers.iter().chain(&request.headers) {
            builder = builder.header(name, value);
        }
        if !request.query.is_empty() {
            builder = builder.query(&request.query);
        }
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        let mut sent = builder.build().map_err(|cause| {
            failure::failed("the request cannot be made").caused_by(cause.without_url())
        })?;
        self.0.auth.sign(&mut sent, token)?;
        let lost = |cause: reqwest::Error| {
            // The address may have a secret in it (P10).
            failure::transient("the server could not be asked")
                .with("url", from)
                .caused_by(cause.without_url())
        };
        let mut response = self.0.client.execute(sent).await.map_err(lost)?;
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > self.0.longest_body {
                let error = failure::data("a response is longer than is allowed")
                    .with("url", from)
                    .with("bytes", self.0.longest_body);
                return Err(error.into());
            }
            body.extend_from_slice(&chunk);
        }
        let response = Response {
            status: response.status(),
            headers: response.headers().clone(),
            body: body.freeze(),
            url: response.url().clone(),
        };
        if response.status.is_success() {
            return Ok(response);
        }
        Err(Failed {
            status: Some(response.status),
            error: refusal(&response),
        })
    }

    fn say(&self, error: &Error, pause: Duration) {
        let level = LogLevel::Warn;
        let message = format!(
            "{}; the next attempt is in {:.1} s",
            error.in_one_line(),
            pause.as_secs_f64()
        );
        self.0.session.log(level, message);
    }
}

/// What a status of failure means.
fn refusal(response: &Response) -> Error {
    let status = response.status;
    let says = format!("the server answered {status}");
    let error = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => failure::auth(says),
        StatusCode::TOO_MANY_REQUESTS => {
            failure::failed(says).with_kind(crossdock_core::ErrorKind::RateLimited)
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => failure::transient(says),
        status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
            failure::transient(says)
        }
        _ => failure::failed(says),
    };
    let asked = response.header(RETRY_AFTER.as_str());
    let error = match asked.and_then(|value| retry_after(value, Timestamp::now())) {
        Some(pause) => error.after(pause),
        None => error,
    };
    let error = error.with("url", told(&response.url));
    match excerpt(&response.body) {
        text if text.is_empty() => error,
        text => error.with("body", text),
    }
}

/// The beginning of a body, on one line.
fn excerpt(body: &Bytes) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{} …", &words[..end]),
        None => words,
    }
}
