//! Direct mode (§4.3, §4.8): the source's sockets are the destination's. Records never come here; what both say of
//! their states on stdout is enough to keep the books.

mod blame;
mod tally;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossdock_core::code;
use crossdock_core::error::{Error, Result};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::exit::End;
use super::sockets::Sockets;
use crate::channel::{Format, listen};
use crate::mapping::NamespaceMapping;
use blame::Death;
pub(super) use blame::{Lives, Side};
pub(super) use tally::{Committed, Tally};

/// So often it is looked whether a source waits for a destination that is over.
const LOOK: Duration = Duration::from_millis(100);

/// How a destination learns its streams' names (§4.8).
const MAPPING: &str = "namespace-mapping.json";

/// One channel for a source and a destination. Both are opened with the same one: the destination first, for it only
/// waits. Gone with its last copy.
#[derive(Clone, Debug)]
pub struct DirectChannel(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    sockets: Sockets,
    mapping: Option<PathBuf>,
    lives: watch::Sender<Lives>,
}

impl DirectChannel {
    /// Makes the folder of the sockets, and the file that tells the destination how its streams are called, if they
    /// have other names there. `count`: how many sockets; `None`: two for each processor.
    ///
    /// # Errors
    /// `io` if the folder cannot be made.
    pub fn create(
        format: Format,
        count: Option<usize>,
        mapping: Option<&NamespaceMapping>,
    ) -> Result<Self> {
        let sockets = Sockets::create(format, count)?;
        let mapping = mapping.map(|mapping| {
            let path = sockets.folder().join(MAPPING);
            std::fs::write(&path, mapping.to_json()).map_err(|cause| {
                Error::new(
                    &code::IO,
                    "the file of the streams' names cannot be written",
                )
                .with("path", path.display())
                .caused_by(cause)
            })?;
            Ok::<_, Error>(path)
        });
        Ok(Self(Arc::new(Shared {
            mapping: mapping.transpose()?,
            sockets,
            lives: watch::Sender::default(),
        })))
    }

    pub(super) fn sockets(&self) -> &Sockets {
        &self.0.sockets
    }

    pub(super) fn mapping(&self) -> Option<&Path> {
        self.0.mapping.as_deref()
    }

    /// The source is over. Whoever connects to its sockets from now on finds them at their end, as long as what is
    /// returned lasts: a destination that was not there yet would wait for them.
    ///
    /// # Errors
    /// `io` if a socket cannot be made.
    pub(super) fn take_over(&self) -> Result<JoinSet<()>> {
        let mut ends = JoinSet::new();
        for path in &self.0.sockets.channel().paths {
            let listener = listen(path).map_err(|cause| {
                Error::new(&code::IO, "a socket of the data channel cannot be made")
                    .with("path", path.display())
                    .caused_by(cause)
            })?;
            ends.spawn(async move {
                while listener.accept().await.is_ok() {
                    // Accepted and closed.
                }
            });
        }
        self.0.sockets.open_to_all()?;
        Ok(ends)
    }

    /// The destination is over. A source that still waits for it finds a reader that goes away at once; one that had it
    /// has noticed.
    fn hang_up(&self) {
        for path in &self.0.sockets.channel().paths {
            // Where nobody listens, nobody waits.
            let _ = std::os::unix::net::UnixStream::connect(path);
        }
    }

    /// Something was heard of the destination's work: the source has sent what it works on.
    pub(super) fn alive(&self) {
        self.0.lives.send_modify(|_| {});
    }

    /// The source is asked to stop.
    pub(super) fn cut_short(&self) {
        self.0.lives.send_modify(Lives::cut_short);
    }

    /// Whether it was.
    pub(super) fn is_cut_short(&self) -> bool {
        self.0.lives.borrow().is_cut_short()
    }

    /// One side says that it failed.
    pub(super) fn failing(&self, side: Side) {
        self.0.lives.send_modify(|lives| lives.failing(side));
    }

    /// One side is over.
    pub(super) fn ended(&self, side: Side, end: &End) {
        self.0
            .lives
            .send_modify(|lives| lives.ended(side, Death::of(end)));
    }

    /// Changes with everything that is heard of either side.
    pub(super) fn watch(&self) -> watch::Receiver<Lives> {
        self.0.lives.subscribe()
    }

    /// Waits for the end of a side, so long; whether it came.
    pub(super) async fn ends(&self, side: Side, limit: Duration) -> bool {
        let mut lives = self.watch();
        let over = lives.wait_for(|lives| lives.is_over(side));
        timeout(limit, over).await.is_ok()
    }

    /// Waits until this side is over, and for the other one as long as it takes to tell: whether what ails both, if
    /// anything does, began with this one.
    pub(super) async fn is_to_blame(&self, side: Side, grace: Duration) -> bool {
        let mut lives = self.watch();
        // The sender is in here, so it lasts.
        let _ = lives.wait_for(|lives| lives.is_over(side)).await;
        let patience = match lives.borrow().is_well(side) {
            // The other one may still be at work, and fail from that.
            true => Duration::MAX,
            false => grace,
        };
        let hanging_up = async {
            match side {
                Side::Source => std::future::pending().await,
                // It may not even listen yet.
                Side::Destination => loop {
                    self.hang_up();
                    sleep(LOOK).await;
                },
            }
        };
        tokio::select! {
            _ = self.ends(side.other(), patience) => {}
            () = hanging_up => {}
        }
        self.watch().borrow().culprit() == Some(side)
    }
}
