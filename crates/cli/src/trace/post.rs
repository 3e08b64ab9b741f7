//! Sends a request to a collector over HTTP.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{Request, Response};
use opentelemetry_http::{HttpClient, HttpError};
use tokio::runtime::Handle;

use crate::http;

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
        let sent = async move { tokio::time::timeout(patience, http::send(request)).await };
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
