//! The side that calls.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::PathAndQuery;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::AbortHandle;
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::{Status, Streaming};
use tower_service::Service;

use super::{FRAME, Raw, TOKEN, WINDOW};

use crate::wire::handshake::Address;

/// A connection. Clones share it; it ends with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    sender: SendRequest<Body>,
    _driver: std::sync::Arc<Driver>,
}

#[derive(Debug)]
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why a connection cannot be made.
pub(crate) type Refusal = Box<dyn std::error::Error + Send + Sync>;

impl Link {
    /// Connects. Pings are not sent: Go answers those with an end of the connection (§0.1, 4).
    pub(crate) async fn dial(address: &Address) -> Result<Self, Refusal> {
        match address {
            Address::Unix(path) => Self::over(TokioIo::new(UnixStream::connect(path).await?)).await,
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Self::over(TokioIo::new(stream)).await
            }
        }
    }

    async fn over(
        io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    ) -> Result<Self, Refusal> {
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(2 * WINDOW)
            .max_frame_size(FRAME)
            .max_send_buf_size(1 << 20)
            .handshake(io)
            .await?;
        let driver = tokio::spawn(async move {
            // A connection that breaks is noticed by the calls on it.
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            _driver: std::sync::Arc::new(Driver(driver.abort_handle())),
        })
    }

    fn grpc(&self, longest: usize) -> Grpc<Self> {
        let origin = http::Uri::from_static("http://localhost");
        Grpc::with_origin(self.clone(), origin)
            .max_decoding_message_size(longest)
            .max_encoding_message_size(usize::MAX)
    }

    /// One question, one answer.
    pub(crate) async fn unary(
        &self,
        path: &str,
        request: Bytes,
        longest: usize,
    ) -> Result<Bytes, Status> {
        self.unary_with(path, request, longest, None).await
    }

    /// The same with a token that the schema service wants (§2.5).
    pub(crate) async fn unary_with(
        &self,
        path: &str,
        request: Bytes,
        longest: usize,
        token: Option<&str>,
    ) -> Result<Bytes, Status> {
        let mut grpc = self.grpc(longest);
        grpc.ready().await.map_err(unready)?;
        let mut request = tonic::Request::new(request);
        if let Some(token) = token {
            let token = token
                .parse()
                .map_err(|_| Status::internal("the token is not plain text"))?;
            request.metadata_mut().insert(TOKEN, token);
        }
        let answer = grpc.unary(request, at(path)?, Raw).await?;
        Ok(answer.into_inner())
    }

    /// Messages both ways. A Go server sends its headers with its first message only (§0.1, 7), so
    /// this may take as long: it must have a task of its own.
    pub(crate) async fn streaming(
        &self,
        path: &str,
        requests: impl Stream<Item = Bytes> + Send + 'static,
        longest: usize,
    ) -> Result<Streaming<Bytes>, Status> {
        let mut grpc = self.grpc(longest);
        grpc.ready().await.map_err(unready)?;
        let request = tonic::Request::new(requests);
        let answer = grpc.streaming(request, at(path)?, Raw).await?;
        Ok(answer.into_inner())
    }
}

fn at(path: &str) -> Result<PathAndQuery, Status> {
    path.parse()
        .map_err(|_| Status::internal(format!("`{path}` is no path of a call")))
}

fn unready(cause: hyper::Error) -> Status {
    Status::unavailable(format!("the connection is closed: {cause}"))
}

impl Service<http::Request<Body>> for Link {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.sender.send_request(request))
    }
}
