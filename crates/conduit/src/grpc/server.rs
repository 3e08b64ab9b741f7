//! The side that answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_stream::Stream;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::Grpc;
use tonic::{Status, Streaming};
use tower_service::Service;

use super::{FRAME, Raw, WINDOW};

/// Messages that go to the caller.
pub(crate) type Answers = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// How a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One question, one answer.
    Unary,
    /// Messages both ways, or only to the caller.
    Streaming,
}

/// What a server does. Paths are `/package.Service/Method`.
#[async_trait]
pub(crate) trait Calls: Send + Sync + 'static {
    /// How the call of this path goes; `None`: there is none.
    fn shape(&self, path: &str) -> Option<Shape>;

    /// The longest message that is taken, in bytes.
    fn longest(&self) -> usize;

    /// Answers a question.
    async fn unary(
        &self,
        path: &str,
        metadata: &MetadataMap,
        request: Bytes,
    ) -> Result<Bytes, Status>;

    /// Begins a stream.
    async fn streaming(&self, path: &str, requests: Streaming<Bytes>) -> Result<Answers, Status>;
}

/// Serves one connection until it ends.
pub(crate) async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    calls: Arc<dyn Calls>,
) -> Result<(), hyper::Error> {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let calls = calls.clone();
        async move { Ok::<_, std::convert::Infallible>(answer(calls, request).await) }
    });
    Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(2 * WINDOW)
        .max_frame_size(FRAME)
        .max_send_buf_size(1 << 20)
        .serve_connection(TokioIo::new(io), service)
        .await
}

async fn answer(calls: Arc<dyn Calls>, request: http::Request<Incoming>) -> http::Response<Body> {
    let path = request.uri().path().to_owned();
    let shape = calls.shape(&path);
    let mut grpc = Grpc::new(Raw)
        .max_decoding_message_size(calls.longest())
        .max_encoding_message_size(usize::MAX);
    let call = Call { calls, path };
    match shape {
        Some(Shape::Unary) => grpc.unary(call, request).await,
        Some(Shape::Streaming) => grpc.streaming(call, request).await,
        None => Status::unimplemented(format!("there is no call {}", call.path)).into_http(),
    }
}

/// One call, in the form that tonic wants.
#[derive(Clone)]
struct Call {
    calls: Arc<dyn Calls>,
    path: String,
}

type Answering<T> = Pin<Box<dyn Future<Output = Result<tonic::Response<T>, Status>> + Send>>;

impl Service<tonic::Request<Bytes>> for Call {
    type Response = tonic::Response<Bytes>;
    type Error = Status;
    type Future = Answering<Bytes>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let Self { calls, path } = self.clone();
        Box::pin(async move {
            let (metadata, _, message) = request.into_parts();
            let answer = calls.unary(&path, &metadata, message).await?;
            Ok(tonic::Response::new(answer))
        })
    }
}

impl Service<tonic::Request<Streaming<Bytes>>> for Call {
    type Response = tonic::Response<Answers>;
    type Error = Status;
    type Future = Answering<Answers>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> Self::Future {
        let Self { calls, path } = self.clone();
        Box::pin(async move {
            let answers = calls.streaming(&path, request.into_inner()).await?;
            Ok(tonic::Response::new(answers))
        })
    }
}
