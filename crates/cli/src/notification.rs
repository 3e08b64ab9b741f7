//! Tells webhooks how a run went. A message that cannot be sent is a warning and no more: the run is over.

use std::time::Duration;

use bytes::Bytes;
use crossdock_config::Notification;
use crossdock_core::{Error, code};
use hyper::header::{CONTENT_TYPE, USER_AGENT};
use hyper::{Request, StatusCode};
use serde_json::Value;

use crate::context::Context;
use crate::http;

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Sends messages, all of them at once.
pub(crate) async fn send(messages: &[(&Notification, Value)], pipeline: &str, context: &Context) {
    let sent = messages.iter().map(|(to, body)| deliver(to, body, context));
    for failed in futures::future::join_all(sent).await.into_iter().flatten() {
        context.printer.warning(&failed.with("pipeline", pipeline));
    }
}

/// How a try ended.
enum Tried {
    Taken,
    /// Another try may help.
    Failed(String),
    Refused(String),
}

/// Tries until the message is taken; an error says why it was not.
async fn deliver(to: &Notification, body: &Value, context: &Context) -> Option<Error> {
    let mut wait = to.backoff;
    let mut tried = 0;
    let reason = loop {
        tried += 1;
        let reason = match attempt(to, body).await {
            Tried::Taken => return None,
            Tried::Refused(reason) => break reason,
            Tried::Failed(reason) => reason,
        };
        if tried >= to.attempts || !slept(wait, context).await {
            break reason;
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    };
    let message = format!("a webhook was not told how the run went: {reason}");
    let error = Error::new(&code::NOTIFICATION_FAILED, message).with("attempts", tried);
    Some(to.at.locate(error))
}

/// Waits. `false`: somebody wants the end before.
async fn slept(wait: Duration, context: &Context) -> bool {
    let mut cancel = context.cancel.clone();
    tokio::select! {
        () = tokio::time::sleep(wait) => true,
        Ok(_) = cancel.wait_for(Option::is_some) => false,
    }
}

async fn attempt(to: &Notification, body: &Value) -> Tried {
    let request = Request::post(to.webhook.url())
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("crossdock/", env!("CARGO_PKG_VERSION")))
        .body(Bytes::from(body.to_string()));
    let Ok(request) = request else {
        return Tried::Refused("the URL cannot be sent to".to_owned());
    };
    match tokio::time::timeout(to.timeout, http::send(request)).await {
        Err(_) => Tried::Failed("no answer in time".to_owned()),
        Ok(Err(failure)) if failure.is::<http::Untrusted>() => Tried::Refused(failure.to_string()),
        Ok(Err(failure)) => Tried::Failed(failure.to_string()),
        Ok(Ok(answer)) if answer.status().is_success() => Tried::Taken,
        Ok(Ok(answer)) => judged(answer.status()),
    }
}

/// What the other side says that is not its last word is tried again.
fn judged(status: StatusCode) -> Tried {
    let reason = format!("it answered {status}");
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if status.is_server_error() || passes.contains(&status) {
        Tried::Failed(reason)
    } else {
        Tried::Refused(reason)
    }
}
