//! The task that hears what a destination says: echoed states, logs, the reason of a failure.

use std::sync::{Arc, Mutex, PoisonError};

use crossdock_core::destination::Acknowledge;
use crossdock_core::error::Result;

use super::direct::{Committed, DirectChannel, Side};
use super::echo::{EchoBook, Echoed};
use super::exit::End;
use super::peer::Peer;
use crate::talk::{Talk, config_of};
use crate::wire::{Message, Suspect, TraceError};

/// How a destination's run ended, and its own reason if it failed.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) end: End,
    pub(super) cause: Option<TraceError>,
}

/// What a destination is listened to for.
pub(super) struct Ear {
    pub(super) book: Arc<Mutex<EchoBook>>,
    pub(super) acks: Arc<dyn Acknowledge>,
    /// Nobody else knows what goes to it.
    pub(super) beside: Option<(DirectChannel, Committed)>,
}

/// Carries out what an echo means.
pub(super) fn act(echoed: Echoed, acks: &dyn Acknowledge, talk: &Talk) {
    for ack in echoed.acks {
        acks.acknowledge(ack);
    }
    if let Some(warning) = echoed.warning {
        talk.warn(&warning);
    }
}

/// Listens until the output is over and the process has ended.
pub(super) async fn listen(mut peer: Peer, mut ear: Ear) -> Result<Heard> {
    let talk = peer.talk().clone();
    let mut cause = None;
    let mut messages = Vec::new();
    loop {
        let more = peer.next(&mut messages).await?;
        if let Some((channel, _)) = &ear.beside {
            channel.alive();
        }
        for message in messages.drain(..) {
            match message {
                Message::State(state) => {
                    if let Some((_, committed)) = &mut ear.beside {
                        let counted = committed.counted(&state).into_iter();
                        counted.for_each(|ack| ear.acks.acknowledge(ack));
                        if let Some(complaint) = committed.complaint(&state) {
                            talk.warn(complaint);
                        }
                    }
                    let mut book = ear.book.lock().unwrap_or_else(PoisonError::into_inner);
                    act(book.echo(&state), &*ear.acks, &talk);
                }
                Message::Log(log) => talk.logged(&log),
                Message::Trace(trace) => {
                    if let Some(error) = trace.error {
                        let channel = ear.beside.as_ref().map(|(channel, _)| channel);
                        if let Some(channel) = channel {
                            channel.failing(Side::Destination);
                        }
                        // That its input is not complete is nothing new then.
                        if !channel.is_some_and(DirectChannel::is_cut_short) {
                            talk.traced(&error);
                        }
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
            let end = peer.end().await?;
            peer.keep_files();
            if let Some((channel, _)) = &ear.beside {
                channel.ended(Side::Destination, &end);
            }
            return Ok(Heard { end, cause });
        }
    }
}
