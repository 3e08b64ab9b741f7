//! `spec`, `check`, `discover`: one question, one answer (§2.3).

use std::ops::ControlFlow;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use crossdock_core::spec::Checked;
use serde_json::Value;
use tokio::time::timeout;

use super::exit::{End, failure, truncated};
use super::peer::Peer;
use crate::talk::{Talk, config_of};
use crate::wire::{ConnectionStatus, Message, TraceError};

/// What was heard so far.
struct Heard<T> {
    answer: Option<T>,
    cause: Option<TraceError>,
    config: Option<Value>,
    texts: Vec<String>,
}

/// Listens to a command until it answers. The first answer counts, whatever the exit; without one, the
/// first ERROR trace or the exit is the error. `pick` breaks with the answer when it sees it.
pub(super) async fn ask<T>(
    mut peer: Peer,
    talk: &Talk,
    config: Option<&Value>,
    pick: impl Fn(Message) -> ControlFlow<T, Message>,
) -> Result<T> {
    let mut heard = Heard {
        answer: None,
        cause: None,
        config: None,
        texts: Vec::new(),
    };
    let limit = talk.limits().command_timeout;
    let ended = timeout(limit, listen(&mut peer, &mut heard, &pick)).await;
    if let Some(new) = heard.config.take()
        && Some(&new) != config
    {
        talk.new_config(new);
    }
    let end = match (ended, heard.answer) {
        (Ok(Ok(_)), Some(answer)) => return Ok(answer),
        (_, Some(answer)) => {
            // It answered, and then went on too long or badly: that is its own affair.
            peer.stop(talk.limits().grace).await?;
            return Ok(answer);
        }
        (Ok(end), None) => end?,
        (Err(_), None) => {
            let stderr = peer.stderr_tail();
            peer.stop(talk.limits().grace).await?;
            let error = Error::new(&code::CONNECTOR_TIMEOUT, "the connector did not answer")
                .with("limit", format!("{} s", limit.as_secs_f64()));
            return Err(talk.error(if stderr.is_empty() {
                error
            } else {
                error.with("stderr", stderr.join("\n"))
            }));
        }
    };
    if heard.cause.is_some() || !end.success() {
        return Err(failure(talk, &end, heard.cause.as_ref()));
    }
    Err(truncated(talk, &end).unwrap_or_else(|| {
        let error = Error::new(
            &code::CONNECTOR_NO_ANSWER,
            "the connector ended without an answer",
        );
        talk.error(match heard.texts.as_slice() {
            [] => error,
            texts => error.with("output", texts.join("\n")),
        })
    }))
}

async fn listen<T>(
    peer: &mut Peer,
    heard: &mut Heard<T>,
    pick: &impl Fn(Message) -> ControlFlow<T, Message>,
) -> Result<End> {
    let mut messages = Vec::new();
    let grace = peer.talk().limits().grace;
    loop {
        let next = peer.next(&mut messages);
        let more = if heard.answer.is_some() {
            // It may linger with stray threads (§6, 18), but not long.
            match timeout(grace, next).await {
                Ok(more) => more?,
                Err(_) => {
                    peer.stop(grace).await?;
                    return Ok(End::default());
                }
            }
        } else {
            next.await?
        };
        for message in messages.drain(..) {
            match pick(message) {
                ControlFlow::Break(answer) => {
                    heard.answer.get_or_insert(answer);
                }
                ControlFlow::Continue(other) => note(peer.talk(), heard, other),
            }
        }
        if !more {
            return peer.end().await;
        }
    }
}

fn note<T>(talk: &Talk, heard: &mut Heard<T>, message: Message) {
    match message {
        Message::Log(log) => talk.logged(&log),
        Message::Trace(trace) => {
            if let Some(error) = trace.error {
                talk.traced(&error);
                heard.cause.get_or_insert(error);
            }
        }
        // The last one wins (§1.6).
        Message::Control(control) => {
            if let Some(config) = config_of(control) {
                heard.config = Some(config);
            }
        }
        Message::Text(text) | Message::Unreadable { excerpt: text, .. } => {
            talk.printed(&text);
            heard.texts.push(text);
            if heard.texts.len() > 5 {
                heard.texts.remove(0);
            }
        }
        Message::Records { .. }
        | Message::State(_)
        | Message::Spec(_)
        | Message::ConnectionStatus(_)
        | Message::Catalog(_)
        | Message::DestinationCatalog(_) => {}
    }
}

/// The answer that a CONNECTION_STATUS stands for.
pub(super) fn check_status(talk: &Talk, status: ConnectionStatus) -> Result<Checked> {
    match status.status.as_str() {
        "SUCCEEDED" => Ok(Checked::Succeeded),
        "FAILED" => Ok(Checked::Failed(
            talk.mask(
                status
                    .message
                    .as_deref()
                    .unwrap_or("the connector gave no reason"),
            ),
        )),
        other => Err(talk.error(
            Error::new(
                &code::CONNECTOR_NO_ANSWER,
                "the connector's answer is neither yes nor no",
            )
            .with("status", other),
        )),
    }
}
