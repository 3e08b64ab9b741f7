//! Sends a request to a collector over HTTP.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::HOST;
use hyper::http::uri::Scheme;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

/// The longest answer that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// An HTTP client that works from any thread, since spans are sent by one that knows no runtime.
#[derive(Clone)]
pub(super) struct Post {
    runtime: Handle,
    patience: Duration,
    failure: Arc<Mutex<Option<String>>>,
}

impl Default for Post {
    fn default() -> Self {
        let names = [
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "OTEL_EXPORTER_OTLP_TIMEOUT",
        ];
        let mut set = names
            .iter()
            .filter_map(|name| std::env::var(name).ok()?.parse().ok());
        Self {
            runtime: Handle::current(),
            patience: Duration::from_millis(set.next().unwrap_or(10_000)),
            failure: Arc::default(),
        }
    }
}

impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").finish_non_exhaustive()
    }
}

impl Post {
    /// Why the last request that failed did.
    pub(super) fn failure(&self) -> Option<String> {
        let failure = self.failure.lock();
        failure.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, reason: &str) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        *failure = Some(reason.to_owned());
    }
}

#[async_trait]
impl HttpClient for Post {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let place = request.uri().to_string();
        let patience = self.patience;
        let sent = async move { tokio::time::timeout(patience, send(request)).await };
        let answer = match self.runtime.spawn(sent).await? {
            Ok(answer) => answer,
            Err(_) => Err("no answer in time".into()),
        };
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.note(&format!("{place} answered {}", answer.status())),
            Err(error) => self.note(&format!("{place}: {error}")),
        }
        answer
    }
}

async fn send(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let uri = request.uri().clone();
    if uri.scheme() != Some(&Scheme::HTTP) {
        return Err("only `http://` is spoken; a collector beside us can go on by TLS".into());
    }
    let host = uri.host().ok_or("the endpoint has no host")?;
    let port = uri.port_u16().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let authority = uri.authority().map_or(host, |authority| authority.as_str());
    request.headers_mut().insert(HOST, authority.parse()?);
    *request.uri_mut() = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .parse()?;
    let (head, body) = sender
        .send_request(request.map(Full::new))
        .await?
        .into_parts();
    let body = Limited::new(body, LONGEST).collect().await?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}
