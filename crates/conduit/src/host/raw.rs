//! The calls of a connector as they are, for whoever examines connectors: nothing is repaired, hidden or decided here.
//! A platform uses [`ConduitSource`](crate::ConduitSource) and [`ConduitDestination`](crate::ConduitDestination).

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use crossdock_core::error::Result as Done;
use crossdock_core::memory::Passing;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::registry::Registry;
use super::schema_service::SchemaService;
use crate::grpc::client::Link;
use crate::wire::handshake::Address;

/// The longest message that Conduit takes (§1.7).
const LONGEST: usize = i32::MAX as usize;

/// A call that did not end well: the status of gRPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The number of the status.
    pub code: i32,
    /// Its text.
    pub text: String,
    /// Whether the connection broke: then these are not the connector's words.
    pub broken: bool,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}: {}", self.code, self.text)
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self {
            code: status.code() as i32,
            text: status.message().to_owned(),
            broken: status.source().is_some(),
        }
    }
}

/// A connection to a connector.
#[derive(Clone, Debug)]
pub struct Connection {
    link: Link,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The cause in words, if nobody listens there.
    pub async fn dial(address: &Address) -> Result<Self, String> {
        let link = Link::dial(address).await;
        link.map(|link| Self { link })
            .map_err(|cause| cause.to_string())
    }

    /// Asks what `path` (`/package.Service/Method`) names; messages are in the wire form.
    ///
    /// # Errors
    /// The status, if it is not OK.
    pub async fn unary(&self, path: &str, request: Bytes) -> Result<Bytes, Refused> {
        Ok(self.link.unary(path, request, LONGEST).await?)
    }

    /// Opens a stream of messages both ways. Must be called within a runtime.
    #[must_use]
    pub fn streaming(&self, path: &str) -> Stream {
        // As few as can be: whoever does not receive must hold the connector back (§3.11).
        let (requests, sent) = mpsc::channel(1);
        let (received, answers) = mpsc::channel(1);
        let (link, path) = (self.link.clone(), path.to_owned());
        let task = tokio::spawn(async move {
            let sent = ReceiverStream::new(sent);
            let mut messages = match link.streaming(&path, sent, LONGEST).await {
                Ok(messages) => messages,
                Err(status) => {
                    let _ = received.send(Err(status.into())).await;
                    return;
                }
            };
            while let Some(message) = messages.next().await {
                if received.send(message.map_err(Refused::from)).await.is_err() {
                    return;
                }
            }
        });
        Stream {
            requests: Some(requests),
            answers,
            task: task.abort_handle(),
        }
    }
}

/// An open stream. It is cancelled with this.
#[derive(Debug)]
pub struct Stream {
    requests: Option<mpsc::Sender<Bytes>>,
    answers: mpsc::Receiver<Result<Bytes, Refused>>,
    task: AbortHandle,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Stream {
    /// Sends a message as soon as the connector takes it; `false` if it takes no more.
    pub async fn send(&self, message: Bytes) -> bool {
        match &self.requests {
            Some(requests) => requests.send(message).await.is_ok(),
            None => false,
        }
    }

    /// The next message; `None` at the end. Dropping the future loses none.
    ///
    /// # Errors
    /// The status, if the stream ends with another than OK.
    pub async fn receive(&mut self) -> Result<Option<Bytes>, Refused> {
        self.answers.recv().await.transpose()
    }

    /// Sends no more (half-close).
    pub fn finish(&mut self) {
        self.requests = None;
    }
}

/// The service that connectors store schemas in, with an empty registry. It ends with this.
#[derive(Debug)]
pub struct Utilities {
    service: SchemaService,
}

impl Utilities {
    /// Starts it on a free port of loopback.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start() -> Done<Self> {
        let registry = Registry::new(Arc::new(Passing::default()));
        let service = SchemaService::start(registry).await?;
        Ok(Self { service })
    }

    /// The address that a connector is told.
    #[must_use]
    pub fn address(&self) -> &str {
        self.service.address()
    }

    /// The token that a connector must name.
    #[must_use]
    pub fn token(&self) -> &str {
        self.service.token()
    }
}
