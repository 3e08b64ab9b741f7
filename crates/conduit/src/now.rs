//! What a future has to say without a wait.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

/// What the future comes to if it is ready; `None` if it would have to be waited for.
pub(crate) async fn now<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}
