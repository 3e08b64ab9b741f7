//! Which way a source's records go, and what of its stdout counts then.

use crossdock_core::catalog::ConfiguredCatalog;
use crossdock_core::error::Result;
use tokio::sync::watch;

use super::direct::{DirectChannel, Lives, Tally};
use super::sockets::Sockets;
use crate::channel::{Arrivals, Inbound, Incoming};
use crate::wire::Message;
use crate::wire::protobuf::Wanted;

/// The way of the records.
pub(super) enum Way {
    Stdout,
    /// To us; stdout says the rest (§4.6).
    Sockets(Box<Beside>),
    /// To the destination, past us.
    Past(Past),
}

/// Sockets that end here.
pub(super) struct Beside {
    pub(super) arrivals: Arrivals,
    inbound: Inbound,
    /// All sockets are at their end.
    is_over: bool,
    sockets: Sockets,
}

/// Sockets that end at a destination.
pub(super) struct Past {
    pub(super) channel: DirectChannel,
    pub(super) tally: Tally,
    /// What is heard of the destination, which lives by what it gets.
    news: watch::Receiver<Lives>,
}

impl Beside {
    /// Connects to the sockets once they are there.
    pub(super) fn connect(
        sockets: Sockets,
        catalog: &ConfiguredCatalog,
        wanted: Wanted,
        max_bytes: usize,
    ) -> Self {
        Self {
            inbound: Inbound::connect(sockets.channel(), catalog, wanted, max_bytes),
            arrivals: Arrivals::default(),
            is_over: false,
            sockets,
        }
    }
}

impl Past {
    pub(super) fn new(channel: &DirectChannel, catalog: &ConfiguredCatalog) -> Self {
        Self {
            news: channel.watch(),
            channel: channel.clone(),
            tally: Tally::new(catalog),
        }
    }
}

impl Way {
    pub(super) fn sockets(&self) -> Option<&Sockets> {
        match self {
            Self::Stdout => None,
            Self::Sockets(beside) => Some(&beside.sockets),
            Self::Past(past) => Some(past.channel.sockets()),
        }
    }

    /// The channel on which records go past us.
    pub(super) fn past_us(&self) -> Option<&DirectChannel> {
        match self {
            Self::Past(past) => Some(&past.channel),
            Self::Stdout | Self::Sockets(_) => None,
        }
    }

    /// Nothing comes any more but over stdout.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Sockets(beside) => beside.is_over,
            Self::Stdout | Self::Past(_) => true,
        }
    }

    /// The source has closed its stdout.
    pub(super) fn writer_ended(&self) {
        if let Self::Sockets(beside) = self {
            beside.inbound.writer_ended();
        }
    }

    /// What came next beside stdout. `None`: nothing but the knowledge that the source lives. Waits for ever once
    /// nothing can come. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Incoming>>> {
        match self {
            Self::Sockets(beside) if !beside.is_over => {
                let incoming = beside.inbound.next().await?;
                beside.is_over = incoming.is_none();
                Ok(incoming)
            }
            Self::Past(past) => {
                // The sender is in the channel, so it lasts.
                let _ = past.news.changed().await;
                Ok(None)
            }
            Self::Stdout | Self::Sockets(_) => std::future::pending().await,
        }
    }

    /// The source ended well: nothing of what it sent may be left over.
    pub(super) fn finish(&self) -> Result<()> {
        match self {
            Self::Stdout => Ok(()),
            Self::Sockets(beside) => beside.arrivals.finish(),
            Self::Past(past) => past.tally.finish(),
        }
    }

    /// Whether what was said on stdout counts. Over sockets that end here states and statuses come, too, in the right
    /// order (§4.6). Records have no place there beside sockets.
    pub(super) fn counts(&self, message: &Message) -> bool {
        match (self, message) {
            (Self::Stdout, _) => true,
            (_, Message::Records { .. }) | (Self::Sockets(_), Message::State(_)) => false,
            (Self::Sockets(_), Message::Trace(trace)) => trace.stream_status.is_none(),
            _ => true,
        }
    }
}
