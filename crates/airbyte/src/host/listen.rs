//! The task that hears what a destination says: echoed states, logs, the reason of a failure.

use std::sync::{Arc, Mutex, PoisonError};

use crossdock_core::destination::Acknowledge;
use crossdock_core::error::Result;

use super::echo::EchoBook;
use super::exit::End;
use super::peer::Peer;
use crate::talk::config_of;
use crate::wire::{Message, Suspect, TraceError};

/// How a destination's run ended, and its own reason if it failed.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) end: End,
    pub(super) cause: Option<TraceError>,
}

/// Listens until the output is over and the process has ended.
pub(super) async fn listen(
    mut peer: Peer,
    book: Arc<Mutex<EchoBook>>,
    acks: Arc<dyn Acknowledge>,
) -> Result<Heard> {
    let talk = peer.talk().clone();
    let mut cause = None;
    let mut messages = Vec::new();
    loop {
        let more = peer.next(&mut messages).await?;
        for message in messages.drain(..) {
            match message {
                Message::State(state) => {
                    let echoed = book
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .echo(&state);
                    for ack in echoed.acks {
                        acks.acknowledge(ack);
                    }
                    if let Some(warning) = echoed.warning {
                        talk.warn(&warning);
                    }
                }
                Message::Log(log) => talk.logged(&log),
                Message::Trace(trace) => {
                    if let Some(error) = trace.error {
                        talk.traced(&error);
                        cause.get_or_insert(error);
                    }
                }
                Message::Control(control) => {
                    if let Some(config) = config_of(control) {
                        talk.new_config(config); // At once (§1.6).
                    }
                }
                Message::Text(text) => talk.printed(&text),
                Message::Unreadable {
                    suspect: Suspect::State,
                    excerpt,
                    reason,
                } => {
                    talk.warn(&format!(
                        "the destination returned a state that cannot be read ({reason}): {excerpt}"
                    ));
                }
                // Records from a destination are bookkeeping of another transport (§1.2).
                Message::Records { .. }
                | Message::Unreadable { .. }
                | Message::Spec(_)
                | Message::ConnectionStatus(_)
                | Message::Catalog(_)
                | Message::DestinationCatalog(_) => {}
            }
        }
        if !more {
            return Ok(Heard {
                end: peer.end().await?,
                cause,
            });
        }
    }
}
